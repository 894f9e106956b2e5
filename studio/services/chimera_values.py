"""A chimera: a reference of two recordings, the person's own voice and then an expressive one, so that
an engine hears whose voice it is and in which mood."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from engines.base import WordTiming
from studio.audio.joining import JoinSettings


@dataclass(frozen=True)
class ChimeraOrder:
    """What a chimera is made of. Texts and words are those of the whole recordings."""

    own: Path  # any file the audio layer reads
    expressive: Path
    own_text: str = ""
    expressive_text: str = ""
    own_words: tuple[WordTiming, ...] = ()  # where they are known, seconds
    expressive_words: tuple[WordTiming, ...] = ()
    language: str = ""  # BCP 47; "": not known
    expressive_language: str = ""  # "": the same
    join: JoinSettings = field(default_factory=JoinSettings)


@dataclass(frozen=True)
class Chimera:
    """A reference that was made. Times in seconds; `own` and `expressive` in their recordings, the
    others in the result."""

    path: Path  # mono 16-bit WAV
    duration: float
    transcript: str  # of what is heard in it; "" where that cannot be told
    transcript_estimated: bool  # where the words were cut is a guess: to be checked by ear
    words: tuple[WordTiming, ...]
    own: tuple[float, float]
    expressive: tuple[float, float]
    joint: tuple[float, float]  # the crossfade
    notes: tuple[str, ...] = ()  # what the person should know
