"""Preparing a reference: measured, cleaned up and written down, as a task with stages."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engines.base import WordTiming
from engines.recognition import AUTO_LANGUAGE, Segment
from studio.audio import quality
from studio.audio.cleaning import Cleaned, CleanUp, clean
from studio.audio.opening import shown
from studio.audio.quality import ReferenceReport
from studio.audio.reading import Limits, probe, read
from studio.audio.wav import WavWriter
from studio.errors import BadInput
from studio.services.tasks import Task, Tasks
from studio.services.transcribing import TranscribePlan, TranscriptService
from studio.services.transcripts import TranscribeOrder
from studio.text.language import detect
from studio.text.transcripts import plain
from studio.workspace import Workspace

#: Of its tasks.
KIND = "prepare"
#: How long a cleaned recording that nobody took waits, seconds.
_KEPT_S = 24 * 3600
#: Where in the work a stage begins, by what was ordered: recognising takes longest.
_HEARING, _JUDGING = 0.05, 0.7


@dataclass(frozen=True)
class PrepareOrder:
    """What is to be done with a recording."""

    audio: Path  # any file the audio layer reads
    start: float | None = None  # s: only this part of it
    end: float | None = None
    transcript: str = ""
    language: str = AUTO_LANGUAGE  # BCP 47, or "auto": told from the speech
    clean: CleanUp | None = None  # None: only look
    transcribe: bool = False  # write down what is said in the part


@dataclass(frozen=True)
class Prepared:
    """What became of it."""

    report: ReferenceReport  # of the part as it was
    cleaned: Path | None  # mono WAV of the part, cleaned up; None where that was not asked for
    after: ReferenceReport | None  # of the cleaned one
    transcript: str  # what was recognised, else what was given
    words: tuple[WordTiming, ...]  # recognised; s from the start of `cleaned`, else of the part
    language: str = ""  # BCP 47: as it was given or recognised; "": not known
    done: tuple[str, ...] = ()  # what cleaning up did, sentences


@dataclass(frozen=True)
class _Heard:
    """What was recognised in the part; times in seconds from its start."""

    text: str
    language: str
    words: tuple[WordTiming, ...]


class PreparingService:
    """Thread-safe. One recording after another; `studio.tasks` says how each stands."""

    def __init__(
        self,
        workspace: Workspace,
        tasks: Tasks,
        transcripts: TranscriptService,
        limits: Limits,
        lufs: float,
    ) -> None:
        """`limits` of what is read; `lufs` is the loudness that cleaning up brings it to."""
        self._folder, self._tasks, self._transcripts = workspace.spool, tasks, transcripts
        self._limits, self._lufs = limits, lufs

    def start(self, order: PrepareOrder, owner: str = "") -> str:
        """Begin and return the task's id; its result is Prepared.

        The cleaned recording is removed after a day, or when this process has ended: copy it. Raises
        BadInput for a file that cannot be read and for a part outside it, NotFound and ModelMissing
        where it cannot be transcribed, Busy. Silence is a finding, but cannot be cleaned up.
        """
        facts = probe(order.audio, self._limits)
        end = facts.duration if order.end is None else min(order.end, facts.duration)
        if not 0 <= (order.start or 0.0) < end:
            raise BadInput(
                f"The chosen part is empty; the recording has {facts.duration:.1f} s.",
                "Choose a start before the end, both within the recording.",
            )
        plan = None
        if order.transcribe:
            plan = self._transcripts.plan(TranscribeOrder(order.audio, language=order.language))
        self._sweep()
        return self._tasks.start(
            KIND, f"Prepare {shown(order.audio)}", lambda task: self._run(task, order, plan), owner
        )

    def _run(self, task: Task, order: PrepareOrder, plan: TranscribePlan | None) -> Prepared:
        heard = None if plan is None else self._hear(task, order, plan)
        transcript = heard.text if heard and heard.text else order.transcript.strip()
        language = heard.language if heard else _named(order.language)
        control = task.control.between(_JUDGING if plan else 0.0, 1.0)
        words = heard.words if heard else ()
        if order.clean is None:
            report = quality.measure(
                order.audio, order.start, order.end, transcript, language, self._limits, control
            )
            return Prepared(report, None, None, transcript, words, language)
        cleaned = clean(
            order.audio,
            self._folder / f"{task.id}.cleaned.wav",
            order.clean,
            order.start,
            order.end,
            transcript=transcript,
            language=language,
            lufs=self._lufs,
            limits=self._limits,
            control=control,
        )
        return Prepared(
            cleaned.before,
            cleaned.path,
            cleaned.after,
            transcript,
            _moved(words, cleaned),
            language,
            cleaned.done,
        )

    def _hear(self, task: Task, order: PrepareOrder, plan: TranscribePlan) -> _Heard:
        """What is said in the part."""
        task.note(plan.choice.reason)
        if plan.choice.info.draft:
            task.note("The transcript is a draft: correct it before you rely on it.")
        task.control.progress("reading the recording", 0.0)
        part = self._folder / f"{task.id}.part.wav"
        try:
            audio = read(order.audio, limits=self._limits, start=order.start, end=order.end)
            with WavWriter(part, audio.sample_rate) as writer:
                writer.append(audio.samples)
            task.control.progress("transcribing", _HEARING)
            of_part = replace(plan, order=replace(plan.order, audio=part), facts=probe(part))
            segments = self._transcripts.hear(of_part, task.control.between(_HEARING, _JUDGING))
        finally:
            part.unlink(missing_ok=True)
        text = plain(segments)
        if not text:
            task.note("Nothing is said in it that could be recognised.")
        return _Heard(text, _language(plan, text), _words(segments))

    def _sweep(self) -> None:
        """Remove what nobody took."""
        for old in self._folder.glob("*.cleaned.wav"):
            with suppress(FileNotFoundError):  # somebody has just taken it
                if time.time() - old.stat().st_mtime > _KEPT_S:
                    old.unlink()


def _words(segments: Iterable[Segment]) -> tuple[WordTiming, ...]:
    return tuple(
        WordTiming(word.text, word.start, word.end) for segment in segments for word in segment.words
    )


def _moved(words: tuple[WordTiming, ...], cleaned: Cleaned) -> tuple[WordTiming, ...]:
    """The words at their times in the cleaned recording, whose silence in front is shorter."""
    longest = cleaned.after.duration

    def within(seconds: float) -> float:
        return min(max(0.0, seconds - cleaned.offset), longest)

    return tuple(WordTiming(word.text, within(word.start), within(word.end)) for word in words)


def _named(language: str) -> str:
    return "" if language == AUTO_LANGUAGE else language


def _language(plan: TranscribePlan, text: str) -> str:
    """What was spoken: as chosen, else as the text tells."""
    known = _named(plan.choice.language)
    return known or detect(text, plan.choice.info.languages, "en").detected
