"""What is made of a checkpoint: merged, exported; and checkpoints that are taken over from elsewhere. All
are jobs of the studio, so that a page that was loaded anew finds them again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import BadInput
from studio.services.run_jobs import EXPORT, IMPORT, MERGE
from studio.services.studio import Studio
from tabs.checkpoints import showing, working
from tabs.checkpoints.finding import chosen_checkpoint, spec_of
from tabs.edge import owner_of, path_on_the_machine
from tabs.personalities.keeping import free_name


def on_merge(
    studio: Studio, request: gr.Request, name: str, chosen: str, epoch: int | None, *now: Any
) -> list[Any]:
    """Begin to make a full checkpoint of the adapter."""
    run, checkpoint = chosen_checkpoint(studio, request, chosen, epoch)
    studio.runs.merge(spec_of(checkpoint, run), owner_of(request), name or "")
    return showing.page(studio, request, chosen, epoch, *now)


def on_export(
    studio: Studio, request: gr.Request, target: str, chosen: str, epoch: int | None, *now: Any
) -> list[Any]:
    """Begin to write a folder on the studio's machine."""
    run, checkpoint = chosen_checkpoint(studio, request, chosen, epoch)
    if not (target or "").strip():
        raise BadInput("No folder is named.", "Name one that is not there yet.")
    folder = path_on_the_machine(studio, target, "Export a zip, or use the command line there.")
    studio.runs.export(spec_of(checkpoint, run), owner_of(request), folder)
    return showing.page(studio, request, chosen, epoch, *now)


def on_zip(studio: Studio, request: gr.Request, chosen: str, epoch: int | None, *now: Any) -> list[Any]:
    """Begin to write a zip that can be downloaded; it takes the place of the owner's last one."""
    run, checkpoint = chosen_checkpoint(studio, request, chosen, epoch)
    owner = owner_of(request)
    target = working.new_zip(studio, owner, f"{run.name} {checkpoint.epoch}")
    studio.runs.export(spec_of(checkpoint, run), owner, target)
    return showing.page(studio, request, chosen, epoch, *now)


def on_import(
    studio: Studio,
    request: gr.Request,
    files: Sequence[str] | None,
    path: str,
    name: str,
    base: str | None,
    chosen: str,
    epoch: int | None,
    *now: Any,
) -> list[Any]:
    """Begin to take over a checkpoint; what was given leaves the form."""
    owner, uploads = owner_of(request), [Path(file) for file in files or ()]
    typed = (path or "").strip()
    if bool(uploads) == bool(typed):
        raise BadInput(
            "There is nothing to import." if not uploads else "There is both a file and a path.",
            "Upload a checkpoint, or name one on the studio's machine.",
        )
    if uploads:
        wanted = (name or "").strip() or _name(studio, owner, uploads[0])
        studio.runs.import_files(uploads, owner, wanted, base or "")
    else:
        place = path_on_the_machine(studio, typed, "Upload it, or use the command line there.")
        wanted = (name or "").strip() or _name(studio, owner, place)
        studio.runs.import_checkpoint(place, owner, wanted, base or "")
    return [None, "", "", *showing.page(studio, request, chosen, epoch, *now)]


def on_stop(studio: Studio, request: gr.Request, chosen: str, epoch: int | None, *now: Any) -> list[Any]:
    """Stop what is being merged and exported; nothing of it is left."""
    _stop(studio, request, (MERGE, EXPORT))
    return showing.page(studio, request, chosen, epoch, *now)


def on_stop_import(
    studio: Studio, request: gr.Request, chosen: str, epoch: int | None, *now: Any
) -> list[Any]:
    """Stop what is being imported; nothing of it is left."""
    _stop(studio, request, (IMPORT,))
    return showing.page(studio, request, chosen, epoch, *now)


def _stop(studio: Studio, request: gr.Request, kinds: Sequence[str]) -> None:
    owner = owner_of(request)
    for job in studio.runs.made(owner):
        if job.kind in kinds and job.status.active:
            studio.runs.stop_making(job.id, owner)


def _name(studio: Studio, owner: str, path: Path) -> str:
    """After the file, with a number where that is taken."""
    name = (path.name if path.is_dir() else path.stem) or "imported"
    taken = {each.name.casefold() for each in studio.runs.list(owner)}
    return free_name(name, taken) if name.casefold() in taken else name
