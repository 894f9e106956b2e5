"""A personality: a named voice with several ways to speak, each an emotion with a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines.base import WordTiming
from studio.services.voice_values import Consent

#: Spoken where a text has no tag; every personality has it.
NEUTRAL = "neutral"


@dataclass(frozen=True)
class Emotion:
    """One way to speak."""

    tag: str  # as typed, unique in its personality whatever the case
    audio: Path  # mono WAV
    duration: float  # s
    transcript: str = ""
    language: str = ""  # BCP 47; "": the personality's
    aliases: tuple[str, ...] = ()  # further names of one's own; the common ones are known anyway
    made: Mapping[str, Any] = field(default_factory=dict)  # {"how": "upload" | "smart" | ..., ...}
    words: tuple[WordTiming, ...] = ()  # where they are known, seconds
    clip: Path | None = None  # the expressive clip that a chimera was joined from


@dataclass(frozen=True)
class Personality:
    """An entry of the library."""

    id: str  # the name of its folder
    name: str  # as typed
    created: float  # Unix time, s
    changed: float
    owner: str
    emotions: tuple[Emotion, ...]  # the neutral one first
    language: str = ""  # BCP 47; "": not known
    description: str = ""  # of the voice, in words
    note: str = ""
    voice: str = ""  # id of the saved voice it was made from
    consent: Consent | None = None
    #: An unfinished smart build: the order, and what became of each emotion.
    build: Mapping[str, Any] | None = None

    def emotion(self, tag: str) -> Emotion | None:
        """The emotion with exactly this tag, ignoring case."""
        wanted = tag.casefold()
        return next((each for each in self.emotions if each.tag.casefold() == wanted), None)


@dataclass(frozen=True)
class NewEmotion:
    """What an emotion is made of."""

    tag: str
    audio: Path  # any file the audio layer reads
    start: float | None = None  # s: only this part of it
    end: float | None = None
    transcript: str = ""
    language: str = ""
    aliases: tuple[str, ...] = ()
    made: Mapping[str, Any] = field(default_factory=lambda: {"how": "upload"})
    words: tuple[WordTiming, ...] = ()
    clip: Path | None = None


@dataclass(frozen=True)
class NewPersonality:
    """What a personality is made of; one of the emotions is the neutral one."""

    name: str
    emotions: tuple[NewEmotion, ...]
    language: str = ""
    description: str = ""
    note: str = ""
    voice: str = ""
    consent: Consent | None = None


@dataclass(frozen=True)
class PersonalityChange:
    """What is to be different; None leaves it as it is."""

    name: str | None = None
    language: str | None = None
    description: str | None = None
    note: str | None = None
    consent: Consent | None = None


@dataclass(frozen=True)
class EmotionChange:
    """What is to be different; None leaves it as it is."""

    tag: str | None = None
    transcript: str | None = None  # another one drops the word timings
    words: tuple[WordTiming, ...] | None = None
    language: str | None = None
    aliases: tuple[str, ...] | None = None
