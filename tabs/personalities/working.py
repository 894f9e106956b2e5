"""How the work stands that the tab has begun: building a personality, speaking a text. The tasks are
the studio's, so that a page that was loaded anew finds them again."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.errors import NotFound
from studio.services.performance_values import TASK_KIND, Performance, Performing
from studio.services.personality_values import Personality
from studio.services.smart_building import TASK_KIND as SMART_KIND
from studio.services.smart_values import SmartProgress
from studio.services.studio import Studio
from studio.services.tasks import TaskState, TaskStatus
from tabs.edge import owner_of
from tabs.personalities import parts_view, view
from tabs.personalities.files import served


def now(
    studio: Studio, request: gr.Request, performance: str, seen: str, anew: bool = False
) -> list[Any]:
    """In the order of `PersonalitiesTab.work`. `performance` is the one that is shown, by its id or
    that of its task; `seen` how everything stood when the page was drawn last. The table of parts is
    drawn only when something has changed, or `anew`, for it may be playing."""
    build = newest(studio, request, SMART_KIND)
    speaking = _speaking(studio, request, performance)
    found = _performance(studio, request, speaking, performance)
    builds, speaks = (bool(task and not task.state.finished) for task in (build, speaking))
    stamp = f"{_stamp(build)} {_stamp(speaking)} {found.id if found else ''}"
    if speaks or (stamp == seen and not anew):
        parts: Any = gr.skip()
    else:
        parts = _parts(studio, found)
    return [
        stamp,
        gr.Timer(active=builds or speaks),
        view.build_status(build),
        gr.Button(interactive=not builds),
        gr.Button(interactive=builds),
        parts_view.status(speaking, found) if speaking or found else view.NOTHING_SPOKEN,
        parts,
        gr.Button(interactive=not speaks),
        gr.Button(interactive=speaks),
        gr.Button(interactive=found is not None),
        found.id if found and not speaks else performance,
    ]


def newest(studio: Studio, request: gr.Request, kind: str) -> TaskStatus | None:
    """The newest task of that kind of whoever asks."""
    return next(iter(studio.tasks.of(owner_of(request), kind)), None)


def built(studio: Studio, request: gr.Request, building: str) -> str:
    """The id of the personality that the task `building` has made; "" while it is not done."""
    for task in studio.tasks.of(owner_of(request), SMART_KIND):
        if task.id == building and task.state.finished and isinstance(task.detail, SmartProgress):
            return task.detail.personality
    return ""


def is_built(studio: Studio, request: gr.Request, personality: Personality) -> bool:
    """Whether that personality is being built right now. A build that has just been begun does not
    say of which."""
    tasks = studio.tasks.of(owner_of(request), SMART_KIND)
    details = [task.detail for task in tasks if not task.state.finished]
    return personality.build is not None and any(
        not isinstance(detail, SmartProgress) or detail.personality == personality.id
        for detail in details
    )


def stop(studio: Studio, request: gr.Request, kind: str) -> None:
    """Stop what of that kind is under way for whoever asks."""
    for task in studio.tasks.of(owner_of(request), kind):
        if not task.state.finished:
            studio.tasks.stop(task.id, task.owner)


def _speaking(studio: Studio, request: gr.Request, performance: str) -> TaskStatus | None:
    """What is being spoken, else the task that the page has begun."""
    tasks = studio.tasks.of(owner_of(request), TASK_KIND)
    running = [task for task in tasks if not task.state.finished]
    own = [task for task in tasks if performance and performance in (task.id, _kept(task))]
    return next(iter([*running, *own]), None)


def _performance(
    studio: Studio, request: gr.Request, task: TaskStatus | None, performance: str
) -> Performance | None:
    """What the task has kept, else the one that was shown before."""
    wanted = (_kept(task) if task is not None else "") or performance
    if not wanted:
        return None
    try:
        return studio.performances.get(wanted, owner_of(request))
    except NotFound:  # deleted, somebody else's, or not kept yet
        return None


def _kept(task: TaskStatus) -> str:
    done = task.detail.performance if isinstance(task.detail, Performing) else None
    return done.id if done is not None else ""


def _parts(studio: Studio, found: Performance | None) -> str:
    if found is None:
        return ""
    serve = served(studio)
    return parts_view.parts(found, serve, serve(studio.history.path(found.record)))


def _stamp(task: TaskStatus | None) -> str:
    if task is None:
        return "-"
    made = 0
    if isinstance(task.detail, SmartProgress):
        made = sum(step.state.value != "pending" for step in task.detail.steps)
    here = task.detail.personality if isinstance(task.detail, SmartProgress) else ""
    state = "running" if task.state in (TaskState.QUEUED, TaskState.RUNNING) else task.state.value
    return f"{task.id}:{state}:{made}:{here}"
