"""The runs that have spoken and what the chosen one sounds like, as they stand now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.api.runs import run_address
from studio.errors import StudioError
from studio.services.run_values import Run, RunSummary
from studio.services.studio import Studio
from tabs.edge import owner_of
from tabs.run_view import chosen_run, found
from tabs.samples import across_view, blind, view
from tabs.samples.place import Blind, Place, Seen, section
from tabs.samples.spoken import Epoch, epochs_of
from tabs.training.history import History, read_on

#: Of `SamplesTab.page` the HTML, and of that at the end what follows from presses alone; before it what is
#: compared.
_TOLD, _BLIND = 8, 2


def page(
    studio: Studio,
    request: gr.Request,
    before: Place,
    seen: Seen,
    place: Place | None = None,
    step: int = 0,
) -> list[Any]:
    """In the order of `SamplesTab.page`. `place`: what is chosen now, where that is another one than `before`.
    `step`: so many lists of epochs further on."""
    owner, place = owner_of(request), place or before
    runs = studio.runs.list(owner)
    run = _spoken(studio, request, place.run) or _spoken(studio, request, _current(runs))
    if (run.id if run else "") != place.run:
        place = Place(run.id if run else "")
    epochs, history, problem = _read(studio, run, seen.history)
    listed = section(epochs, place.top, step)
    top = listed.epochs[0].number if listed.newer else None
    place = replace(place, top=top, blind=blind.settled(place.blind, epochs))
    told = [
        view.listed(runs, place.run),
        view.head(run, problem),
        view.pages(listed),
        view.epochs(run, listed, run_address(run.id, owner)) if run else "",
        across_view.across(run, epochs, run_address(run.id, owner)) if run else "",
        *(blind.told(studio, run, epochs, place.blind) if run else ("", "", "")),
    ]
    return [
        gr.skip() if place == before else place,
        Seen(history, tuple((each.number, each.best) for each in epochs), tuple(told)),
        gr.Timer(active=any(each.active for each in runs)),
        gr.Button(interactive=listed.newer),
        gr.Button(interactive=listed.older),
        *told,
    ]


def on_show(studio: Studio, request: gr.Request, place: Place, seen: Seen, remembered: str) -> list[Any]:
    """The tab comes into view: the samples as they are now and, in a page that was loaded anew, the run
    and the blind pair that its window was showing: "RUN FIRST SECOND TRIAL", some of them or none."""
    id, first, second, trial = [*(remembered or "").split(" "), "", "", "", ""][:4]
    if place.run or not _spoken(studio, request, id):
        return page(studio, request, place, seen)
    numbers = [int(each) if each.isdecimal() and len(each) < 7 else None for each in (first, second)]
    return page(studio, request, place, seen, Place(id, None, Blind(numbers[0], numbers[1], trial)))


def on_pick(studio: Studio, request: gr.Request, place: Place, seen: Seen, picked: str) -> list[Any]:
    """Another run of the list; the number of presses follows its id."""
    id = chosen_run(studio, request, (picked or "").partition(" ")[0]).id
    return page(studio, request, place, seen, place if id == place.run else Place(id))


def on_tick(studio: Studio, request: gr.Request, place: Place, seen: Seen) -> list[Any]:
    """What has been spoken meanwhile comes along: only what the window does not have, and nothing of the
    blind test, which a press may have led on since."""
    now = page(studio, request, place, seen)
    told = now[-_TOLD:]
    if seen.told:
        told = [gr.skip() if new == old else new for new, old in zip(told, seen.told, strict=True)]
    return [*now[:-_TOLD], *told[:-_BLIND], *[gr.skip()] * _BLIND]


def on_turn(studio: Studio, step: int, request: gr.Request, place: Place, seen: Seen) -> list[Any]:
    """Older epochs, or newer ones."""
    return page(studio, request, place, seen, step=step)


def on_press(studio: Studio, request: gr.Request, place: Place, seen: Seen, pressed: str) -> list[Any]:
    """Something of the blind test was pressed; see `blind.acted`. Where what is chosen in the page needs no
    change it is left alone: somebody may be choosing there."""
    now = blind.acted(studio, owner_of(request), place, pressed)
    sent = page(studio, request, place, seen, replace(place, blind=now))
    if blind.is_shown(pressed, now) and sent[1].offered == seen.offered:
        sent[-_BLIND - 1] = gr.skip()
    return sent


def _spoken(studio: Studio, request: gr.Request, id: str) -> Run | None:
    run = found(studio, request, id)
    return run if run is not None and run.epochs_spoken else None


def _current(runs: Sequence[RunSummary]) -> str:
    """The run that trains, or else the newest, of those that have spoken."""
    spoken = [run for run in runs if run.epochs_spoken]
    training = [run.id for run in spoken if run.state == "training"]
    return next(iter([*training, *(run.id for run in spoken)]), "")


def _read(studio: Studio, run: Run | None, history: History) -> tuple[tuple[Epoch, ...], History, str]:
    """The epochs with what was said of them, the metrics as they are read now, and what could not be
    read."""
    if run is None:
        return (), History(), ""
    problems = []
    try:
        history = read_on(history, studio.runs, run.id, run.owner)
    except StudioError as error:
        problems.append(str(error))
    try:
        samples = studio.runs.samples(run.id, run.owner)
    except StudioError as error:
        problems.append(str(error))
        samples = ()
    return epochs_of(samples, history.epochs, run.best), history, " ".join(problems)
