"""Transcripts: from an order to a text in the history, live or waited for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engines.base import ModelChoice
from engines.manager import EngineManager
from engines.recognition import AUTO_LANGUAGE, RecognizerInfo, Segment, Task
from studio.audio.reading import AudioFacts, Limits, probe
from studio.control import Control
from studio.errors import BadInput, Busy, Cancelled, EngineFailed, NotFound, StudioError
from studio.services.kept import Copy
from studio.services.live_transcript import LiveTranscript
from studio.services.recognising import Heard, recognise
from studio.services.recognizers import Choice, choose
from studio.services.transcript_history import TranscriptHistory
from studio.services.transcripts import (
    PostProcess,
    TranscribeOrder,
    Transcript,
    TranscriptRecord,
    TranscriptState,
    TranscriptStatus,
)
from studio.settings import Settings
from studio.text.transcripts import plain
from studio.workspace import Workspace

log = logging.getLogger(__name__)

#: How long a finished transcript can still be followed, seconds.
_LINGER_S = 600
#: How often followers hear of progress, seconds.
FOLLOW_INTERVAL_S = 0.15
MAX_PROMPT = 2_000  # characters
_MAX_NAME = 200  # characters


@dataclass(frozen=True)
class TranscribePlan:
    """An order that was checked."""

    order: TranscribeOrder
    choice: Choice
    facts: AudioFacts  # what the recording's header says


class TranscriptService:
    """Thread-safe. Each transcript is made by a thread of its own; recognizers come by lease, so they
    wait for one another, and for speech, fairly."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        engines: EngineManager,
        history: TranscriptHistory,
        post_process: PostProcess | None = None,
    ) -> None:
        self._settings, self._workspace, self._engines = settings, workspace, engines
        self.history = history
        self._post_process = post_process
        self._live: dict[str, LiveTranscript] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def recognizers(self) -> tuple[RecognizerInfo, ...]:
        """All there are, usable or not (see `missing`)."""
        return self._engines.registry.recognizer_infos()

    def models(self, engine_id: str) -> tuple[ModelChoice, ...]:
        """A recognizer's models, the best first, installed or not; empty where it needs none."""
        return self._engines.registry.recognizer(engine_id).models()

    def plan(self, order: TranscribeOrder) -> TranscribePlan:
        """Check the order without decoding anything: the recording's header, the language, the
        recognizer. Raises BadInput, NotFound and ModelMissing with the remedy."""
        if len(order.prompt) > MAX_PROMPT:
            raise BadInput("The prompt is too long.", f"Give at most {MAX_PROMPT:,} characters.")
        facts = probe(order.audio, Limits(max_seconds=self._settings.max_audio_s))
        return TranscribePlan(order, choose(order, self._engines.registry), facts)

    def start(self, order: TranscribeOrder, owner: str = "") -> str:
        """Begin and return the transcript's id at once; bad orders raise before that. Raises Busy."""
        plan = self.plan(order)
        live = LiveTranscript(plan.choice, plan.facts.duration, owner)
        thread = threading.Thread(
            target=self._run, args=(live, plan), name=f"transcript-{live.id[:6]}", daemon=True
        )
        with self._lock:
            self._forget_old()
            active = [each for each in self._live.values() if not each.status.state.finished]
            if len(active) > self._settings.max_waiting:
                raise Busy(f"{len(active)} recordings are waiting already.", "Try again in a moment.")
            self._live[live.id], self._threads[live.id] = live, thread
        thread.start()
        return live.id

    def transcribe(
        self,
        order: TranscribeOrder,
        owner: str = "",
        on_status: Callable[[TranscriptStatus], None] | None = None,
        control: Control | None = None,
    ) -> TranscriptRecord:
        """Transcribe and wait; raises what went wrong. With `control` cancelled, returns the record
        (status "stopped") of what was recognised so far, and raises Cancelled where that is nothing."""
        transcript_id = self.start(order, owner)
        for status in self.follow(transcript_id):
            if control is not None and control.cancelled:
                self.stop(transcript_id)
            if on_status is not None:
                on_status(status)
        failure = self.live(transcript_id).failure
        if failure is not None:
            raise failure
        if status.record is None:
            raise Cancelled
        return status.record

    def transcribe_reference(
        self, path: Path, language: str = AUTO_LANGUAGE, control: Control | None = None
    ) -> str:
        """What is said in a short recording, as text; nothing of it is kept. "" where nothing is said.

        For other parts of the studio. Raises what `plan` raises, Cancelled, EngineFailed.
        """
        plan = self.plan(TranscribeOrder(path, language=language, words=False))
        return plain(self.hear(plan, control))

    def hear(self, plan: TranscribePlan, control: Control | None = None) -> tuple[Segment, ...]:
        """What is recognised in a short recording, waited for; nothing of it is kept.

        For other parts of the studio. Raises Cancelled, EngineFailed and what reading raises.
        """
        live = LiveTranscript(plan.choice, plan.facts.duration, "")
        live.control = control or live.control
        heard = Heard(plan.facts.duration, plan.choice.language)
        recognise(plan.order.audio, plan.order, plan.choice, self._engines, self._settings, heard, live)
        return tuple(heard.segments)

    def status(self, transcript_id: str) -> TranscriptStatus:
        """How it stands; raises NotFound once it has ended some time ago."""
        return self.live(transcript_id).status

    def follow(self, transcript_id: str) -> Iterator[TranscriptStatus]:
        """The status as it changes, the last one finished."""
        return self.live(transcript_id).follow(FOLLOW_INTERVAL_S)

    def live(self, transcript_id: str) -> LiveTranscript:
        """A transcript that runs or ended a few minutes ago. Raises NotFound."""
        with self._lock:
            live = self._live.get(transcript_id)
        if live is None:
            raise NotFound("That transcript is not running.", "Look for it in the history.")
        return live

    def is_live(self, transcript_id: str, owner: str) -> bool:
        """Whether `transcript_id` is the owner's and runs or ended a few minutes ago."""
        with self._lock:
            live = self._live.get(transcript_id)
        return live is not None and live.owner == owner

    @property
    def running(self) -> int:
        """How many transcripts have not ended."""
        with self._lock:
            return sum(live.finished_at is None for live in self._live.values())

    def stop(self, transcript_id: str) -> None:
        """Ask it to stop; what was recognised so far is kept. Harmless when it has ended."""
        with self._lock:
            live = self._live.get(transcript_id)
        if live is not None:
            live.control.cancel()

    def forget(self, transcript_id: str) -> None:
        """Drop what is still in memory of a finished transcript that was deleted."""
        with self._lock:
            live = self._live.get(transcript_id)
            if live is not None and live.status.state.finished:
                del self._live[transcript_id], self._threads[transcript_id]

    def close(self) -> None:
        """Stop every transcript and wait for its thread."""
        with self._lock:
            lives, threads = list(self._live.values()), list(self._threads.values())
        for live in lives:
            live.control.cancel()
        for thread in threads:
            thread.join()

    def _forget_old(self) -> None:
        now = time.monotonic()
        for old in list(self._live.values()):
            if old.finished_at is not None and now - old.finished_at > _LINGER_S:
                del self._live[old.id], self._threads[old.id]

    def _run(self, live: LiveTranscript, plan: TranscribePlan) -> None:
        """The thread of a transcript: whatever goes wrong ends up in its status, and what was
        recognised until then in the history."""
        heard = Heard(plan.facts.duration, plan.choice.language)
        state, failure, record, copy = TranscriptState.DONE, None, None, None
        # Swept with this process's folder should it be killed.
        place = self._workspace.spool / f"{live.id}.recording"
        try:
            live.control.progress("copying the recording")
            copy = self.history.take_in(plan.order.audio, place, live.control)
            live.control.progress("looking for speech")
            recognise(place, plan.order, plan.choice, self._engines, self._settings, heard, live)
        except Cancelled:
            state = TranscriptState.STOPPED
        except Exception as error:  # noqa: BLE001 - the last line of defence of a thread
            state, failure = TranscriptState.FAILED, _in_words(error, live.id)
        notes = (plan.choice.reason, *heard.notes, *_on_silence(heard, self._settings))
        try:
            if copy is not None and (heard.segments or state is TranscriptState.DONE):
                record = self._keep(live, plan, heard, state, copy, notes)
                notes = record.notes
        except Exception as error:  # noqa: BLE001
            state, failure = TranscriptState.FAILED, failure or _in_words(error, live.id)
        finally:
            place.unlink(missing_ok=True)
        live.finish(state, record, failure, notes)

    def _keep(
        self,
        live: LiveTranscript,
        plan: TranscribePlan,
        heard: Heard,
        state: TranscriptState,
        copy: Copy,
        notes: tuple[str, ...],
    ) -> TranscriptRecord:
        order = plan.order
        language = heard.language if heard.segments else ""
        sure = heard.language_probability
        transcript = Transcript(tuple(heard.segments), language, sure, heard.duration)
        raw = transcript.text
        text, notices = self._processed(raw, language, live.control, state, order)
        record = TranscriptRecord(
            id=live.id,
            created=time.time(),
            owner=live.owner,
            name=_name(order),
            recording="",
            engine=plan.choice.info.id,
            model=plan.choice.model,
            task=str(order.task),
            transcript=transcript,
            recognised=heard.recognised,
            seconds=heard.working_s,
            status=state.value,
            settings={
                "engine": order.engine,
                "model": order.model,
                "language": order.language,
                "task": str(order.task),
                "prompt": order.prompt,
                "words": order.words,
                "process": order.process,
            },
            raw_text=raw,
            text=text,
            file="",
            notes=(*notes, *notices),
        )
        return self.history.add(record, copy)

    def _processed(
        self, raw: str, language: str, control: Control, state: TranscriptState, order: TranscribeOrder
    ) -> tuple[str, tuple[str, ...]]:
        """The text as the language model corrects it, where one is set and wanted."""
        wanted = order.process and state is TranscriptState.DONE
        if not (raw and wanted) or self._post_process is None:
            return raw, ()
        spoken = "en" if order.task is Task.TRANSLATE else language
        try:
            processed = self._post_process(raw, spoken, order.prompt, control)
        except Cancelled:
            return raw, ("The correction was stopped; the text is as it was recognised.",)
        except StudioError as error:
            log.warning("post-processing failed", extra={"kind": error.kind})
            return raw, (f"The text was not corrected: {error}",)
        return processed.text, processed.notices


def _on_silence(heard: Heard, settings: Settings) -> tuple[str, ...]:
    gate = f"{settings.silence_gate_dbfs:g} dBFS"
    if heard.quiet_s and not heard.segments:
        remedy = "Make the recording louder, or lower silence_gate_dbfs."
        return (f"All that might be speech is below {gate} and was taken for silence. {remedy}",)
    if heard.quiet_s >= 1:
        return (f"{heard.quiet_s:.0f} s below {gate} were taken for silence.",)
    return () if heard.segments else ("Nothing is said in this recording.",)


def _name(order: TranscribeOrder) -> str:
    # A file's name may hold bytes that are no text; the history cannot.
    return (order.name or order.audio.name).encode("utf-8", "replace").decode()[:_MAX_NAME]


def _in_words(error: Exception, transcript_id: str) -> StudioError:
    """The error itself where it is in words already, else one that says where to look."""
    if isinstance(error, StudioError):
        log.warning("transcript broke off", extra={"transcript": transcript_id, "kind": error.kind})
        return error
    log.error("transcript failed", exc_info=error, extra={"transcript": transcript_id})
    return EngineFailed("Something unexpected went wrong.", f"The log names it {transcript_id[:8]}.")
