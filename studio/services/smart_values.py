"""Smart building: from one recording and a description to a personality with several emotions.

A built emotion's `made` is {"how": "smart", "engine", "model", "language", "text", "instruct", "seed",
"join": JoinSettings as a dict, "own" and "expressive": [start, end] in their recordings, "joint":
[start, end] in the emotion's own, "estimated": whether its transcript is a guess}; seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from studio.audio.joining import JoinSettings
from studio.services.voice_values import Consent


@dataclass(frozen=True)
class SmartEmotion:
    """An emotion that is wanted; what is left empty comes from `emotion_texts`."""

    tag: str
    text: str = ""  # spoken in the expressive clip
    instruct: str = ""  # how to speak it, added to the voice's description
    language: str = ""  # BCP 47, of `text`; "": the order's


@dataclass(frozen=True)
class SmartOrder:
    """What a personality is to be built from. The recording itself becomes the neutral emotion."""

    name: str
    audio: Path  # any file the audio layer reads
    start: float | None = None  # s: only this part of it
    end: float | None = None
    transcript: str = ""  # "": it is transcribed
    description: str = ""  # of the voice, in words
    language: str = ""  # BCP 47; "": told from the transcript
    emotions: tuple[SmartEmotion, ...] = ()
    engine: str = ""  # one that designs voices; "": the usual one where it can, else one that can
    model: str = ""  # key of the engine's model; "": the best that is installed
    join: JoinSettings = field(default_factory=JoinSettings)
    temperature: float | None = None  # of engines that draw by chance; None: the model's own
    seed: int | None = None  # None: draw one, and keep it
    note: str = ""
    voice: str = ""  # id of the saved voice that the recording is of
    consent: Consent | None = None


@dataclass(frozen=True)
class Extension:
    """Emotions that a personality is to get besides, or anew where it has them already. Its neutral
    emotion is the recording."""

    emotions: tuple[SmartEmotion, ...]
    description: str = ""  # of the voice, in words; "": the personality's
    engine: str = ""  # these as in SmartOrder
    model: str = ""
    join: JoinSettings = field(default_factory=JoinSettings)
    temperature: float | None = None
    seed: int | None = None


class EmotionState(str, Enum):
    """What became of an emotion of a build."""

    PENDING = "pending"
    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True)
class BuildStep:
    """An emotion of a build and what became of it."""

    emotion: SmartEmotion  # as it was wanted
    state: EmotionState = EmotionState.PENDING
    error: str = ""  # why it failed


@dataclass(frozen=True)
class SmartProgress:
    """What a running build tells as its task's `detail`."""

    personality: str  # id; it is in the library already
    steps: tuple[BuildStep, ...] = ()
