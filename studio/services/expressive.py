"""Expressive clips: a short text spoken in a described voice and mood, for a chimera and not for the
history."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines.base import Capability, EngineInfo, SamplingParams, WordTiming
from engines.manager import EngineManager
from studio.control import Control
from studio.errors import BadInput
from studio.services.planning import Plan
from studio.services.rendering import Rendering, render
from studio.services.smart_values import SmartEmotion, SmartOrder
from studio.services.speech import SpeechService
from studio.services.take_files import kept_sound
from studio.services.takes import AUTO_LANGUAGE, SpeechOrder
from studio.services.wording import as_written
from studio.settings import Settings


@dataclass(frozen=True)
class Clip:
    """A spoken clip; `path` is there only while it is being used."""

    path: Path  # WAV
    text: str
    words: tuple[WordTiming, ...]  # s; empty where the engine does not tell them
    language: str  # BCP 47
    notes: tuple[str, ...] = ()  # what the person should know


class ClipSpeaker:
    """Thread-safe; engines come by lease. Who calls it must hold none."""

    def __init__(
        self, settings: Settings, spool: Path, engines: EngineManager, speech: SpeechService
    ) -> None:
        self._settings, self._spool = settings, spool
        self._engines, self._speech = engines, speech

    def engines(self) -> tuple[EngineInfo, ...]:
        """Those that make a voice from words, the usual one first: the studio's default where it
        can and has a model, else one that is ready, else the embedded one."""
        able = [
            info for info in self._engines.registry.infos() if Capability.DESIGN in info.capabilities
        ]
        usual = self._settings.default_engine
        return tuple(
            sorted(
                able, key=lambda info: (not self._is_ready(info), info.id != usual, not info.embedded)
            )
        )

    def languages(self, engine: str) -> tuple[str, ...]:
        """The codes that an engine speaks."""
        return tuple(self._engines.registry.get(engine).info.languages)

    def plan(self, order: SmartOrder, emotion: SmartEmotion) -> Plan:
        """How `emotion` will be spoken. Raises BadInput or NotFound for what cannot be."""
        if not order.description.strip():
            raise BadInput(
                "There is no description of the voice.",
                "Write a few words, such as “a young woman, warm”.",
            )
        return self._speech.plan(
            SpeechOrder(
                Capability.DESIGN,
                emotion.text,
                order.engine or self.engines()[0].id,
                language=emotion.language or order.language or AUTO_LANGUAGE,
                description=f"{order.description.strip().rstrip('.')}. {emotion.instruct}".strip(),
                seed=order.seed,
                sampling=SamplingParams(temperature=order.temperature),
                model=order.model,
            )
        )

    @contextmanager
    def spoken(self, plan: Plan, control: Control) -> Iterator[Clip]:
        """The clip, as the engine makes it. Raises what engines raise; Cancelled."""
        audience = _Audience(self._spool / f"{secrets.token_hex(8)}-clip.wav", control)
        rendering = Rendering(plan.engine.sample_rate)
        try:
            render(plan, self._engines, self._settings, audience, rendering)
            with kept_sound(audience.spool, rendering) as path:
                words = tuple(as_written(rendering.words, plan.spoken))
                notes = (*plan.notes, *audience.notes)
                yield Clip(path, plan.order.text, words, plan.language, notes)
        finally:
            audience.spool.unlink(missing_ok=True)

    def _is_ready(self, info: EngineInfo) -> bool:
        models = self._engines.registry.get(info.id).models(Capability.DESIGN)
        return not models or any(each.installed and not each.practice for each in models)


class _Audience:
    """Hears of one rendering."""

    def __init__(self, spool: Path, control: Control) -> None:
        self.spool, self.control = spool, control
        self.notes: tuple[str, ...] = ()

    def note(self, *sentences: str) -> None:
        self.notes += sentences

    def spoke(self, audio_seconds: float, fraction: float, working_seconds: float) -> None:
        self.control.progress("speaking", fraction)
