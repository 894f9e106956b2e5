"""What a run has spoken, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.runs.values import StepRow
from studio.services.run_values import Sample


@dataclass(frozen=True)
class Epoch:
    """An epoch that has samples."""

    number: int  # 0: the untouched base
    sentences: tuple[Sample, ...]  # by number
    whole: Sample | None  # all of them in one sound
    best: bool
    row: StepRow | None  # what was measured and said at its end

    @property
    def label(self) -> str:
        return f"Epoch {self.number}" if self.number else "Base"


def epochs_of(samples: Sequence[Sample], rows: Sequence[StepRow], best: int | None) -> tuple[Epoch, ...]:
    """The newest first. `rows`: those of the ends of epochs."""
    measured = {int(row.epoch): row for row in rows}
    found = []
    for number in sorted({each.epoch for each in samples}, reverse=True):
        mine = [each for each in samples if each.epoch == number]
        sentences = tuple(each for each in mine if each.sentence is not None)
        whole = next((each for each in mine if each.sentence is None), None)
        if sentences:
            found.append(Epoch(number, sentences, whole, number == best, measured.get(number)))
    return tuple(found)
