"""Real implementations of the engine Protocol with a weakness each, for the manager's tests."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from engines.base import (
    Capability,
    EngineFolders,
    EngineInfo,
    ModelChoice,
    Placement,
    Speaker,
    SpeechChunk,
    SpeechRequest,
    VoicePrompt,
    WordTiming,
)
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput

RATE = 16_000


class ToneEngine:
    """Speaks 0.1 s of a tone for each character, with 5 ms of work each; heavy, so it is swapped."""

    id = "tone"
    inside = 0  # how many threads are in an engine at this moment, over all of them
    most_inside = 0
    _count_lock = threading.Lock()

    def __init__(self, folders: EngineFolders) -> None:
        self.loads = 0
        self.loaded = False

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            id=self.id,
            label=f"Test engine {self.id}",
            license="Apache-2.0",
            description="A tone.",
            capabilities=frozenset({Capability.PRESET, Capability.STREAM}),
            languages={"en": "English"},
            sample_rate=RATE,
        )

    @property
    def is_loaded(self) -> bool:
        return self.loaded

    def load(self, placement: Placement, model: str) -> None:
        time.sleep(0.02)
        self.loads += 1
        self.loaded = True

    @property
    def loaded_model(self) -> str:
        return ""

    def models(self, mode: Capability) -> tuple[ModelChoice, ...]:
        return ()

    def unload(self) -> None:
        assert ToneEngine.inside == 0, "unloaded while it was speaking"
        self.loaded = False

    def speakers(self) -> tuple[Speaker, ...]:
        return (Speaker("sine", "Sine", "en"),)

    def create_voice_prompt(
        self, ref_audio: Path, ref_text: str, language: str, x_vector_only: bool, control: Control
    ) -> VoicePrompt:
        raise BadInput("It cannot clone.")

    def design(self, description: str) -> Mapping[str, float]:
        raise BadInput("It cannot design.")

    def understood(self, description: str) -> tuple[str, ...]:
        return ()

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        assert self.loaded, "spoke without being loaded"
        with self._count_lock:
            ToneEngine.inside += 1
            ToneEngine.most_inside = max(ToneEngine.most_inside, ToneEngine.inside)
        try:
            for _ in request.text:
                control.check()
                time.sleep(0.005)
                tone = np.sin(np.arange(RATE // 10) * 0.2).astype(np.float32) * 0.3
                yield SpeechChunk(Audio(tone, RATE))
        finally:
            with self._count_lock:
                ToneEngine.inside -= 1


class OtherToneEngine(ToneEngine):
    id = "other"


class BreakingEngine(ToneEngine):
    """Breaks off with a programming error after three chunks."""

    id = "breaking"

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        for index, chunk in enumerate(super().stream(request, control)):
            if index == 3:
                raise RuntimeError("a bug")
            yield chunk


class UnloadableEngine(ToneEngine):
    """Fails to load the first two times, as on a card whose memory is taken."""

    id = "unloadable"
    attempts = 0

    def load(self, placement: Placement, model: str) -> None:
        type(self).attempts += 1
        if type(self).attempts <= 2:
            raise MemoryError("no room")
        super().load(placement, model)


class MoodyEngine(ToneEngine):
    """Draws by chance: what it makes of a text depends on seed % 5. 0: good; 1: silence; 2: ends too
    soon; 3: never ends; 4: clipped."""

    id = "moody"

    @property
    def info(self) -> EngineInfo:
        info = super().info
        return replace(info, capabilities=info.capabilities | {Capability.SAMPLED, Capability.SEEDED})

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        mood = request.sampling.seed % 5
        text = request.text[:2] if mood == 2 else request.text
        for chunk in super().stream(replace(request, text=text), control):
            gain = {1: 0.0, 4: 10.0}.get(mood, 1.0)
            loud = np.clip(chunk.audio.samples * gain, -1, 1)
            yield SpeechChunk(Audio(loud, RATE), cut_off=mood == 3)


class CloningEngine(ToneEngine):
    """Speaks like a recording: a tone of a pitch of its own for each recording and seed, a tenth of a
    second a character, with a silence before and after it. Seeds that end in 9 make silence. Keeps a list
    of what it spoke."""

    id = "cloning"
    SILENCE_S = 0.2
    spoken: list[tuple[str, int]] = []  # noqa: RUF012 - shared on purpose, emptied by the tests

    @property
    def info(self) -> EngineInfo:
        info = super().info
        able = {Capability.CLONE, Capability.SAMPLED, Capability.SEEDED, Capability.SPEED}
        return replace(info, capabilities=info.capabilities | able, languages={"en": "", "de": ""})

    def create_voice_prompt(
        self, ref_audio: Path, ref_text: str, language: str, x_vector_only: bool, control: Control,
        more: tuple[Path, ...] = (),
    ) -> VoicePrompt:  # fmt: skip
        control.check()
        return VoicePrompt(self.id, ref_audio, ref_text, language, notes=(f"It says “{ref_text}”.",))

    @staticmethod
    def pitch(ref_audio: Path, seed: int) -> float:
        """Radians a sample."""
        return 0.1 + (zlib.crc32(ref_audio.read_bytes()) + seed) % 1_000 / 2_000

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        assert request.voice_prompt is not None
        seed = request.sampling.seed
        self.spoken.append((request.text, seed))
        pitch = self.pitch(request.voice_prompt.ref_audio, seed)
        gain = 0.0 if seed % 10 == 9 else 0.3
        silence = SpeechChunk(Audio(np.zeros(round(self.SILENCE_S * RATE), np.float32), RATE))
        yield silence
        at = self.SILENCE_S
        for index in range(len(request.text)):
            control.progress("speaking")
            time.sleep(0.002)
            tone = np.sin(np.arange(index * RATE // 10, (index + 1) * RATE // 10) * pitch)
            words = (WordTiming(request.text, at, at + len(request.text) / 10),) if not index else ()
            yield SpeechChunk(Audio(tone.astype(np.float32) * np.float32(gain), RATE), words)
        yield silence


class ModelledEngine(ToneEngine):
    """Has a model for preset voices and one for designed ones; counts what it loads."""

    id = "modelled"
    history: list[str] = []  # noqa: RUF012 - shared on purpose, emptied by the tests

    def __init__(self, folders: EngineFolders) -> None:
        super().__init__(folders)
        self.model = ""

    @property
    def info(self) -> EngineInfo:
        info = super().info
        return replace(info, capabilities=info.capabilities | {Capability.DESIGN})

    @property
    def loaded_model(self) -> str:
        return self.model

    def models(self, mode: Capability) -> tuple[ModelChoice, ...]:
        return (
            ModelChoice(f"big-{mode}", f"Big {mode}", installed=False),
            ModelChoice(f"small-{mode}", f"Small {mode}", installed=True, note="Small is quick."),
        )

    def load(self, placement: Placement, model: str) -> None:
        super().load(placement, model)
        self.model = model
        self.history.append(model)

    def unload(self) -> None:
        super().unload()
        self.model = ""


TABLE = {
    cls.id: f"{__name__}:{cls.__name__}"
    for cls in (
        ToneEngine,
        OtherToneEngine,
        BreakingEngine,
        UnloadableEngine,
        MoodyEngine,
        ModelledEngine,
        CloningEngine,
    )
}
