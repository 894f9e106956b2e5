"""What the Checkpoints tab shows of the chosen run and epoch as they stand now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import StudioError
from studio.jobs import Job
from studio.models.trained import TrainedModel
from studio.runs.values import Checkpoint, Method
from studio.services.run_jobs import EXPORT, IMPORT, MERGE
from studio.services.run_values import Run, RunSummary
from studio.services.studio import Studio
from tabs.checkpoints import comparing, view, work_view, working
from tabs.checkpoints.finding import checkpoint_of, epoch_of, model_key
from tabs.checkpoints.tab import BUTTONS
from tabs.edge import may_manage, owner_of
from tabs.run_view import bad, damaged, found
from tabs.training.history import History, read_on

#: Metrics of the run and of the compared one, as far as they were read.
Histories = tuple[History, History]

_EPOCHS = 4  # the place of the table in `told`


def page(
    studio: Studio,
    request: gr.Request,
    chosen: str,
    epoch: int | None,
    compared: str | None,
    histories: Histories | tuple[()],
) -> list[Any]:
    """In the order of `CheckpointsTab.page`. An epoch that there is not is the best, or the last. All of it
    is sent: what a tick tells may come later than what was pressed meanwhile."""
    run = found(studio, request, chosen)
    epoch = epoch_of(run, epoch)
    now = ticked(studio, request, chosen, epoch, compared, histories)
    return [run.id if run else "", epoch, *now]


def ticked(
    studio: Studio,
    request: gr.Request,
    chosen: str,
    epoch: int | None,
    compared: str | None,
    histories: Histories | tuple[()],
    seen: tuple[Any, ...] = (),
) -> list[Any]:
    """In the order of `CheckpointsTab.ticked`: what was `seen` is not sent again, for what is drawn
    anew would lose the keyboard's place."""
    owner = owner_of(request)
    run, runs = found(studio, request, chosen), studio.runs.list(owner)
    other = found(studio, request, compared or "") if run and compared != run.id else None
    read, problem = _read(studio, owner, run, other, histories)
    jobs = studio.runs.made(owner)
    busy = any(job.status.active for job in jobs) or any(each.active for each in runs)
    checkpoint = checkpoint_of(run, epoch_of(run, epoch))
    now = told(studio, request, runs, run, checkpoint, other, read, jobs, problem)
    before = seen or (None,) * len(now)
    sent = [gr.skip() if new == old else _update(new) for new, old in zip(now, before, strict=True)]
    return [read, now, gr.Timer(active=busy), *sent]


def told(
    studio: Studio,
    request: gr.Request,
    runs: Sequence[RunSummary],
    run: Run | None,
    checkpoint: Checkpoint | None,
    other: Run | None,
    histories: Histories,
    jobs: list[Job],
    problem: str,
) -> tuple[Any, ...]:
    """In the order of `CheckpointsTab.shown`: HTML; of buttons whether they can be pressed; of the
    dropdown its choices and its value."""
    now, (own, others) = time.time(), histories
    model = _model(studio, run, checkpoint)
    return (
        # Whose a damaged one is cannot be read: strangers are not told their names.
        damaged(studio.runs.damaged()) if may_manage(request) else "",
        view.listed(runs, run.id if run else ""),
        work_view.works(working.to_show(studio, jobs, (IMPORT,)), now),
        view.head(run),
        view.epochs(run, checkpoint, own) if run else "",
        view.choice(run, checkpoint, model) if run else "",
        work_view.works(working.to_show(studio, jobs, (MERGE, EXPORT)), now),
        problem + comparing.curves(run, own, other, others) if run else "",
        view.details(run) if run else "",
        *able(run, checkpoint, model, jobs),
        (view.others(runs, run), other.id if other else ""),
    )


def able(
    run: Run | None, checkpoint: Checkpoint | None, model: TrainedModel | None, jobs: list[Job]
) -> list[bool]:
    """Which of BUTTONS can be pressed."""
    kinds = {job.kind for job in jobs if job.status.active}
    modes = model.entry.modes if model else frozenset()
    there = checkpoint is not None
    adapter = checkpoint is not None and checkpoint.method is Method.LORA
    usable = {
        "preset": str(Capability.PRESET) in modes,
        "clone": str(Capability.CLONE) in modes,
        "merge": adapter and MERGE not in kinds,
        "export": there and EXPORT not in kinds,
        "zip": there and EXPORT not in kinds,
        "stop": bool(kinds & {MERGE, EXPORT}),
        "stop-import": IMPORT in kinds,
        "save": run is not None,
        "delete-epoch": there and run is not None and not run.active,
        "delete-run": run is not None and not run.active,
    }
    return [usable[name] for name in BUTTONS]


def without_epochs(page: list[Any]) -> list[Any]:
    """A page whose table stays as it is: the browser has marked what was chosen in it."""
    kept = list(page)
    kept[2 + 3 + _EPOCHS] = gr.skip()
    return kept


def forms(run: Run | None, epoch: int | None) -> list[Any]:
    """In the order of `CheckpointsTab.forms`."""
    merged = f"{run.name}, epoch {epoch}, merged" if run and epoch is not None else ""
    return [merged, run.name if run else "", run.note if run else ""]


def _read(
    studio: Studio, owner: str, run: Run | None, other: Run | None, before: Histories | tuple[()]
) -> tuple[Histories, str]:
    """The metrics of both, and what is wrong with them."""
    found, problem = [], ""
    for each, history in zip((run, other), before or (History(), History()), strict=True):
        if each is None:
            found.append(History())
            continue
        try:
            found.append(read_on(history, studio.runs, each.id, owner))
        except StudioError as error:
            found.append(History(each.id))
            problem += bad(str(error))
    return (found[0], found[1]), problem


def _model(studio: Studio, run: Run | None, checkpoint: Checkpoint | None) -> TrainedModel | None:
    """None where its base model is of no kind that is known here."""
    if run is None or checkpoint is None:
        return None
    return studio.model_folders.trained(model_key(run, checkpoint.epoch))


def _update(value: Any) -> Any:
    if isinstance(value, bool):
        return gr.Button(interactive=value)
    if isinstance(value, tuple):
        return gr.Dropdown(choices=list(value[0]), value=value[1])
    return value
