"""A data set taken away: written in the studio, then a link to one file."""

from __future__ import annotations

import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

import gradio as gr

from studio.dataset.exporting import FORMS
from studio.names import readable
from studio.services.studio import Studio
from studio.services.tasks import Task, TaskState, TaskStatus
from tabs import task_view
from tabs.datasets import view
from tabs.datasets.finding import chosen_one
from tabs.edge import owner_of
from tabs.waveform import file_url

KIND = "dataset-export"
#: The whole set first.
FORMATS = sorted(((form.label, id) for id, form in FORMS.items()), key=lambda each: each[1] != "zip")

#: So long an export waits to be taken away, seconds. It may hold hours of sound.
_KEPT_S = 24 * 3600


def on_export(studio: Studio, request: gr.Request, chosen: str, format: str) -> None:
    """Begin to write the set in `format`; the page follows it and shows the link."""
    owner, dataset = owner_of(request), chosen_one(studio, request, chosen)

    def work(task: Task) -> str:
        form = "" if format == "zip" else f"-{format}"
        _sweep(studio)
        folder = _exports(studio) / secrets.token_hex(8)
        folder.mkdir(parents=True)
        try:
            # One file, whatever it is: a browser takes away no folder.
            target = folder / f"{readable(dataset.name)}{form}.zip"
            return str(studio.datasets.export(dataset.id, owner, format, target, task.control))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    studio.tasks.start(KIND, f"Export of {dataset.name}", work, owner)


def on_stop(studio: Studio, request: gr.Request) -> None:
    """Stop what is being exported; nothing of it is left."""
    task = newest(studio, request)
    if task is not None and not task.state.finished:
        studio.tasks.stop(task.id, task.owner)


def newest(studio: Studio, request: gr.Request) -> TaskStatus | None:
    """The export that whoever asks has begun last."""
    return next(iter(studio.tasks.of(owner_of(request), KIND)), None)


def status(task: TaskStatus | None) -> str:
    """How it stands; the link once it is written."""
    if task is None:
        return ""
    if task.state is TaskState.DONE:
        path = Path(task.result)
        return view.export_link(file_url(path), path.name)
    return task_view.status(task)


def _sweep(studio: Studio) -> None:
    """Remove what was exported, by whomever, so long ago that nobody is told of it any more."""
    for folder in _exports(studio).glob("*"):
        with suppress(FileNotFoundError):  # somebody else sweeps as well
            if time.time() - folder.stat().st_mtime > _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)


def _exports(studio: Studio) -> Path:
    return studio.workspace.gradio_temp / "exports" / "datasets"
