"""How the work stands that the tab has begun: a build, an export. Both are the studio's, so that a page
that was loaded anew finds them again."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from studio.services.tasks import TaskState
from tabs.datasets import exporting, view
from tabs.edge import owner_of

#: Of a build that failed, shown below its reason.
_LOG_LINES = 40


def now(studio: Studio, request: gr.Request, dataset: Dataset | None) -> list[Any]:
    """In the order of `DatasetsTab.work`."""
    job = studio.datasets.job(dataset.id, owner_of(request)) if dataset else None
    export = exporting.newest(studio, request)
    builds = job is not None and job.status.active
    exports = export is not None and not export.state.finished
    log = studio.jobs.log_tail(job.id, _LOG_LINES) if job is not None and not builds else ""
    built = "going" if builds else f"{job.status.value}" if job is not None else ""
    stamp = f"{job.id if job else '-'}:{job.attempt if job else 0}:{built}"
    return [
        stamp,
        gr.Timer(active=builds or exports),
        view.build_status(job, log, time.time()),
        gr.Button(_label(dataset), interactive=dataset is not None and not builds),
        gr.Button(interactive=builds and job is not None and not job.cancel),
        exporting.status(export),
        gr.Button(interactive=dataset is not None and not exports),
        gr.Button(interactive=exports and export is not None and export.state is not TaskState.STOPPED),
    ]


def _label(dataset: Dataset | None) -> str:
    if dataset is None or dataset.state == "new":
        return "Build it"
    return "Build it: go on" if dataset.state in ("failed", "interrupted") else "Build it again"
