"""A performance: a tagged text spoken by a personality, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from engines.base import PhonemeTiming, SamplingParams, WordTiming
from studio.services.takes import AUTO_LANGUAGE, Loudness, TakeRecord

#: TakeRecord.mode of a performance, and the kind of the tasks that make one.
MODE = "personality"
TASK_KIND = "perform"


class Unknown(str, Enum):
    """What happens to brackets that name no emotion of the personality."""

    REPORT = "report"  # nothing is spoken, and the person is told which ones there are
    READ = "read"  # their words are read aloud


@dataclass(frozen=True)
class PerformOrder:
    """What a person asks for: a text such as `[happy] Hello! [sad] Goodbye.`, and who speaks it."""

    personality: str  # its id or name
    text: str
    engine: str = ""  # "": the one that spoke for this personality last, else the studio's default
    model: str = ""  # key of the engine's model; "": the best that is installed
    language: str = AUTO_LANGUAGE  # BCP 47 or "auto"
    speed: float = 1.0
    seed: int | None = None  # None: the seeds chosen for these parts before, else one that stays
    unknown: Unknown = Unknown.REPORT
    loudness: Loudness = Loudness.STANDARD
    sampling: SamplingParams = field(default_factory=SamplingParams)
    options: Mapping[str, float] = field(default_factory=dict)
    gap_s: float | None = None  # s between the parts; None: as the text's sentences and paragraphs ask


@dataclass(frozen=True)
class PartTake:
    """A part as one seed spoke it."""

    seed: int
    file: Path  # WAV, as the engine made it: the loudness is set for the whole
    duration: float  # s


@dataclass(frozen=True)
class PerformedPart:
    """What one tag stands before, spoken."""

    index: int  # from 0
    tag: str  # of the emotion that spoke, as its personality spells it
    strength: float  # share of the emotion, 0 to 1
    text: str  # as typed, without the tag
    start: float  # s from the beginning of the whole
    duration: float  # s
    seed: int  # of the take that is in the whole
    file: Path  # that take's WAV
    cached: bool  # nothing of it had to be spoken anew
    takes: tuple[PartTake, ...]  # all there are, the first one first
    words: tuple[WordTiming, ...] = ()  # s from the beginning of the part; empty: not known
    phonemes: tuple[PhonemeTiming, ...] = ()  # the same


@dataclass(frozen=True)
class Performance:
    """A finished one, or what was spoken until it was stopped."""

    id: str  # also that of its take in the history
    order: PerformOrder  # with the personality's id, the engine and the model that were settled
    personality: str  # its name
    parts: tuple[PerformedPart, ...]
    record: TakeRecord
    notes: tuple[str, ...] = ()  # what the person should know


@dataclass(frozen=True)
class Performing:
    """TaskStatus.detail while a text is spoken; the last one also after a stop."""

    total: int  # parts in all
    parts: tuple[PerformedPart, ...] = ()  # the finished ones; their files play already
    performance: Performance | None = None  # once it is kept
