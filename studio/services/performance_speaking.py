"""Speaking the parts of a performance: what is said, like what, and into which file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import numpy as np

from engines.base import PhonemeTiming, WordTiming
from engines.manager import EngineManager
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.files import publishing
from studio.services.chimera_values import Chimera
from studio.services.part_cache import PartCache
from studio.services.performance_plans import PartPlan, PerformancePlan
from studio.services.personality_values import NEUTRAL, Emotion
from studio.services.phoneme_rows import moved
from studio.services.planning import Plan, part_limit
from studio.services.rendering import pause_after
from studio.services.sentence_speaking import Listener, SentenceSpeaker, Voice
from studio.services.takes import Reference
from studio.services.tasks import Task
from studio.services.wording import Wording, as_written
from studio.settings import Settings
from studio.text.language import closest
from studio.text.parts import parts

#: Neutral emotion, emotion, strength, language, control -> a reference between the two.
Blend: TypeAlias = Callable[[Emotion, Emotion, float, str, Control], Chimera]


@dataclass(frozen=True)
class Tools:
    """What speaking needs of the studio."""

    settings: Settings
    engines: EngineManager
    wording: Wording
    cache: PartCache
    blend: Blend
    spool: Path  # a folder


@dataclass(frozen=True)
class ReadyPart:
    """A part with everything settled."""

    of: PartPlan
    plan: Plan  # what is said for the text, a part for each sentence
    voice: Voice
    keys: tuple[str, ...]  # of its sentences, in the cache

    @property
    def seed(self) -> int:
        return self.plan.seed


@dataclass(frozen=True)
class SpokenPart:
    """A part whose file is written."""

    seed: int
    samples: int
    words: tuple[WordTiming, ...]  # s from its beginning, as they were typed
    cached: bool  # no sentence of it had to be spoken
    keys: tuple[str, ...]  # of its sentences, in the cache
    phonemes: tuple[PhonemeTiming, ...] = ()  # s from its beginning; () where not all are known


class PerformanceSpeaker:
    """Speaks parts of one performance in the thread of its task; a context manager, which may hold
    the engine until its end."""

    def __init__(self, tools: Tools, plan: PerformancePlan, task: Task) -> None:
        self._tools, self._plan, self._task = tools, plan, task
        listener = Listener(task.control, self._note, self._tell)
        self._sentences = SentenceSpeaker(
            tools.settings, tools.engines, tools.cache, tools.spool, listener
        )
        self._references: dict[tuple[str, float], Reference] = {}
        self._missing = self._done = 0  # characters
        self._part = ""  # the one that is being spoken, for people
        self.notes: tuple[str, ...] = ()  # what the person should know of how it went

    @property
    def seconds(self) -> float:
        """Of work by the engine."""
        return self._sentences.seconds

    def __enter__(self) -> PerformanceSpeaker:
        self._sentences.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sentences.__exit__(kind, error, trace)

    def prepare(self, wanted: Sequence[PartPlan], seed: int | None) -> list[ReadyPart]:
        """Settle what is said and what it is said like. `seed` None: the one that was chosen for the
        words of a part before, else the plan's. May ask the language model, and make blends."""
        ready = [self._ready(part, seed) for part in wanted]
        self._missing = sum(
            len(sentence.text)
            for part in ready
            for sentence, key in zip(part.plan.parts, part.keys, strict=True)
            if not self._tools.cache.has(key, part.seed)
        )
        return ready

    def speak(self, ready: ReadyPart, target: Path) -> SpokenPart:
        """Write the part's sound to `target`, whole or not at all."""
        rate, plan = self._plan.engine.sample_rate, ready.plan
        self._part = f"part {ready.of.index + 1} of {len(self._plan.parts)}, {ready.voice.name}"
        words: list[WordTiming] = []
        phonemes: list[PhonemeTiming] = []
        cached = told = True
        samples, pause = 0, 0.0
        with publishing(target) as partial, WavWriter(partial, rate) as writer:
            for sentence in plan.parts:
                silence = np.zeros(round(pause * rate), np.float32)
                writer.append(silence)
                spoken, was_there = self._sentences.speak(
                    plan, sentence, ready.voice, f"Part {ready.of.index + 1}"
                )
                if not was_there:
                    cached = False
                    self._done += len(sentence.text)
                writer.append(spoken.audio.samples)
                offset = (samples + len(silence)) / rate
                words += [
                    WordTiming(word.text, word.start + offset, word.end + offset)
                    for word in spoken.words
                ]
                phonemes += moved(spoken.phonemes, offset)
                told = told and bool(spoken.phonemes)
                samples += len(silence) + len(spoken.audio.samples)
                pause = pause_after(sentence, self._tools.settings) / plan.order.speed
        return SpokenPart(
            ready.seed,
            samples,
            tuple(as_written(words, plan.spoken)),
            cached,
            ready.keys,
            tuple(phonemes) if told else (),
        )

    def _ready(self, part: PartPlan, seed: int | None) -> ReadyPart:
        self._part = f"part {part.index + 1} of {len(self._plan.parts)}"
        control = self._task.control.within(lambda progress: self._tell(progress.stage, 0.0))
        control.check()
        plan = self._tools.wording.full(part.plan, control)
        for note in plan.notes:
            if note not in part.plan.notes:
                self._note(f"Part {part.index + 1}: {note}")
        limit = part_limit(plan.engine, plan.language, self._tools.settings)
        plan = replace(plan, parts=parts(plan.spoken.text, plan.language, limit, packed=False))
        own = part.emotion.language or self._plan.personality.language
        language = closest(own, self._plan.engine.languages) if own else None
        voice = Voice(part.emotion.tag, self._reference(part, control), language or plan.language)
        keys = tuple(self._sentences.key(plan, sentence, voice) for sentence in plan.parts)
        if seed is None:
            chosen = (self._tools.cache.preferred(key) for key in keys)
            seed = next((each for each in chosen if each is not None), self._plan.seed)
        return ReadyPart(part, replace(plan, seed=seed), voice, keys)

    def _reference(self, part: PartPlan, control: Control) -> Reference:
        """The emotion's recording, or where its strength is less than 1, a blend with the neutral one."""
        emotion = part.emotion
        neutral = self._plan.personality.emotion(NEUTRAL)
        if part.strength == 1 or neutral is None:
            return Reference(emotion.audio, emotion.transcript)
        wanted = emotion.tag, part.strength
        if wanted not in self._references:
            language = self._plan.personality.language
            made = self._tools.blend(neutral, emotion, part.strength, language, control)
            for note in made.notes:
                self._note(f"“{emotion.tag}”: {note}")
            self._references[wanted] = Reference(made.path, made.transcript)
        return self._references[wanted]

    def _note(self, sentence: str) -> None:
        self.notes = tuple(dict.fromkeys((*self.notes, sentence)))
        self._task.note(sentence)

    def _tell(self, stage: str, characters: float) -> None:
        """How far it is: `characters` of the sentence that is being spoken."""
        fraction = min((self._done + characters) / self._missing, 1.0) if self._missing else None
        self._task.control.progress(f"{self._part}: {stage}", fraction)
