"""From a press in the list or the table, a reload or a tick to what the page shows."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.runs.values import Family
from studio.services.studio import Studio
from tabs.checkpoints import showing, view, working
from tabs.checkpoints.finding import epoch_of
from tabs.edge import owner_of
from tabs.run_view import chosen_run, found


def on_show(
    studio: Studio,
    request: gr.Request,
    remembered: str,
    remembered_epoch: str,
    base: str | None,
    chosen: str,
    epoch: int | None,
    *now: Any,
) -> list[Any]:
    """The tab comes into view: the runs as they are now and, in a page that was loaded anew, the run and
    the epoch that its window was showing, or the newest run. What is being typed stays."""
    working.sweep(studio)
    known = found(studio, request, chosen)
    if known is not None:
        shown = showing.page(studio, request, chosen, epoch, *now)
        return [_bases(studio, base), *shown, *[gr.skip()] * len(showing.forms(None, None))]
    run_id, _, last = (remembered_epoch or "").rpartition(":")
    for id in (remembered or "", _newest(studio, request)):
        run = found(studio, request, id)
        if run is not None:
            wanted = int(last) if run_id == run.id and last.isdecimal() else None
            break
    else:
        run, wanted = None, None
    wanted = epoch_of(run, wanted)
    return [
        _bases(studio, base),
        *showing.page(studio, request, run.id if run else "", wanted, *now),
        *showing.forms(run, wanted),
    ]


def on_pick(
    studio: Studio,
    request: gr.Request,
    picked: str,
    chosen: str,
    epoch: int | None,
    *now: Any,
) -> list[Any]:
    """Another run of the list; the number of presses follows its id."""
    run = chosen_run(studio, request, (picked or "").partition(" ")[0])
    wanted = epoch_of(run, epoch if run.id == chosen else None)
    return [*showing.page(studio, request, run.id, wanted, *now), *showing.forms(run, wanted)]


def on_epoch(
    studio: Studio,
    request: gr.Request,
    picked: str,
    chosen: str,
    epoch: int | None,
    *now: Any,
) -> list[Any]:
    """Another epoch of the table, "<run>:<epoch>". The table stays, for the browser has marked it."""
    id, _, number = (picked or "").partition(" ")[0].rpartition(":")
    run = chosen_run(studio, request, id)
    wanted = epoch_of(run, int(number) if number.isdecimal() else None)
    page = showing.page(studio, request, run.id, wanted, *now)
    if run.id == chosen:
        page = showing.without_epochs(page)
    name, *_ = showing.forms(run, wanted)
    return [*page, name, gr.skip(), gr.skip()]


def on_compare(studio: Studio, request: gr.Request, *now: Any) -> list[Any]:
    """Another run's curves over those of the chosen one."""
    return showing.ticked(studio, request, *now)


def on_tick(studio: Studio, request: gr.Request, *now: Any) -> list[Any]:
    """What has changed since."""
    return showing.ticked(studio, request, *now)


def _newest(studio: Studio, request: gr.Request) -> str:
    """The newest run that has a checkpoint, or else the newest."""
    runs = studio.runs.list(owner_of(request))
    there = [run.id for run in runs if run.epochs_saved]
    return next(iter([*there, *(run.id for run in runs)]), "")


def _bases(studio: Studio, chosen: str | None) -> gr.Dropdown:
    """The models that are here, one of which an adapter from elsewhere may belong to."""
    known = [
        (base.label, base.key)
        for family in Family
        for base in studio.runs.bases(family)
        if base.installed
    ]
    value = chosen if chosen in {key for _, key in known} else ""
    return gr.Dropdown(choices=[view.ANY_BASE, *known], value=value)
