"""The runs and the chosen one as they stand now. Runs are jobs of the studio, so that a page that was
loaded anew, or a studio that was started anew, finds them again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.errors import BadInput, Damaged, StudioError
from studio.jobs import JobStatus
from studio.services.run_values import Run, RunSummary
from studio.services.studio import Studio
from tabs.edge import may_manage, owner_of
from tabs.personalities.keeping import free_name
from tabs.run_view import chosen_run, damaged, found
from tabs.training import planning, view
from tabs.training.history import History, plots, read_on

_LOG_LINES = 200


def page(studio: Studio, request: gr.Request, chosen: str, history: History | None) -> list[Any]:
    """In the order of `TrainTab.page`, whole."""
    owner, run = owner_of(request), found(studio, request, chosen)
    runs = studio.runs.list(owner)
    history, problem = history or History(), ""
    if run is not None:
        try:
            history = read_on(history, studio.runs, run.id, owner)
        except StudioError as error:
            problem = view.problem(error)
    shown = told(studio, request, runs, run, history, problem)
    return [
        run.id if run else "",
        history,
        tuple(shown),
        gr.Timer(active=any(each.active for each in runs)),
        gr.Button(view.start_label(run), interactive=_startable(run)),
        gr.Button(interactive=run is not None and run.active and not _stopping(studio, run)),
        *shown,
    ]


def told(
    studio: Studio,
    request: gr.Request,
    runs: Sequence[RunSummary],
    run: Run | None,
    history: History,
    problem: str,
) -> list[str]:
    """In the order of `TrainTab.told`."""
    # Whose a damaged one is cannot be read: strangers are not told their names.
    aside = damaged(studio.runs.damaged()) if may_manage(request) else ""
    listed = view.listed(runs, run.id if run else "")
    if run is None:
        return [aside, listed, view.NOTHING_CHOSEN, "", "", "", "", view.NOTHING_CHOSEN]
    owner = owner_of(request)
    job = studio.runs.job(run.id, owner)
    return [
        aside,
        listed,
        view.head(run),
        view.status(run, job, _ahead(studio, run), time.time()) + problem,
        view.figures(run, history),
        plots(history),
        view.log(studio.runs.log_tail(run.id, owner, _LOG_LINES)),
        _details(studio, run),
    ]


def _details(studio: Studio, run: Run) -> str:
    """With what is wrong with the list of clips that were left out, in its place."""
    command = studio.runs.launch_command(run.id, run.owner)
    try:
        return view.details(run, studio.runs.left_out(run.id, run.owner), command)
    except Damaged as error:
        return view.problem(error) + view.details(run, (), command)


def on_show(
    studio: Studio,
    request: gr.Request,
    chosen: str,
    remembered: str,
    history: History | None,
    *asked: Any,
) -> list[Any]:
    """The tab comes into view: the runs as they are now and, in a page that was loaded anew, the run
    that its window was showing, or one that trains. Then the form."""
    for id in (chosen, remembered or "", _current(studio, request)):
        if found(studio, request, id):
            chosen = id
            break
    return [*page(studio, request, chosen, history), *planning.on_show(studio, request, *asked)]


def on_pick(studio: Studio, request: gr.Request, picked: str) -> list[Any]:
    """Another run of the list; the number of presses follows its id."""
    id = (picked or "").partition(" ")[0]
    return page(studio, request, chosen_run(studio, request, id).id, None)


def on_tick(
    studio: Studio,
    request: gr.Request,
    chosen: str,
    history: History | None,
    seen: tuple[str, ...],
) -> list[Any]:
    """What has changed since; a list that is sent anew would lose the keyboard's place. In the order of
    `TrainTab.page` from `history` on: what was pressed meanwhile stays chosen."""
    _, *now = page(studio, request, chosen, history)
    shown = now[1]
    before = seen or ("",) * len(shown)
    head = now[: -len(shown)]
    return [
        *head,
        *(gr.skip() if new == old else new for new, old in zip(shown, before, strict=True)),
    ]


def on_create(
    studio: Studio,
    request: gr.Request,
    name: str,
    *asked: Any,
) -> list[Any]:
    """A new run as the form says, which is chosen and starts; its name leaves the form."""
    owner, settings = owner_of(request), planning.order_of(asked)
    for words in studio.runs.estimate(settings, owner).problems:
        raise BadInput(words)
    given = (name or "").strip()
    run = studio.runs.create(given or _free_name(studio, owner, asked[0]), owner, settings)
    try:
        studio.runs.start(run.id, owner)
    except StudioError:
        studio.runs.delete(run.id, owner)  # the form still has it all
        raise
    return ["", *page(studio, request, run.id, None)]


def on_start(studio: Studio, request: gr.Request, chosen: str, history: History | None) -> list[Any]:
    """Start the chosen run, or let it go on where it was."""
    run = chosen_run(studio, request, chosen)
    studio.runs.start(run.id, owner_of(request))
    return page(studio, request, chosen, history)


def on_stop(studio: Studio, request: gr.Request, chosen: str, history: History | None) -> list[Any]:
    """Stop the chosen run after its step; what is trained is kept."""
    run = chosen_run(studio, request, chosen)
    studio.runs.stop(run.id, owner_of(request))
    return page(studio, request, chosen, history)


def _current(studio: Studio, request: gr.Request) -> str:
    """The run that trains, or else the newest."""
    runs = studio.runs.list(owner_of(request))
    training = [run.id for run in runs if run.state == "training"]
    return next(iter([*training, *(run.id for run in runs)]), "")


def _startable(run: Run | None) -> bool:
    return run is not None and (run.state == "new" or run.resumable)


def _stopping(studio: Studio, run: Run) -> bool:
    job = studio.runs.job(run.id, run.owner)
    return job is not None and job.cancel


def _ahead(studio: Studio, run: Run) -> int:
    """How many runs, whoever's, train or wait before this one."""
    if run.state != "queued":
        return 0
    active = studio.jobs.store.list(statuses=[JobStatus.QUEUED, JobStatus.RUNNING], kind="training")
    mine = next((job for job in active if job.id == run.job), None)
    if mine is None:
        return 0
    return sum(
        job.status is JobStatus.RUNNING or job.created < mine.created
        for job in active
        if job.id != mine.id
    )


def _free_name(studio: Studio, owner: str, dataset: str) -> str:
    """After the data set, with a number where that is taken."""
    name = studio.datasets.get(dataset, owner).name
    taken = {each.name.casefold() for each in studio.runs.list(owner)}
    return free_name(name, taken) if name.casefold() in taken else name
