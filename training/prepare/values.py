"""What the stages of a build hand to one another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.recognition import AUTO_LANGUAGE
from studio.dataset.values import Source


@dataclass(frozen=True)
class GivenText:
    """Words that came with a recording. `start` and `end` in seconds; None: of the whole recording."""

    text: str
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Recording:
    """A file that can be read as sound, and what was said about it."""

    path: Path
    name: str  # as people know it: its path within what was given, "/" between folders
    speaker: str = ""  # "": nobody said
    language: str = ""  # BCP 47, lower case; "": nobody said
    given: tuple[GivenText, ...] = ()
    given_from: str = ""  # the file that `given` came from: "metadata.csv", "talk.srt" ...


@dataclass(frozen=True)
class Found:
    """What lies in the inputs of a training set."""

    recordings: tuple[Recording, ...]  # by name
    problems: tuple[Source, ...]  # files that cannot be read, by name
    notes: tuple[str, ...]  # what else a person should know, as sentences


@dataclass(frozen=True)
class RecognizerChoice:
    """What writes the segments down."""

    engine: str  # an id of engines.registry.RECOGNIZERS
    model: str = ""  # its key; "" where it has none
    language: str = AUTO_LANGUAGE  # BCP 47, lower case, or "auto"
