"""Speaking sentences like a recording, each once and then from the cache; the guard watches."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType

from engines.base import PhonemeTiming, SpeechEngine, VoicePrompt, WordTiming
from engines.manager import EngineManager, Lease
from studio.audio.fingerprint import fingerprint
from studio.audio.processing import fade, sounding
from studio.audio.reading import read
from studio.audio.types import Audio
from studio.control import Control, Progress
from studio.errors import EngineFailed
from studio.services.part_cache import Cached, PartCache, key_of
from studio.services.planning import Plan
from studio.services.rendering import Rendering, placement_notes, prepare_voice, speak_parts
from studio.services.take_files import kept_sound
from studio.services.takes import Reference
from studio.settings import Settings
from studio.text.parts import Part

#: What is left of the silence around a sentence, seconds: the gaps are to be as they were asked for,
#: and a soft consonant is quieter than what counts as sound.
_MARGIN_S = 0.03
_FADE_S = 0.005


@dataclass(frozen=True)
class Voice:
    """What a sentence is spoken like."""

    name: str  # for people
    reference: Reference
    language: str  # of the reference, one of the engine's


@dataclass(frozen=True)
class Listener:
    """Who is told how it goes."""

    control: Control  # stops it
    note: Callable[[str], None]  # a sentence for people
    progress: Callable[[str, float], None]  # a stage, and the characters of the sentence spoken


class SentenceSpeaker:
    """A context manager, which holds the engine from the first sentence that the cache lacks to the
    end. For one thread."""

    def __init__(
        self,
        settings: Settings,
        engines: EngineManager,
        cache: PartCache,
        spool: Path,
        listener: Listener,
    ) -> None:
        """`spool` is a folder for sound in the making."""
        self._settings, self._engines, self._cache = settings, engines, cache
        self._spool, self._listener = spool, listener
        self._stack = ExitStack()
        self._lease: Lease[SpeechEngine] | None = None
        self._prompts: dict[tuple[Path, str], VoicePrompt] = {}
        self._marks: dict[Path, str] = {}
        self.seconds = 0.0  # of work

    def __enter__(self) -> SentenceSpeaker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def key(self, plan: Plan, sentence: Part, voice: Voice) -> str:
        """Stands for all that `sentence` of `plan` is made of but the seed."""
        audio = voice.reference.audio
        if audio not in self._marks:
            self._marks[audio] = fingerprint(audio)
        return key_of(
            {
                "text": sentence.text,
                "language": plan.language,
                "engine": plan.engine.id,
                "model": plan.model,
                "reference": [self._marks[audio], voice.reference.text, voice.language],
                "speed": plan.order.speed,
                "sampling": {**asdict(plan.order.sampling), "seed": None},
                "options": dict(plan.order.options),
                "retries": self._settings.take_retries,
            }
        )

    def speak(self, plan: Plan, sentence: Part, voice: Voice, about: str) -> tuple[Cached, bool]:
        """The sentence without the silence around it, and whether it was there already. `about` is
        what its notes are about.

        Raises Cancelled, EngineFailed, StorageFailed and what an engine raises.
        """
        self._listener.control.check()
        key = self.key(plan, sentence, voice)
        kept = self._cache.find(key, plan.seed)
        if kept is not None:
            return kept, True
        lease = self._leased(plan)
        began = time.monotonic()
        try:
            spoken = self._spoken(plan, sentence, voice, about, lease, began)
        finally:
            self.seconds += time.monotonic() - began
        self._cache.keep(key, plan.seed, spoken)
        return spoken, False

    def _spoken(
        self,
        plan: Plan,
        sentence: Part,
        voice: Voice,
        about: str,
        lease: Lease[SpeechEngine],
        began: float,
    ) -> Cached:
        wanted = voice.reference.audio, voice.language
        if wanted not in self._prompts:
            audience = _Audience(self._listener, f"“{voice.name}”", self._spool)
            self._prompts[wanted] = prepare_voice(voice.reference, voice.language, lease, audience)
        alone = replace(plan, parts=(replace(sentence, pause="none"),))
        result = Rendering(plan.engine.sample_rate)
        audience = _Audience(self._listener, about, self._spool, len(sentence.text))
        try:
            speak_parts(alone, self._prompts[wanted], lease, self._settings, audience, result, began)
            if not result.audio_seconds:
                raise EngineFailed(
                    f"Nothing was heard for “{sentence.text[:40]}”.",
                    "Try another seed, or another engine.",
                )
            with kept_sound(audience.spool, result) as sound:
                return _trimmed(read(sound), result)
        finally:
            audience.spool.unlink(missing_ok=True)

    def _leased(self, plan: Plan) -> Lease[SpeechEngine]:
        """The engine; before each further sentence those who wait get a turn."""
        if self._lease is not None:
            self._lease.give_way()
            return self._lease
        waiting = self._listener.control.within(
            lambda progress: self._listener.progress(progress.stage, 0.0)
        )
        self._lease = self._stack.enter_context(self._engines.lease(plan.engine.id, waiting, plan.model))
        for note in placement_notes(self._lease):
            self._listener.note(note)
        return self._lease


class _Audience:
    """Hears how one sentence is spoken, and passes it on."""

    def __init__(self, listener: Listener, about: str, folder: Path, length: int = 0) -> None:
        self.spool = folder / f"{secrets.token_hex(16)}.wav"
        self.control = listener.control.within(self._on_progress)
        self._listener, self._about, self._length = listener, about, length
        self._stage = "speaking"
        self._share = 0.0  # of the sentence

    def note(self, *sentences: str) -> None:
        for sentence in sentences:
            self._listener.note(f"{self._about}: {sentence}")

    def spoke(self, audio_seconds: float, fraction: float, working_seconds: float) -> None:
        self._share = fraction
        self._listener.progress(self._stage, self._share * self._length)

    def _on_progress(self, progress: Progress) -> None:
        self._stage = progress.stage
        self._listener.progress(self._stage, self._share * self._length)


def _trimmed(audio: Audio, result: Rendering) -> Cached:
    """What was spoken, without the silence around it, which differs from engine to engine."""
    start, end = sounding(audio, keep_s=_MARGIN_S)
    rate = audio.sample_rate
    kept = fade(Audio(audio.samples[start:end], rate), _FADE_S, _FADE_S)
    offset = start / rate

    def moved(at: float) -> float:
        return min(max(at - offset, 0.0), kept.duration)

    return Cached(
        kept,
        tuple(WordTiming(each.text, moved(each.start), moved(each.end)) for each in result.words),
        tuple(
            PhonemeTiming(each.symbol, moved(each.start), moved(each.end)) for each in result.phonemes
        ),
    )
