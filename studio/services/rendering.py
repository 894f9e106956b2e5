"""The work itself: plan -> parts -> chunks -> one growing WAV file, then the finished file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.base import SpeechChunk, SpeechRequest, VoicePrompt, WordTiming
from engines.manager import EngineManager, Lease
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.services.planning import Plan
from studio.services.takes import Reference
from studio.settings import Settings
from studio.text.parts import Part

#: Told after each chunk: seconds of sound, fraction of the text, seconds of work.
Report = Callable[[float, float, float], None]

#: Seconds of sound a character makes, before the first part has shown it.
_SECONDS_PER_CHAR = 1 / 14


@dataclass
class Rendering:
    """What has been spoken so far; complete only when `render` has returned."""

    words: list[WordTiming]
    audio_seconds: float = 0.0
    working_seconds: float = 0.0


def render(
    plan: Plan,
    reference: Reference | None,
    engines: EngineManager,
    settings: Settings,
    spool: Path,
    result: Rendering,
    control: Control,
    report: Report,
    note: Callable[..., None],
) -> None:
    """Speak `plan` into `spool`, filling `result` as it goes, so that a stop or a fault leaves what
    was spoken until then. The engine is leased for the length of a part at a time."""
    with engines.lease(plan.engine.id, control) as lease:
        started = time.monotonic()
        prompt = _prepare_voice(plan, reference, lease, control)
        if prompt is not None:
            note(*prompt.notes)
        control.progress("speaking")
        with WavWriter(spool, plan.engine.sample_rate) as writer:
            speaker = _PartSpeaker(plan, prompt, lease, writer, result, control, report, started)
            for index, part in enumerate(plan.parts):
                if index:
                    waited = time.monotonic()
                    lease.give_way()
                    speaker.started += time.monotonic() - waited
                    control.progress("speaking")
                speaker.speak(part)
                if index < len(plan.parts) - 1:
                    speaker.pause(_pause(part, settings) / plan.order.speed)


class _PartSpeaker:
    """Speaks one part after the other into a writer and keeps the count."""

    def __init__(
        self,
        plan: Plan,
        prompt: VoicePrompt | None,
        lease: Lease,
        writer: WavWriter,
        result: Rendering,
        control: Control,
        report: Report,
        started: float,
    ) -> None:
        self._plan, self._prompt, self._engine = plan, prompt, lease.engine
        self._writer, self._result = writer, result
        self._control, self._report = control, report
        self.started = started  # moved on by the time spent waiting
        self._chars_done = 0

    def speak(self, part: Part) -> None:
        order = self._plan.order
        request = SpeechRequest(
            text=part.text,
            language=self._plan.language,
            speaker=self._plan.speaker.id if self._plan.speaker else None,
            voice_prompt=self._prompt,
            instruct=order.description,
            speed=order.speed,
            sampling=replace(order.sampling, seed=self._plan.seed),
            options=order.options,
        )
        offset = self._result.audio_seconds
        expected = max(self._expected_seconds(part), 0.1)
        for chunk in self._engine.stream(request, self._control):
            self._take_in(chunk, offset)
            within = min((self._result.audio_seconds - offset) / expected, 0.98)
            self._tell(self._chars_done + within * len(part.text))
        self._chars_done += len(part.text)
        self._tell(self._chars_done)

    def pause(self, seconds: float) -> None:
        silence = np.zeros(int(seconds * self._plan.engine.sample_rate), np.float32)
        self._append(silence)

    def _take_in(self, chunk: SpeechChunk, offset: float) -> None:
        self._append(chunk.audio.samples)
        self._result.words.extend(
            WordTiming(word.text, word.start + offset, word.end + offset) for word in chunk.words
        )

    def _append(self, samples: np.ndarray) -> None:
        self._writer.append(samples)
        self._result.audio_seconds += len(samples) / self._plan.engine.sample_rate
        self._result.working_seconds = time.monotonic() - self.started

    def _tell(self, characters: float) -> None:
        self._report(
            self._result.audio_seconds,
            characters / self._plan.characters,
            self._result.working_seconds,
        )

    def _expected_seconds(self, part: Part) -> float:
        if self._chars_done:
            return len(part.text) * self._result.audio_seconds / self._chars_done
        return len(part.text) * _SECONDS_PER_CHAR / self._plan.order.speed


def _prepare_voice(
    plan: Plan, reference: Reference | None, lease: Lease, control: Control
) -> VoicePrompt | None:
    if reference is None:
        return None
    control.progress("preparing the voice")
    return lease.engine.create_voice_prompt(
        reference.audio, reference.text, plan.language, reference.x_vector_only, control
    )


def _pause(part: Part, settings: Settings) -> float:
    return {
        "none": 0.0,
        "sentence": settings.pause_sentence_s,
        "paragraph": settings.pause_paragraph_s,
    }[part.pause]
