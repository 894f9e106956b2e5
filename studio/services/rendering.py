"""The work itself: plan -> parts -> chunks -> one growing WAV file, then the finished file.

The spool only grows, because people listen to it while it does. A part that the guard rejects stays
in it and is left out of the finished file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from engines.base import (
    Capability,
    PhonemeTiming,
    SpeechChunk,
    SpeechEngine,
    SpeechRequest,
    VoicePrompt,
    WordTiming,
)
from engines.manager import EngineManager, Lease
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.services.guard import Fault, Meter, judge
from studio.services.phoneme_rows import moved
from studio.services.planning import Plan
from studio.services.takes import MAX_SEED, Reference
from studio.settings import Settings
from studio.text.parts import Part

#: Seconds of sound a character makes, before the first part has shown it.
_SECONDS_PER_CHAR = 1 / 14


class Audience(Protocol):
    """Who hears of a rendering while it goes on; a LiveTake is one."""

    @property
    def spool(self) -> Path:
        """Where its sound is written."""

    @property
    def control(self) -> Control: ...

    def note(self, *sentences: str) -> None:
        """What the person should know."""

    def spoke(self, audio_seconds: float, fraction: float, working_seconds: float) -> None:
        """Called after each chunk: `audio_seconds` in all, `fraction` of the text, seconds of work
        without the waiting."""


@dataclass
class Stretch:
    """Samples `start` to `end` of the spool."""

    start: int
    end: int


@dataclass(frozen=True)
class Rejected:
    """A part that was spoken and not kept."""

    stretch: Stretch
    text: str
    seed: int
    fault: Fault
    seconds: float  # it took


@dataclass
class Rendering:
    """What has been spoken so far; complete only when `render` has returned."""

    sample_rate: int
    words: list[WordTiming] = field(default_factory=list)
    phonemes: list[PhonemeTiming] = field(default_factory=list)
    parts: list[WordTiming] = field(default_factory=list)  # when each part's text is spoken
    kept: list[Stretch] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    working_seconds: float = 0.0

    @property
    def audio_seconds(self) -> float:
        """Seconds of sound that are kept."""
        return sum(stretch.end - stretch.start for stretch in self.kept) / self.sample_rate


@dataclass
class _Attempt:
    """One part spoken once."""

    text: str
    seed: int
    stretch: Stretch
    meter: Meter
    words: list[WordTiming] = field(default_factory=list)
    phonemes: list[PhonemeTiming] = field(default_factory=list)
    cut_off: bool = False
    fault: Fault | None = None
    seconds: float = 0.0  # it took

    @property
    def audio_seconds(self) -> float:
        return (self.stretch.end - self.stretch.start) / self.meter.sample_rate


def render(
    plan: Plan, engines: EngineManager, settings: Settings, audience: Audience, result: Rendering
) -> None:
    """Speak `plan` into the audience's spool, filling `result` as it goes, so that a stop or a fault
    leaves what was spoken until then. Those who wait for the engine get turns between the parts."""
    with engines.lease(plan.engine.id, audience.control, plan.model) as lease:
        audience.note(*placement_notes(lease))
        started = time.monotonic()
        prompt = None
        if plan.order.reference is not None:
            prompt = prepare_voice(plan.order.reference, plan.language, lease, audience)
        speak_parts(plan, prompt, lease, settings, audience, result, started)


def speak_parts(
    plan: Plan,
    prompt: VoicePrompt | None,
    lease: Lease[SpeechEngine],
    settings: Settings,
    audience: Audience,
    result: Rendering,
    started: float,
) -> None:
    """What `render` does once the engine is there and the voice prepared; `started` is when the work
    began, by the monotonic clock."""
    audience.control.progress("speaking")
    with WavWriter(audience.spool, plan.engine.sample_rate) as writer:
        speaker = _PartSpeaker(plan, prompt, lease.engine, writer, settings, audience, result, started)
        for index, part in enumerate(plan.parts):
            if index:
                waited = time.monotonic()
                lease.give_way()
                speaker.started += time.monotonic() - waited
                audience.control.progress("speaking")
            speaker.speak(part)
            speaker.pause(pause_after(part, settings) / plan.order.speed)


def placement_notes(lease: Lease[SpeechEngine]) -> tuple[str, ...]:
    """Where the engine runs, for people; empty for an embedded one."""
    placed = lease.placement
    if placed is None:
        return ()
    return (f"Running on {placed.reason}.",) + ((placed.warning,) if placed.warning else ())


class _PartSpeaker:
    """Speaks one part after the other into a writer and keeps the count."""

    def __init__(
        self,
        plan: Plan,
        prompt: VoicePrompt | None,
        engine: SpeechEngine,
        writer: WavWriter,
        settings: Settings,
        audience: Audience,
        result: Rendering,
        started: float,
    ) -> None:
        self._plan, self._prompt, self._engine = plan, prompt, engine
        self._writer, self._audience, self._result = writer, audience, result
        self.started = started  # moved on by the time spent waiting
        guarded = Capability.SAMPLED in plan.engine.capabilities
        retries = plan.order.retries
        retries = settings.take_retries if retries is None else retries
        self._tries = retries + 1 if guarded else 1
        self._guarded = guarded
        self._chars_done = 0
        self._parts_done = 0
        self._position = 0  # samples in the spool

    def speak(self, part: Part) -> None:
        """Speak `part`, again with the next seed while the guard rejects it."""
        attempts: list[_Attempt] = []
        while len(attempts) < self._tries:
            attempt = self._attempt(part, (self._plan.seed + len(attempts)) % (MAX_SEED + 1))
            attempts.append(attempt)
            if attempt.fault is None:
                break
            more = len(attempts) < self._tries
            self._say_what_happened(attempt, more)
        chosen = min(attempts, key=lambda attempt: attempt.fault.severity if attempt.fault else -1)
        self._keep(chosen)
        for attempt in attempts:
            if attempt is not chosen and attempt.fault is not None:
                self._result.rejected.append(
                    Rejected(attempt.stretch, part.text, attempt.seed, attempt.fault, attempt.seconds)
                )
        self._chars_done += len(part.text)
        self._parts_done += 1
        self._tell(self._chars_done)

    def pause(self, seconds: float) -> None:
        silence = np.zeros(int(seconds * self._plan.engine.sample_rate), np.float32)
        if len(silence):
            stretch = Stretch(self._position, self._position)
            self._append(silence, stretch)
            self._result.kept.append(stretch)

    def _attempt(self, part: Part, seed: int) -> _Attempt:
        """Speak `part` once; what breaks off in the middle is kept as far as it came."""
        order = self._plan.order
        request = SpeechRequest(
            text=part.text,
            language=self._plan.language,
            speaker=self._plan.speaker.id if self._plan.speaker else None,
            voice_prompt=self._prompt,
            instruct=order.description,
            speed=order.speed,
            sampling=replace(order.sampling, seed=seed),
            options=order.options,
            model=self._plan.model,
        )
        stretch = Stretch(self._position, self._position)
        attempt = _Attempt(part.text, seed, stretch, Meter(self._plan.engine.sample_rate))
        began = time.monotonic()
        expected = max(self._expected_seconds(part), 0.1)
        try:
            for chunk in self._engine.stream(request, self._audience.control):
                self._take_in(chunk, attempt)
                within = min(attempt.audio_seconds / expected, 0.98)
                self._tell(self._chars_done + within * len(part.text), attempt)
        except BaseException:
            self._keep(attempt)
            raise
        attempt.seconds = time.monotonic() - began
        if self._guarded:
            attempt.fault = judge(part.text, attempt.meter, attempt.cut_off)
        return attempt

    def _take_in(self, chunk: SpeechChunk, attempt: _Attempt) -> None:
        if self._guarded:
            attempt.meter.feed(chunk.audio.samples)
        attempt.words.extend(chunk.words)
        attempt.phonemes.extend(chunk.phonemes)
        attempt.cut_off |= chunk.cut_off
        self._append(chunk.audio.samples, attempt.stretch)

    def _append(self, samples: np.ndarray, stretch: Stretch) -> None:
        self._writer.append(samples)
        self._position += len(samples)
        stretch.end = self._position
        self._result.working_seconds = time.monotonic() - self.started

    def _keep(self, attempt: _Attempt) -> None:
        result, offset = self._result, self._result.audio_seconds
        result.words.extend(
            WordTiming(word.text, word.start + offset, word.end + offset) for word in attempt.words
        )
        result.phonemes.extend(moved(attempt.phonemes, offset))
        result.kept.append(attempt.stretch)
        result.parts.append(WordTiming(attempt.text, offset, result.audio_seconds))

    def _say_what_happened(self, attempt: _Attempt, more: bool) -> None:
        assert attempt.fault is not None
        where, parts = f"seed {attempt.seed}", len(self._plan.parts)
        where = f"Part {self._parts_done + 1} of {parts}, {where}" if parts > 1 else where.capitalize()
        then = "spoken again with the next seed." if more else "the best of the tries is kept."
        self._audience.note(f"{where}: {attempt.fault.value}; {then}")

    def _tell(self, characters: float, attempt: _Attempt | None = None) -> None:
        self._audience.spoke(
            self._result.audio_seconds + (attempt.audio_seconds if attempt else 0.0),
            characters / self._plan.characters,
            self._result.working_seconds,
        )

    def _expected_seconds(self, part: Part) -> float:
        if self._chars_done:
            return len(part.text) * self._result.audio_seconds / self._chars_done
        return len(part.text) * _SECONDS_PER_CHAR / self._plan.order.speed


def prepare_voice(
    reference: Reference, language: str, lease: Lease[SpeechEngine], audience: Audience
) -> VoicePrompt:
    """The voice of `reference`, whose words are in `language`."""
    audience.control.progress("preparing the voice")
    prompt = lease.engine.create_voice_prompt(
        reference.audio,
        reference.text,
        language,
        reference.x_vector_only,
        audience.control,
        more=tuple(other.audio for other in reference.more),
    )
    audience.note(*prompt.notes)
    return prompt


def pause_after(part: Part, settings: Settings) -> float:
    """The silence that belongs after `part` at normal speed, seconds."""
    return {
        "none": 0.0,
        "sentence": settings.pause_sentence_s,
        "paragraph": settings.pause_paragraph_s,
    }[part.pause]
