"""What a speech tab says while no model of the chosen engine is ready, and how to get one there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.base import Capability, ModelChoice
from studio.jobs import JobStatus
from studio.models.publishing import size_text
from studio.models.trained import TRAINED
from studio.services.models import ModelStatus
from studio.services.studio import Studio
from tabs import model_view
from tabs.edge import VISITORS_HINT, bind, may_manage, owner_of, refuse_visitors
from tabs.frame import reveal, showing
from tabs.speech import choices
from tabs.speech.view import line

_TICK_S = 1.0


@dataclass
class MissingNotice:
    """The notice of one tab; hidden while there is a model to speak with."""

    block: gr.Column
    shown: gr.State  # whether the block is
    text: gr.HTML
    which: gr.Radio
    download: gr.Button
    practice: gr.Button
    progress: gr.HTML
    cancel: gr.Button
    timer: gr.Timer
    manage: gr.Button

    @property
    def outputs(self) -> list[Any]:
        return [
            self.block,
            self.shown,
            self.text,
            self.which,
            self.download,
            self.practice,
            self.progress,
            self.cancel,
            self.timer,
        ]


def lay_out(tab: str) -> MissingNotice:
    """Lay the notice out in the current block; what it says is looked up when the page is opened."""
    with gr.Column(visible=False, elem_id=f"{tab}-missing", elem_classes="timbre-notice") as block:
        text = gr.HTML("", elem_id=f"{tab}-missing-text", padding=False)
        which = gr.Radio([], label="Model", elem_id=f"{tab}-missing-which")
        with gr.Row():
            download = gr.Button("Download", variant="primary", elem_id=f"{tab}-missing-download")
            practice = gr.Button(
                "Create a practice model (random weights: noise, for trying the pipeline)",
                elem_id=f"{tab}-missing-practice",
            )
        progress = gr.HTML("", elem_id=f"{tab}-missing-progress", padding=False)
        with gr.Row():
            cancel = gr.Button(
                "Stop", variant="stop", size="sm", interactive=False, elem_id=f"{tab}-missing-stop"
            )
            manage = gr.Button("Open the Models tab", size="sm", elem_id=f"{tab}-missing-manage")
    timer = gr.Timer(_TICK_S, active=False)
    shown = gr.State(False)
    return MissingNotice(block, shown, text, which, download, practice, progress, cancel, timer, manage)


def wire(
    studio: Studio,
    mode: Capability,
    notice: MissingNotice,
    engine: Any,
    model: Any,
    model_note: Any,
    triggers: list[Any],
) -> None:
    """Bind the handlers. `triggers` are the events after which models may have come or gone;
    `engine` and `model` are the form's dropdowns, `model_note` is the line below the latter."""
    look = bind(on_models, studio, mode)
    asked = [notice.shown, engine, model, notice.which]
    connect(studio, notice, look, asked, [model, model_note], triggers)


def connect(
    studio: Studio,
    notice: MissingNotice,
    look: Callable[..., Any],
    asked: list[Any],
    form: list[Any],
    triggers: list[Any],
) -> None:
    """Bind the notice of any tab: `look`, given `asked`, fills the components of `form` and then
    those of the notice."""
    told: dict[str, Any] = {"concurrency_limit": None, "api_visibility": "private"}
    quiet = told | {"show_progress": "hidden"}
    seen: dict[str, Any] = {"fn": look, "inputs": asked, "outputs": [*form, *notice.outputs]}
    gr.on([*triggers, notice.timer.tick], **seen, trigger_mode="always_last", **quiet)
    notice.which.input(bind(on_which, studio), [notice.which], notice.download, **quiet)
    for button, handler in (
        (notice.download, on_download),
        (notice.practice, on_practice),
        (notice.cancel, on_cancel),
    ):
        done = button.click(bind(handler, studio), [notice.which], None, **told)
        done.success(**seen, **quiet)
    notice.manage.click(None, None, None, js=showing("models"), **quiet)


