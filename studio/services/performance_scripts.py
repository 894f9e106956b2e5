"""The script of a performance: what the whole is put together from, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.base import WordTiming
from studio.services.performance_orders import from_settings
from studio.services.performance_values import PartTake, Performance, PerformedPart, PerformOrder
from studio.services.phoneme_rows import unpacked
from studio.services.takes import TakeRecord


@dataclass(frozen=True)
class ScriptTake:
    """A part as one seed spoke it."""

    seed: int
    file: str  # its name in the folder
    samples: int
    words: tuple[WordTiming, ...]  # s from its beginning
    keys: tuple[str, ...]  # of its sentences, in the cache
    phonemes: str = ""  # s from its beginning, see phoneme_rows; "": not known


@dataclass(frozen=True)
class ScriptPart:
    """One part and the silence before it."""

    index: int
    tag: str
    strength: float
    text: str
    gap_s: float
    seed: int  # of the take that is in the whole
    cached: bool
    takes: tuple[ScriptTake, ...]

    @property
    def chosen(self) -> ScriptTake:
        return {take.seed: take for take in self.takes}[self.seed]


@dataclass(frozen=True)
class Script:
    """What the whole is put together from."""

    sample_rate: int
    parts: tuple[ScriptPart, ...]
    end_gap_s: float
    notes: tuple[str, ...]

    @property
    def pieces(self) -> list[ScriptTake | int]:
        """Silences in samples and takes, one after the other."""
        made: list[ScriptTake | int] = []
        for part in self.parts:
            made += [round(part.gap_s * self.sample_rate), part.chosen]
        return [*made, round(self.end_gap_s * self.sample_rate)]

    @property
    def duration(self) -> float:
        """s"""
        sizes = (each if isinstance(each, int) else each.samples for each in self.pieces)
        return sum(sizes) / self.sample_rate


def performance_of(record: TakeRecord, script: Script, folder: Path) -> Performance:
    """The script as people see it."""
    rate = script.sample_rate
    parts = []
    position = 0
    for part in script.parts:
        position += round(part.gap_s * rate)
        takes = tuple(
            PartTake(take.seed, folder / take.file, take.samples / rate) for take in part.takes
        )
        parts.append(
            PerformedPart(
                index=part.index,
                tag=part.tag,
                strength=part.strength,
                text=part.text,
                start=position / rate,
                duration=part.chosen.samples / rate,
                seed=part.seed,
                file=folder / part.chosen.file,
                cached=part.cached,
                takes=takes,
                words=part.chosen.words,
                phonemes=unpacked(part.chosen.phonemes),
            )
        )
        position += part.chosen.samples
    order: PerformOrder = from_settings(record.settings, record.text)
    return Performance(record.id, order, record.voice, tuple(parts), record, script.notes)


def script_from(value: dict[str, Any]) -> Script:
    """The inverse of `asdict`. Raises KeyError, TypeError, ValueError."""
    return Script(
        sample_rate=int(value["sample_rate"]),
        parts=tuple(_part_from(part) for part in value["parts"]),
        end_gap_s=float(value["end_gap_s"]),
        notes=tuple(value["notes"]),
    )


def _part_from(value: dict[str, Any]) -> ScriptPart:
    takes = tuple(
        ScriptTake(
            **{
                **take,
                "words": tuple(WordTiming(**word) for word in take["words"]),
                "keys": tuple(take["keys"]),
            }
        )
        for take in value["takes"]
    )
    return ScriptPart(**{**value, "takes": takes})
