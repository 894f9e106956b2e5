"""The recording of a voice: its waveform, what is wrong with it, cleaning it up, writing it down."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engines.base import WordTiming
from engines.recognition import AUTO_LANGUAGE
from studio.audio.cleaning import CleanUp
from studio.audio.quality import ReferenceReport
from studio.audio.reading import Limits
from studio.errors import BadInput, NotFound, StudioError
from studio.files import write_bytes
from studio.services.preparing import Prepared, PrepareOrder
from studio.services.studio import Studio
from studio.services.tasks import TaskState
from studio.services.transcript_files import stretch_wav
from tabs import task_view
from tabs.edge import bind, for_the_page, owner_of
from tabs.voices import view
from tabs.voices.layout import DENOISE, GAIN, TRIM
from tabs.voices.tab import BOXES, VoicesTab
from tabs.waveform import part_of, waveform

CHECK, CLEAN, TRANSCRIBE = "check", "clean", "transcribe"

# What can fail goes through the queue, which shows its errors; watching costs nothing.
_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
# Of two that begin work at once, the second knows of the first; neither takes long.
_ONE_BY_ONE: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "voices-begin"}


@dataclass(frozen=True)
class Work:
    """What was begun on a recording, or a part of it."""

    task: str
    kind: str
    chosen: str  # id of the voice in the form
    audio: str
    start: float | None  # s
    end: float | None


@dataclass(frozen=True)
class Done:
    """Work that is done, and what came of it."""

    work: Work
    prepared: Prepared


@dataclass(frozen=True)
class Cleaned:
    """A recording that was cleaned up and is not used yet."""

    path: str
    after: ReferenceReport


@dataclass(frozen=True)
class Heard:
    """What was recognised in the recording that is shown, or in a part of it."""

    start: float | None  # s
    end: float | None
    text: str
    words: tuple[WordTiming, ...]  # s from the part's start


def wire(studio: Studio, tab: VoicesTab) -> None:
    """Bind the handlers of the workbench."""
    shown = [tab.origin, *tab.sound[1:]]
    for event, origin in (
        (tab.audio.upload, "upload"),
        (tab.audio.stop_recording, "microphone"),
    ):
        came = event(bind(on_recording, studio, origin), [tab.audio], shown, **_TOLD)
        _wire_work(studio, tab, came.success, CHECK, on_arrived)
    tab.audio.clear(lambda: silence()[1:], None, tab.sound[1:], **_TOLD)

    # Work on one recording ends with it; what was done by then is not shown beside another. An upload and
    # a cut begin work of their own, which ends what was before: here it might be ended instead.
    gr.on(
        [
            *(tab.picked.change, tab.new.click, tab.take_in.click, tab.delete_yes.click),
            *(tab.actions["duplicate"].click, tab.save.click, tab.use_cleaned.click, tab.audio.clear),
        ],
        bind(on_stop, studio),
        [tab.work],
        None,
        **_TOLD,
    )
    _wire_work(studio, tab, tab.check.click, CHECK)
    _wire_work(studio, tab, tab.clean.click, CLEAN)
    _wire_work(studio, tab, tab.transcribe.click, TRANSCRIBE)
    tab.stop.click(bind(on_stop, studio), [tab.work], None, **_TOLD)

    tab.use_cleaned.click(bind(on_use_cleaned, studio), [tab.cleaned], tab.sound, **_TOLD)
    cut = tab.cut.click(bind(on_cut, studio), [*tab.region, tab.heard], tab.sound, **_TOLD)
    _wire_work(studio, tab, cut.success, CHECK, on_arrived)


def _wire_work(
    studio: Studio,
    tab: VoicesTab,
    trigger: Any,
    kind: str,
    start: Callable[..., Any] | None = None,
) -> None:
    begun = trigger(
        bind(start or on_start, studio, kind),
        [tab.work, tab.chosen, *tab.region, tab.transcript, tab.language, tab.cleaning],
        tab.work,
        **_TOLD | _ONE_BY_ONE,
    )
    followed = begun.success(bind(on_follow, studio), [tab.work], tab.working, **_TOLD)
    followed.success(bind(on_results, studio), [tab.done, tab.chosen, tab.audio], tab.results, **_TOLD)


def on_recording(studio: Studio, origin: str, audio: str | None) -> list[Any]:
    """Another recording was given; where it cannot be read, the reason is in the waveform's place."""
    if not audio:
        return [gr.skip(), *silence()[1:]]
    return [origin, *sound(studio, Path(audio))[1:]]


def sound(studio: Studio, path: Path, report: str = "", heard: Heard | None = None) -> list[Any]:
    """What shows a recording, in the order of `VoicesTab.sound`."""
    limits = Limits(
        max_seconds=studio.settings.max_reference_s,
        max_bytes=studio.settings.max_upload_mb * 1_000_000,
    )
    try:
        drawn = waveform(path, "the recording", BOXES, limits=limits)
    except StudioError as error:
        drawn = (
            f'<p class="timbre-bad" role="alert"><b>{escape(error.message)}</b> {escape(error.hint)}</p>'
        )
    return [str(path), drawn, "", "", "", report, gr.Button(interactive=False), None, heard]


