"""Preparing a reference: measured, cleaned up and written down, as a task with stages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.base import WordTiming
from engines.recognition import AUTO_LANGUAGE
from studio.audio.cleaning import CleanUp
from studio.audio.quality import ReferenceReport


@dataclass(frozen=True)
class PrepareOrder:
    """What is to be done with a recording."""

    audio: Path  # any file the audio layer reads
    start: float | None = None  # s: only this part of it
    end: float | None = None
    transcript: str = ""
    language: str = AUTO_LANGUAGE  # BCP 47, or "auto": told from the speech
    clean: CleanUp | None = None  # None: only look
    transcribe: bool = False  # write down what is said in the part


@dataclass(frozen=True)
class Prepared:
    """What became of it."""

    report: ReferenceReport  # of the part as it was
    cleaned: Path | None  # mono WAV of the part, cleaned up; None where that was not asked for
    after: ReferenceReport | None  # of the cleaned one
    transcript: str  # what was recognised, else what was given
    words: tuple[WordTiming, ...]  # recognised; s from the start of `cleaned`, else of the part
    language: str = ""  # BCP 47: as it was given or recognised; "": not known
    done: tuple[str, ...] = ()  # what cleaning up did, sentences