def on_models(
    studio: Studio,
    mode: Capability,
    request: gr.Request,
    shown: bool,
    engine: str,
    model: str | None,
    which: str | None,
) -> list[Any]:
    """The models as they are installed now: the dropdown, and the notice where none is ready."""
    known = choices.models_of(studio, engine, mode, owner_of(request))
    listed = choices.models(known)
    kept = model if model in {key for _, key in listed} else choices.AUTO_MODEL
    dropdown = [
        gr.Dropdown(choices=listed, value=kept),
        line(choices.model_note(known, kept)),
    ]
    if not known or any(choice.installed for choice in known):
        return [*dropdown, *hidden(shown)]
    # What was trained here comes from nowhere else; its base model does.
    known = tuple(choice for choice in known if not choice.key.startswith(TRAINED))
    statuses = [studio.models.status(choice.key) for choice in known]
    text = model_view.missing(statuses, studio.engines.registry.get(engine).info.label, mode)
    return [*dropdown, *offered(studio, request, shown, known, text, which)]


def hidden(shown: bool) -> list[Any]:
    """Updates for the notice's outputs while nothing is missing; `shown`: whether it is in sight."""
    return [*reveal(shown, False), *[gr.skip()] * 6, gr.Timer(active=False)]


def offered(
    studio: Studio,
    request: gr.Request,
    shown: bool,
    known: tuple[ModelChoice, ...],
    text: str,
    which: str | None,
) -> list[Any]:
    """The same where one of the models in `known` has to be fetched first; `text` is HTML that says
    so, `which` the model to be offered."""
    statuses = [studio.models.status(choice.key) for choice in known]
    wanted = _wanted(statuses, which)
    may = may_manage(request)
    if not may:
        text += line(f"Visitors cannot download here. {VISITORS_HINT}")
    busy = next((status for status in statuses if status.busy), None)
    return [
        *reveal(shown, True),
        text,
        gr.Radio(choices=_offers(known), value=wanted.entry.key),
        _download_button(wanted, may and busy is None),
        gr.Button(interactive=may and busy is None),
        _progress(studio, statuses),
        gr.Button(interactive=may and busy is not None),
        gr.Timer(active=busy is not None),
    ]


def on_which(studio: Studio, request: gr.Request, which: str) -> Any:
    """The button says what it would fetch."""
    status = studio.models.status(which)
    return _download_button(status, may_manage(request) and not status.busy)


def on_download(studio: Studio, request: gr.Request, which: str) -> None:
    refuse_visitors(request)
    studio.models.download(which, owner=owner_of(request))


def on_practice(studio: Studio, request: gr.Request, which: str) -> None:
    refuse_visitors(request)
    studio.models.practice(studio.models.status(which).entry.engine, owner_of(request))


def on_cancel(studio: Studio, request: gr.Request, which: str) -> None:
    """Stop what is being fetched or made for the engine of that model."""
    refuse_visitors(request)
    engine = studio.models.status(which).entry.engine
    for status in studio.models.list():
        if status.entry.engine == engine and status.busy:
            studio.models.cancel(status.entry.key)


def _wanted(statuses: list[ModelStatus], which: str | None) -> ModelStatus:
    """What the button fetches: the one chosen, else one that is there in part, else the best."""
    published = [status for status in statuses if not status.entry.practice] or statuses
    chosen = [status for status in published if status.entry.key == which]
    begun = [status for status in published if status.report.size_bytes or status.busy]
    return (chosen or begun or published)[0]


def _offers(known: tuple[ModelChoice, ...]) -> choices.Choices:
    return [(choice.label, choice.key) for choice in known if not choice.practice]


def _download_button(status: ModelStatus, usable: bool) -> Any:
    published = status.entry.published_bytes
    amount = f" ({size_text(published)})" if published else ""
    return gr.Button(f"Download {status.entry.label}{amount}", interactive=usable)


def _progress(studio: Studio, statuses: list[ModelStatus]) -> str:
    """The job that runs, else why the last one failed."""
    jobs = {status.download.id: status.download for status in statuses if status.download is not None}
    running = [job for job in jobs.values() if job.status.active]
    if running:
        return "".join(model_view.progress(job, time.time()) for job in running)
    failed = [job for job in jobs.values() if job.status is not JobStatus.DONE]
    return "".join(model_view.failure(job, studio.jobs.log_tail(job.id, 40)) for job in failed[:1])