def silence() -> list[Any]:
    """What shows that there is no recording, in the same order."""
    return [None, "", "", "", "", "", gr.Button(interactive=False), None, None]


def on_start(
    studio: Studio,
    kind: str,
    request: gr.Request,
    before: Work | None,
    chosen: str,
    audio: str | None,
    start: str,
    end: str,
    transcript: str,
    language: str,
    cleaning: Sequence[str],
) -> Work:
    """Begin work on the part; what was begun before it is stopped."""
    on_stop(studio, request, before)
    path = _given(audio)
    begin, stop = part_of(start, end)
    clean = CleanUp(TRIM in cleaning, GAIN in cleaning, DENOISE in cleaning) if kind == CLEAN else None
    if clean == CleanUp(False, False, False):
        raise BadInput("There is nothing to clean up.", "Tick what should be done.")
    order = PrepareOrder(
        path,
        begin,
        stop,
        (transcript or "").strip(),
        (language or "").strip() or AUTO_LANGUAGE,
        clean,
        kind == TRANSCRIBE,
    )
    task = studio.preparing.start(order, owner_of(request))
    return Work(task, kind, chosen, str(path), begin, stop)


def on_arrived(
    studio: Studio,
    kind: str,
    request: gr.Request,
    before: Work | None,
    chosen: str,
    audio: str | None,
    *given: Any,
) -> Any:
    """A recording that has just come is looked at, unless somebody was quicker and has begun work on it."""
    if before is not None and before.audio == audio:
        return gr.skip()
    return on_start(studio, kind, request, before, chosen, audio, *given)


def on_follow(studio: Studio, request: gr.Request, work: Work | None) -> Iterator[list[Any]]:
    """Show how the work comes along; what came of it is for `on_results`."""
    if work is None:
        yield [gr.skip()] * 6
        return
    for status in studio.tasks.follow(work.task, owner_of(request)):
        buttons = [gr.Button(interactive=status.state.finished)] * 3
        stop = gr.Button(interactive=not status.state.finished)
        done = Done(work, status.result) if status.state is TaskState.DONE else None
        yield [task_view.status(status), done, *buttons, stop]


def on_results(studio: Studio, done: Done | None, chosen: str, audio: str | None) -> list[Any]:
    """Show what came of the work, unless another recording is in the form by now."""
    if done is None or (done.work.chosen, done.work.audio) != (chosen, audio):
        return [gr.skip()] * 6
    return _results(studio, done.work, done.prepared)


def on_stop(studio: Studio, request: gr.Request, work: Work | None) -> None:
    """Stop the work; harmless when it has ended."""
    if work is None:
        return
    try:
        studio.tasks.stop(work.task, owner_of(request))
    except NotFound:  # it ended long ago
        return


def on_use_cleaned(studio: Studio, cleaned: Cleaned | None) -> list[Any]:
    """The cleaned recording in place of the one before."""
    if cleaned is None:
        raise BadInput("There is no cleaned recording.", "Press Clean up first.")
    return sound(studio, Path(cleaned.path), task_view.report(cleaned.after))


def on_cut(studio: Studio, audio: str | None, start: str, end: str, heard: Heard | None) -> list[Any]:
    """The part in place of the whole recording."""
    path = _given(audio)
    begin, stop = part_of(start, end)
    if begin is None and stop is None:
        raise BadInput("The whole recording is chosen.", "Move the handles on the waveform first.")
    kept = None
    if heard is not None and (heard.start, heard.end) == (begin, stop):
        kept = Heard(None, None, heard.text, heard.words)
    return sound(studio, cut(studio, path, begin, stop), heard=kept)


def cut(studio: Studio, path: Path, start: float | None, end: float | None) -> Path:
    """A part of a recording as a WAV file where Gradio may serve it from."""
    content = stretch_wav(path, start or 0.0, end)
    folder = studio.workspace.gradio_temp / "voices" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    target = folder / f"{path.stem[:40]}_part.wav"
    write_bytes(target, content)
    return target


def _results(studio: Studio, work: Work, done: Prepared) -> list[Any]:
    """Report, button, cleaned, heard, transcript and language."""
    heard, transcript, language = gr.skip(), gr.skip(), gr.skip()
    if work.kind == TRANSCRIBE:
        heard = Heard(work.start, work.end, done.transcript.strip(), done.words)
        transcript = done.transcript
        language = done.language or gr.skip()
    if done.cleaned is None or done.after is None:
        usable: list[Any] = [gr.skip(), gr.skip()]
        return [task_view.report(done.report), *usable, heard, transcript, language]
    path = for_the_page(studio, done.cleaned)
    pair = view.before_and_after(Path(work.audio), Path(path), done.done, work.start, work.end)
    before = (
        f'<details class="timbre-more"><summary>The report before</summary>'
        f"{task_view.report(done.report)}</details>"
    )
    shown = pair + task_view.report(done.after, "Cleaned up:") + before
    return [
        shown,
        gr.Button(interactive=True, variant="primary"),
        Cleaned(path, done.after),
        heard,
        transcript,
        language,
    ]


def _given(audio: str | None) -> Path:
    if not audio:
        raise BadInput("There is no recording.", "Upload one, or record with the microphone.")
    return Path(audio)
