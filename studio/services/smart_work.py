"""The work of a smart build: the recording's words, then emotion by emotion a clip and its chimera."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from studio.control import Progress
from studio.errors import Cancelled, StorageFailed, StudioError
from studio.services.chimera import ChimeraService
from studio.services.chimera_values import Chimera, ChimeraOrder
from studio.services.expressive import Clip, ClipSpeaker
from studio.services.neutral_text import NeutralText
from studio.services.personalities import Build, PersonalityService
from studio.services.personality_records import spelled
from studio.services.personality_values import (
    NEUTRAL,
    EmotionChange,
    NewEmotion,
    Personality,
    PersonalityChange,
)
from studio.services.planning import Plan
from studio.services.smart_records import Building, filled, from_build, to_build
from studio.services.smart_values import EmotionState, SmartEmotion, SmartOrder, SmartProgress
from studio.services.tasks import Task

#: How the time is shared out: of the whole, finding the recording's words; of an emotion, its clip.
_TRANSCRIBING, _SPEAKING = 0.1, 0.7


@dataclass(frozen=True)
class Workshop:
    """What a build needs."""

    personalities: PersonalityService
    clips: ClipSpeaker
    chimera: ChimeraService
    neutral: NeutralText
    spool: Path  # for files that are given up soon


def build(workshop: Workshop, task: Task, id: str, owner: str) -> Personality:
    """Make what is left of the personality's build. An emotion that fails does not keep the others
    from being made; the build stays unfinished then.

    Raises what went wrong where nothing could be made; Cancelled, StorageFailed.
    """
    personality = workshop.personalities.get(id, owner)
    if personality.build is None:  # another process was quicker, or it was settled meanwhile
        return personality
    work = _Work(workshop, task, owner, personality, from_build(personality.build))
    work.prepare()
    left = work.building.left
    failures = []
    share = (1 - _TRANSCRIBING) / max(1, len(left))
    for number, step in enumerate(left):
        try:
            if work.has(step.emotion.tag) and not work.building.replaces:
                work.skip(step.emotion)
            else:
                work.make(step.emotion, _TRANSCRIBING + number * share, share)
        except (Cancelled, StorageFailed):
            raise
        except StudioError as error:
            failures.append(error)
            work.fail(step.emotion, error)
    if failures and len(failures) == len(left):
        raise failures[-1]
    return work.personality


class _Work:
    """One build, and how far it has come."""

    def __init__(
        self,
        workshop: Workshop,
        task: Task,
        owner: str,
        personality: Personality,
        building: Building,
    ) -> None:
        self._shop, self._task, self._owner = workshop, task, owner
        self._id, self.personality, self.building = personality.id, personality, building
        self._tell()

    def prepare(self) -> None:
        """Find the words of the recording, and the language."""
        if self.building.ready:
            return
        self._task.control.progress("transcribing", 0.0)
        neutral = self.personality.emotions[0]
        said = self._shop.neutral.find(
            neutral.audio,
            neutral.transcript,
            self.building.language,
            self._shop.clips.languages(self.building.engine),
            self._task.control.within(),
        )
        self._task.note(*said.notes)
        known = EmotionChange(transcript=said.text, words=said.words)
        self._shop.personalities.change_emotion(self._id, self._owner, NEUTRAL, known)
        spoken = PersonalityChange(language=said.language)
        self._shop.personalities.change(self._id, self._owner, spoken)
        self._keep(lambda building: replace(building, language=said.language, ready=True))

    def make(self, wanted: SmartEmotion, began: float, share: float) -> None:
        """One emotion, from its clip to the library; `began` and `share` are fractions of the task."""
        emotion = filled(wanted, self.building.language)
        if not wanted.text and emotion.language != (wanted.language or self.building.language):
            self._task.note(f"“{wanted.tag}”: there is no usual text in its language, so it is English.")
        plan = self._shop.clips.plan(self._order(), emotion)
        stage = f"generating {wanted.tag}"

        def spoke(progress: Progress) -> None:
            done = began + share * _SPEAKING * (progress.fraction or 0.0)
            self._task.control.progress(stage, done)

        self._task.control.progress(stage, began)
        target = self._shop.spool / f"{secrets.token_hex(8)}-chimera.wav"
        try:
            with self._shop.clips.spoken(plan, self._task.control.within(spoke)) as clip:
                self._task.note(*clip.notes)
                self._task.control.progress(f"joining {wanted.tag}", began + share * _SPEAKING)
                chimera = self._join(clip, target)
                self._task.note(*(f"“{wanted.tag}”: {note}" for note in chimera.notes))
                self._task.control.progress("saving", began + share)
                made = NewEmotion(
                    tag=wanted.tag,
                    audio=chimera.path,
                    transcript=chimera.transcript,
                    language=wanted.language,
                    made=_made(plan, emotion, self.building, chimera),
                    words=chimera.words,
                    clip=clip.path,
                )
                self._keep(lambda now: now.with_step(wanted.tag, EmotionState.MADE), made)
        finally:
            target.unlink(missing_ok=True)

    def has(self, tag: str) -> bool:
        """Whether the emotion is there."""
        return spelled((each.tag for each in self.personality.emotions), tag) is not None

    def skip(self, wanted: SmartEmotion) -> None:
        """Count what is there as made."""
        self._task.note(f"“{wanted.tag}” was there already and stays as it is.")
        self._keep(lambda now: now.with_step(wanted.tag, EmotionState.MADE))

    def fail(self, wanted: SmartEmotion, error: StudioError) -> None:
        """Keep why `wanted` was not made."""
        self._task.note(f"“{wanted.tag}” was not made: {error}")
        self._keep(lambda now: now.with_step(wanted.tag, EmotionState.FAILED, str(error)))

    def _join(self, clip: Clip, target: Path) -> Chimera:
        neutral = self.personality.emotions[0]
        order = ChimeraOrder(
            own=neutral.audio,
            expressive=clip.path,
            own_text=neutral.transcript,
            expressive_text=clip.text,
            own_words=neutral.words,
            expressive_words=clip.words,
            language=self.building.language,
            expressive_language=clip.language,
            join=self.building.join,
        )
        return self._shop.chimera.make(order, target, self._task.control.within())

    def _order(self) -> SmartOrder:
        """What the clips are planned by."""
        return SmartOrder(
            self.personality.name,
            self.personality.emotions[0].audio,
            description=self.building.description,
            language=self.building.language,
            engine=self.building.engine,
            model=self.building.model,
            temperature=self.building.temperature,
            seed=self.building.seed,
        )

    def _keep(self, step: Callable[[Building], Building], emotion: NewEmotion | None = None) -> None:
        """Bring the build on by `step`, with what was made in it, here and on the disk."""

        def update(build: Build | None) -> Build | None:
            # Nothing where somebody else has finished it, or it was settled.
            return None if build is None else to_build(step(from_build(build)))

        self.personality = self._shop.personalities.save_build(
            self._id, self._owner, update, emotion, self.building.replaces
        )
        self.building = step(self.building)
        self._tell()

    def _tell(self) -> None:
        self._task.tell(SmartProgress(self._id, self.building.steps))


def _made(plan: Plan, emotion: SmartEmotion, building: Building, chimera: Chimera) -> dict[str, Any]:
    """How an emotion was made; see smart_values."""
    return {
        "how": "smart",
        "engine": plan.engine.id,
        "model": plan.model,
        "language": plan.language,
        "text": plan.order.text,
        "instruct": emotion.instruct,
        "seed": plan.seed,
        "join": asdict(building.join),
        "own": list(chimera.own),
        "expressive": list(chimera.expressive),
        "joint": list(chimera.joint),
        "estimated": chimera.transcript_estimated,
    }
