"""From the form to a transcript: choosing a recognizer, starting, watching, stopping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engines.recognition import AUTO_LANGUAGE, Task
from studio.errors import BadInput, NotFound
from studio.services.studio import Studio
from studio.services.transcripts import AUTO, TranscribeOrder, TranscriptState
from tabs.edge import bind, owner_of
from tabs.frame import reveal
from tabs.speech import missing
from tabs.speech.choices import model_note
from tabs.speech.view import line
from tabs.transcripts import choices, editing, notice, view
from tabs.transcripts.layout import TranscribeTab

_IDLE_BUTTONS = (gr.Button(interactive=True), gr.Button(interactive=False))
_BUSY_BUTTONS = (gr.Button(interactive=False), gr.Button(interactive=True))

# Watching costs nothing, so everybody may; the recognizers are leased below.
_WATCH: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}


def wire(studio: Studio, tab: TranscribeTab) -> gr.events.Dependency:
    """Bind the handlers; returns the event after which a transcript is in the history."""
    form = tab.form
    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    _wire_recognizer(studio, tab, quick)
    # What was given last is what is meant.
    form["file"].upload(lambda: None, None, form["audio"], **quick)
    gr.on(
        [form["audio"].upload, form["audio"].stop_recording], lambda: None, None, form["file"], **quick
    )
    following = [tab.status, tab.finished, tab.start, tab.stop]
    started = tab.start.click(
        bind(on_transcribe, studio, list(form)),
        [tab.result_shown, *form.values()],
        [tab.running, tab.result, tab.result_shown],
        **_WATCH,
    )
    followed = started.success(bind(on_follow, studio), [tab.running], following, **_WATCH)
    followed.success(
        bind(editing.on_open, studio), [tab.result_shown, tab.finished], tab.opened, **_WATCH
    )
    tab.stop.click(bind(on_stop, studio), [tab.running], None, **quick)
    # A reload loses nothing: the window remembers which transcript it was showing.
    resumed = tab.first.click(
        bind(on_resume, studio),
        [tab.remembered],
        [tab.running, tab.finished],
        js="() => window.timbreRemembered('transcript')",
        **quick,
    )
    resumed = resumed.success(bind(on_follow, studio), [tab.running], following, **_WATCH)
    resumed.success(
        bind(editing.on_open, studio), [tab.result_shown, tab.finished], tab.opened, **_WATCH
    )
    return followed


def _wire_recognizer(studio: Studio, tab: TranscribeTab, quick: dict[str, Any]) -> None:
    form = tab.form
    engine, model = form["engine"], form["model"]
    engine.change(
        bind(on_engine, studio),
        [engine, form["language"], form["task"]],
        [form["language"], form["task"]],
        **quick,
    )
    engine.change(bind(on_models_group, studio), [engine], tab.models, **quick)
    model.change(
        bind(on_model, studio), [engine, model], tab.model_note, trigger_mode="always_last", **quick
    )
    arrivals = [
        tab.refresh.click,
        *(form[name].change for name in ("engine", "language", "task")),
    ]
    asked = [engine, model, tab.missing.which, form["language"], form["task"]]
    missing.connect(
        studio,
        tab.missing,
        bind(notice.on_models, studio),
        [tab.missing.shown, *asked],
        [tab.engine_note, model, tab.model_note],
        arrivals,
    )


def on_engine(studio: Studio, engine: str, language: str, task: str) -> tuple[Any, Any]:
    """Another recognizer: its languages and tasks, what was chosen kept where it has that."""
    known, tasks = choices.languages(studio, engine), choices.tasks(studio, engine)
    kept = language if language in {code for _, code in known} else AUTO_LANGUAGE
    still = task if task in {value for _, value in tasks} else str(Task.TRANSCRIBE)
    return gr.Dropdown(choices=known, value=kept), gr.Radio(choices=tasks, value=still)


def on_models_group(studio: Studio, engine: str) -> Any:
    """The sizes are shown for a recognizer that has some."""
    return gr.Column(
        visible=engine != AUTO and bool(studio.engines.registry.recognizer(engine).info.model_keys)
    )


def on_model(studio: Studio, engine: str, chosen: str | None) -> str:
    """What the person should know of the model that would be used."""
    if engine == AUTO:
        return ""
    return line(model_note(studio.engines.registry.recognizer(engine).models(), chosen))


def on_transcribe(
    studio: Studio, names: Sequence[str], request: gr.Request, result_shown: bool, *values: Any
) -> tuple[Any, ...]:
    """Start; returns the transcript's id, and takes the earlier result out of sight."""
    given = dict(zip(names, values, strict=True))
    recording = given["file"] or given["audio"]
    if not recording:
        raise BadInput("There is no recording.", "Upload one, or record with the microphone.")
    order = TranscribeOrder(
        audio=Path(recording),
        engine=given["engine"] or AUTO,
        model="" if given["engine"] == AUTO else given["model"] or "",
        language=given["language"] or AUTO_LANGUAGE,
        task=Task(given["task"] or Task.TRANSCRIBE),
        prompt=(given["prompt"] or "").strip(),
        words=bool(given["words"]),
        process=bool(given["process"]),
    )
    return studio.transcripts.start(order, owner_of(request)), *reveal(result_shown, False)


def on_follow(studio: Studio, request: gr.Request, running: str) -> Iterator[tuple[Any, ...]]:
    """Show how it comes along until it has ended."""
    if not running or not studio.transcripts.is_live(running, owner_of(request)):
        yield (gr.skip(),) * 4
        return
    for status in studio.transcripts.follow(running):
        buttons = _IDLE_BUTTONS if status.state.finished else _BUSY_BUTTONS
        kept = status.record.id if status.record is not None else ""
        yield view.status(status), kept, *buttons
    if status.state is TranscriptState.FAILED:
        gr.Warning(escape(f"{status.error} {status.hint}"))


def on_resume(studio: Studio, request: gr.Request, remembered: str) -> tuple[str, str]:
    """After a reload: the transcript that this window was showing, as one that runs or that is kept."""
    owner = owner_of(request)
    live = bool(remembered) and studio.transcripts.is_live(remembered, owner)
    if live and studio.transcripts.status(remembered).record is None:
        return remembered, ""
    try:
        kept = studio.transcripts.history.get(remembered, owner).id
    except NotFound:  # deleted, or somebody else's
        return "", ""
    return (kept if live else ""), kept


def on_stop(studio: Studio, running: str) -> None:
    if running:
        studio.transcripts.stop(running)
