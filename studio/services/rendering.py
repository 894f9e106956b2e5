"""The work itself: plan -> parts -> chunks -> one growing WAV file, then the finished file."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from engines.base import SpeechChunk, SpeechEngine, SpeechRequest, VoicePrompt, WordTiming
from engines.manager import EngineManager, Lease
from studio.audio.writing import WavWriter
from studio.services.live import LiveTake
from studio.services.planning import Plan
from studio.settings import Settings
from studio.text.parts import Part

#: Seconds of sound a character makes, before the first part has shown it.
_SECONDS_PER_CHAR = 1 / 14


@dataclass
class Rendering:
    """What has been spoken so far; complete only when `render` has returned."""

    words: list[WordTiming]
    audio_seconds: float = 0.0
    working_seconds: float = 0.0


def render(
    plan: Plan, engines: EngineManager, settings: Settings, live: LiveTake, result: Rendering
) -> None:
    """Speak `plan` into the spool of `live`, filling `result` as it goes, so that a stop or a fault
    leaves what was spoken until then. Those who wait for the engine get turns between the parts."""
    with engines.lease(plan.engine.id, live.control) as lease:
        started = time.monotonic()
        prompt = _prepare_voice(plan, lease, live)
        live.control.progress("speaking")
        with WavWriter(live.spool, plan.engine.sample_rate) as writer:
            speaker = _PartSpeaker(plan, prompt, lease.engine, writer, live, result, started)
            for index, part in enumerate(plan.parts):
                if index:
                    waited = time.monotonic()
                    lease.give_way()
                    speaker.started += time.monotonic() - waited
                    live.control.progress("speaking")
                speaker.speak(part)
                speaker.pause(_pause(part, settings) / plan.order.speed)


class _PartSpeaker:
    """Speaks one part after the other into a writer and keeps the count."""

    def __init__(
        self,
        plan: Plan,
        prompt: VoicePrompt | None,
        engine: SpeechEngine,
        writer: WavWriter,
        live: LiveTake,
        result: Rendering,
        started: float,
    ) -> None:
        self._plan, self._prompt, self._engine = plan, prompt, engine
        self._writer, self._live, self._result = writer, live, result
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
        for chunk in self._engine.stream(request, self._live.control):
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
        self._live.spoke(
            self._result.audio_seconds,
            characters / self._plan.characters,
            self._result.working_seconds,
        )

    def _expected_seconds(self, part: Part) -> float:
        if self._chars_done:
            return len(part.text) * self._result.audio_seconds / self._chars_done
        return len(part.text) * _SECONDS_PER_CHAR / self._plan.order.speed


def _prepare_voice(plan: Plan, lease: Lease, live: LiveTake) -> VoicePrompt | None:
    reference = plan.order.reference
    if reference is None:
        return None
    live.control.progress("preparing the voice")
    prompt = lease.engine.create_voice_prompt(
        reference.audio, reference.text, plan.language, reference.x_vector_only, live.control
    )
    live.note(*prompt.notes)
    return prompt


def _pause(part: Part, settings: Settings) -> float:
    return {
        "none": 0.0,
        "sentence": settings.pause_sentence_s,
        "paragraph": settings.pause_paragraph_s,
    }[part.pause]
