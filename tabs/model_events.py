"""What happens in the Models tab."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from studio.control import Control
from studio.errors import BadInput
from studio.models.publishing import size_text
from studio.services.models import ModelStatus
from studio.services.studio import Studio
from tabs import model_view
from tabs.edge import VISITORS_HINT, may_manage, owner_of, refuse_visitors
from tabs.frame import reveal
from tabs.speech.view import line

#: Of a job that failed, shown below its reason.
_LOG_LINES = 40


def on_show(studio: Studio, request: gr.Request, key: str) -> list[Any]:
    """Everything on the tab as it stands now; the timer ticks while something is being fetched."""
    statuses = studio.models.list()
    status = next(entry for entry in statuses if entry.entry.key == key)
    engines = studio.engines.state()
    registry = studio.engines.registry
    labels = {engine: registry.engine(engine).info.label for engine in registry.all_ids}
    may = may_manage(request)
    summary = model_view.disk(studio.models.disk_use()) + model_view.loaded(engines, labels)
    if not may:
        summary += line(f"Visitors can look, but not change the models. {VISITORS_HINT}")
    target = status.report.folder or studio.model_folders.target(key)
    job = status.download
    log = studio.jobs.log_tail(job.id, _LOG_LINES) if job is not None and not status.busy else ""
    commands = ("", "") if status.entry.practice else studio.models.by_hand(key)
    return [
        summary,
        model_view.table(statuses, key),
        model_view.details(status, str(target), log, time.time()),
        *commands,
        *_buttons(status, may, status.entry.engine in registry.ids),
        gr.Timer(active=any(entry.busy for entry in statuses)),
    ]


def on_consent(studio: Studio, shown: bool, key: str) -> tuple[Any, bool]:
    """The checkbox is there while a licence has yet to be accepted."""
    return reveal(shown, studio.models.status(key).consent_needed)


def on_download(studio: Studio, request: gr.Request, key: str, provider: str, accepted: bool) -> None:
    refuse_visitors(request)
    status = studio.models.status(key)
    if status.consent_needed:
        if not accepted:
            raise BadInput(
                f"The licence of {status.entry.label} has to be accepted first.",
                "Read it, tick the box above the button, and download again.",
            )
        studio.models.accept(key)
    studio.models.download(key, provider, owner_of(request))


def on_cancel(studio: Studio, request: gr.Request, key: str) -> None:
    refuse_visitors(request)
    studio.models.cancel(key)


def on_practice(studio: Studio, request: gr.Request) -> None:
    refuse_visitors(request)
    entries = (status.entry for status in studio.models.list())
    for family in {entry.engine for entry in entries if entry.practice}:
        studio.models.practice(family, owner_of(request))


def on_validate(studio: Studio, request: gr.Request, key: str) -> None:
    report = studio.models.validate(key)
    label = studio.models.status(key).entry.label
    if report.valid:
        gr.Info(f"{label}: every file is there and whole.")
    elif report.problems:
        gr.Warning(f"{label} cannot be used: {report.problems[0].message}")
    else:
        gr.Info(f"{label} is not on this machine.")


def on_folder(studio: Studio, key: str) -> None:
    folder = studio.models.status(key).report.folder or studio.model_folders.target(key)
    gr.Info(f"Copied: {folder}")


def on_load(studio: Studio, request: gr.Request, key: str, precision: str) -> None:
    refuse_visitors(request)
    engine = studio.models.status(key).entry.engine
    studio.models.path(key)  # says in words what is missing
    placement = studio.engines.switch(engine, key, Control(), precision)
    gr.Info(f"{model_view.name_of(key)} is loaded{model_view.where(placement)}")


def on_unload(studio: Studio, request: gr.Request, key: str) -> None:
    refuse_visitors(request)
    studio.models.unload(key)


def on_delete(studio: Studio, request: gr.Request, key: str) -> None:
    refuse_visitors(request)
    freed = studio.models.delete(key)
    gr.Info(f"Deleted; {size_text(freed)} are free again.")


def _buttons(status: ModelStatus, may: bool, speaks: bool) -> list[Any]:
    """The buttons of the tab, in their order, each usable where it would do something. `speaks`: an
    engine for speech uses the model."""
    busy = status.busy
    there = status.report.size_bytes > 0 or status.download is not None  # what a download left
    usable = {
        "download": may and not busy and not status.report.valid,
        "cancel": may and busy,
        "load": may and status.report.valid and speaks and not status.loaded,
        "unload": may and status.loaded,
        "validate": True,
        "folder": True,
        "delete": may and there and not busy and not status.loaded,
    }
    updates: dict[str, Any] = {name: gr.Button(interactive=able) for name, able in usable.items()}
    label = "Create it (and its siblings)" if status.entry.practice else "Download"
    updates["download"] = gr.Button(label, interactive=usable["download"])
    return list(updates.values())
