"""Making a reference better: its ends trimmed, its level set, its noise reduced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.audio.quality import ReferenceReport


@dataclass(frozen=True)
class CleanUp:
    """What is to be done."""

    trim: bool = True  # take away silence at the ends
    gain: bool = True  # bring it to the usual loudness
    denoise: bool = False  # reduce steady noise; may take a little of the voice along


@dataclass(frozen=True)
class Cleaned:
    """What was done."""

    path: Path  # mono 16-bit WAV of the same rate
    before: ReferenceReport
    after: ReferenceReport
    offset: float  # s of the original's stretch that were taken away in front
    gain_db: float
    done: tuple[str, ...]  # sentences for people
