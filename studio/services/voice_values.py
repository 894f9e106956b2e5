"""A saved voice: a named reference recording with its transcript and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engines.base import WordTiming


class Basis(str, Enum):
    """By what right a voice is used."""

    OWN = "my own voice"
    PERMISSION = "permission"
    PUBLIC_DOMAIN = "public domain"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Consent:
    """Who speaks in a recording, and that it may be used."""

    person: str
    basis: Basis
    given: float  # Unix time, s
    audio_sha256: str = ""  # of the recording it was given for; the library fills it in


@dataclass(frozen=True)
class Voice:
    """An entry of the library."""

    id: str  # the name of its folder
    name: str  # as typed
    created: float  # Unix time, s
    changed: float
    owner: str
    audio: Path  # mono WAV
    duration: float  # s
    transcript: str = ""
    language: str = ""  # BCP 47; "": not known
    tags: tuple[str, ...] = ()
    note: str = ""
    favourite: bool = False
    origin: str = "upload"  # or "microphone", "take", "import", "copy"
    words: tuple[WordTiming, ...] = ()  # where they are known, seconds from the recording's start
    consent: Consent | None = None


@dataclass(frozen=True)
class NewVoice:
    """What a voice is made of."""

    name: str
    audio: Path  # any file the audio layer reads
    start: float | None = None  # s: only this part of it
    end: float | None = None
    transcript: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    origin: str = "upload"
    words: tuple[WordTiming, ...] = ()
    consent: Consent | None = None


@dataclass(frozen=True)
class VoiceChange:
    """What is to be different; None leaves it as it is."""

    name: str | None = None
    transcript: str | None = None
    language: str | None = None
    tags: tuple[str, ...] | None = None
    note: str | None = None
    favourite: bool | None = None
    consent: Consent | None = None


@dataclass(frozen=True)
class VoiceUses:
    """What was made from a voice."""

    takes: int
    personalities: tuple[str, ...]  # their names
