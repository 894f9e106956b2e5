"""Data sets as a whole: made, given more recordings, changed, built, copied, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.control import Control
from studio.errors import BadInput, StudioError
from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from tabs.datasets import coverage_view, settings_form, view
from tabs.datasets.choosing import everything
from tabs.datasets.finding import chosen_one, found
from tabs.datasets.showing import page
from tabs.edge import owner_of, path_on_the_machine, picked_number
from tabs.frame import reveal
from tabs.personalities.keeping import free_name


def on_create(
    studio: Studio,
    request: gr.Request,
    name: str,
    files: Sequence[str] | None,
    paths: str,
    *settings: Any,
) -> list[Any]:
    """A new set of those recordings, which is chosen and begins to be built. The name and the
    recordings leave the form; the settings stay for the next one."""
    owner, wanted = owner_of(request), settings_form.settings_of(settings)
    uploads, named = _recordings(studio, files, paths)
    if not uploads and not named:
        raise BadInput("There are no recordings.", "Upload some, or name a folder of the machine.")
    if uploads:
        dataset = studio.datasets.create(name or "", owner, wanted, uploads, copy=True)
        if named:
            dataset = _added_or_deleted(studio, dataset, owner, named)
    else:
        dataset = studio.datasets.create(name or "", owner, wanted, named)
    try:
        studio.datasets.build(dataset.id, owner)
    except StudioError as error:  # the set is there, and says what keeps it from being built
        gr.Warning(escape(f"{error}"))
    return ["", None, "", *everything(studio, request, found(studio, request, dataset.id))]


def on_add(
    studio: Studio,
    request: gr.Request,
    chosen: str,
    files: Sequence[str] | None,
    paths: str,
) -> list[Any]:
    """More recordings for the chosen set; the boxes are emptied."""
    dataset, owner = chosen_one(studio, request, chosen), owner_of(request)
    uploads, named = _recordings(studio, files, paths)
    if not uploads and not named:
        raise BadInput("There are no recordings.", "Upload some, or name a folder of the machine.")
    if uploads:
        studio.datasets.add(dataset.id, owner, uploads, copy=True)
    if named:
        studio.datasets.add(dataset.id, owner, named)
    gr.Info("Added. Build the set again to take them in.")
    return [None, "", *page(studio, request, found(studio, request, chosen))]


def on_remove(studio: Studio, request: gr.Request, chosen: str, pressed: str) -> list[Any]:
    """Build without one of the recordings from now on."""
    dataset, place = chosen_one(studio, request, chosen), picked_number(pressed)
    if not 0 <= place < len(dataset.inputs):
        raise BadInput("That recording is not in the list any more.", "Reload the page.")
    studio.datasets.remove_input(dataset.id, owner_of(request), dataset.inputs[place].path)
    gr.Info("Removed. Its segments go with the next build.")
    return page(studio, request, found(studio, request, chosen))


def on_save(
    studio: Studio, request: gr.Request, chosen: str, name: str, note: str, *settings: Any
) -> list[Any]:
    """Name, note and settings as the form has them."""
    dataset = chosen_one(studio, request, chosen)
    wanted = settings_form.settings_of(settings, dataset.settings)
    changed = studio.datasets.change(
        dataset.id, owner_of(request), name=name or "", note=note or "", settings=wanted
    )
    gr.Info(escape(f"Saved. {changed.stale}"))
    return everything(studio, request, changed)


def on_build(studio: Studio, request: gr.Request, chosen: str) -> list[Any]:
    """Begin to build, or go on; the page follows it."""
    dataset = chosen_one(studio, request, chosen)
    studio.datasets.build(dataset.id, owner_of(request))
    return page(studio, request, found(studio, request, chosen))


def on_stop(studio: Studio, request: gr.Request, chosen: str) -> list[Any]:
    """Stop building; what is done is kept."""
    dataset = chosen_one(studio, request, chosen)
    studio.datasets.stop(dataset.id, owner_of(request))
    return page(studio, request, found(studio, request, chosen))


def on_cover(studio: Studio, request: gr.Request, chosen: str) -> str:
    """What the kept texts cover of their language."""
    dataset = chosen_one(studio, request, chosen)
    if not dataset.kept:
        raise BadInput("No segment is kept yet.", "Build the set, or loosen its limits.")
    return coverage_view.coverage(studio.datasets.coverage(dataset.id, owner_of(request), Control()))


def on_duplicate(studio: Studio, request: gr.Request, chosen: str, name: str) -> list[Any]:
    """A copy, which is chosen then."""
    dataset, owner = chosen_one(studio, request, chosen), owner_of(request)
    wanted = (name or "").strip()
    if not wanted:
        taken = {each.name.casefold() for each in studio.datasets.list(owner)}
        wanted = free_name(dataset.name, taken)
    copy = studio.datasets.duplicate(dataset.id, owner, wanted)
    gr.Info(escape(f"Duplicated: {copy.name}"))
    return everything(studio, request, copy)


def on_ask_delete(studio: Studio, request: gr.Request, chosen: str, asked: str | None) -> list[Any]:
    """Ask whether to delete the chosen set: the column, the question, and what is asked about."""
    dataset = chosen_one(studio, request, chosen)
    size = studio.datasets.size(dataset.id, owner_of(request))
    return [reveal(bool(asked), True)[0], view.delete_question(dataset, size), dataset.id]


def on_delete(studio: Studio, request: gr.Request, asked: str) -> list[Any]:
    """Delete the set that is asked about; none is chosen then."""
    dataset = chosen_one(studio, request, asked)
    studio.datasets.delete(dataset.id, owner_of(request))
    gr.Info(escape(f"Deleted: {dataset.name}"))
    return everything(studio, request, None)


def _recordings(
    studio: Studio, files: Sequence[str] | None, paths: str
) -> tuple[list[Path], list[Path]]:
    """What was uploaded, and what was named on the studio's machine."""
    hint = "Upload the recordings, or use the command line there."
    named = [
        path_on_the_machine(studio, line, hint) for line in (paths or "").splitlines() if line.strip()
    ]
    return [Path(file) for file in files or ()], named


def _added_or_deleted(studio: Studio, dataset: Dataset, owner: str, named: list[Path]) -> Dataset:
    """Both kinds of recordings, or no set at all."""
    try:
        return studio.datasets.add(dataset.id, owner, named)
    except StudioError:
        studio.datasets.delete(dataset.id, owner)
        raise
