"""An unfinished smart build as a personality's config keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from studio.audio.joining import JoinSettings
from studio.errors import Damaged
from studio.services.emotion_texts import emotion_text
from studio.services.personality_values import Personality
from studio.services.smart_values import BuildStep, EmotionState, SmartEmotion


@dataclass(frozen=True)
class Building:
    """What is the same for every emotion of a build, and what became of each."""

    description: str
    language: str  # BCP 47; "": not known yet
    engine: str
    model: str
    join: JoinSettings
    temperature: float | None
    seed: int
    steps: tuple[BuildStep, ...]
    ready: bool = False  # the recording was transcribed
    replaces: bool = False  # emotions that are there are made anew; else they stay

    @property
    def left(self) -> tuple[BuildStep, ...]:
        """What is still to be made, what failed included."""
        return tuple(step for step in self.steps if step.state is not EmotionState.MADE)

    def with_step(self, tag: str, state: EmotionState, error: str = "") -> Building:
        """The same after the emotion `tag` has come to `state`."""
        steps = (
            replace(step, state=state, error=error) if step.emotion.tag == tag else step
            for step in self.steps
        )
        return replace(self, steps=tuple(steps))


def to_build(building: Building) -> dict[str, Any] | None:
    """As JSON holds it; None once everything is made."""
    return asdict(building) if building.left else None


def from_build(build: Mapping[str, Any]) -> Building:
    """Raises Damaged where it makes no sense."""
    try:
        steps = tuple(
            BuildStep(SmartEmotion(**step["emotion"]), EmotionState(step["state"]), str(step["error"]))
            for step in build["steps"]
        )
        temperature = build["temperature"]
        return Building(
            description=str(build["description"]),
            language=str(build["language"]),
            engine=str(build["engine"]),
            model=str(build["model"]),
            join=JoinSettings(**build["join"]),
            temperature=None if temperature is None else float(temperature),
            seed=int(build["seed"]),
            steps=steps,
            ready=bool(build["ready"]),
            replaces=bool(build["replaces"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(
            f"The unfinished build cannot be read: {error}.", "Build the personality anew."
        ) from error


def filled(emotion: SmartEmotion, language: str) -> SmartEmotion:
    """`emotion` with nothing left empty; `language` is the personality's, "" where it is not known."""
    usual = emotion_text(emotion.tag, emotion.language or language)
    own = emotion.language or language
    return SmartEmotion(
        emotion.tag,
        emotion.text.strip() or usual.text,
        emotion.instruct.strip() or usual.instruct,
        own if emotion.text.strip() else usual.language,
    )


def steps_of(personality: Personality) -> tuple[BuildStep, ...]:
    """What became of each emotion of an unfinished build; empty where there is none, or it cannot be
    read."""
    if personality.build is None:
        return ()
    try:
        return from_build(personality.build).steps
    except Damaged:  # in words when it is resumed
        return ()
