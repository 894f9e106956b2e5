"""What a benchmark hands back, and how it looks in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How to measure. `quick` only shows that a benchmark runs: its figures mean little."""

    quick: bool = False
    recordings: Path | None = None  # folder of reference recordings; None: spoken by eSpeak NG
    measured: Path | None = None  # what is known of eSpeak NG's own voices; None: measured anew


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The first column is for words, the others for figures."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        return "\n".join(_line(row, widths) for row in (self.columns, rule, *self.rows))


@dataclass(frozen=True)
class Goal:
    """What a figure should be at most."""

    what: str
    measured: float
    limit: float
    unit: str = ""
    digits: int = 2

    @property
    def met(self) -> bool:
        return self.measured <= self.limit

    def row(self) -> tuple[str, ...]:
        return (
            self.what,
            _with_unit(figure(self.measured, self.digits), self.unit),
            f"at most {_with_unit(f'{self.limit:g}', self.unit)}",
            "met" if self.met else "**not met**",
        )


@dataclass(frozen=True)
class Report:
    """`tables` of figures, then the goals, then `notes`, sentences on how to read them."""

    tables: tuple[Table, ...]
    goals: tuple[Goal, ...] = ()
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        tables = list(self.tables)
        if self.goals:
            tables.append(
                Table(("goal", "measured", "wanted", ""), tuple(goal.row() for goal in self.goals))
            )
        return "\n\n".join([*(table.markdown() for table in tables), *self.notes])


def figure(value: float, digits: int) -> str:
    """`value` in `digits` decimals. Raises ValueError when it is not a number: a measurement that
    went wrong must not pass for one."""
    if not math.isfinite(value):
        raise ValueError(f"A measurement gave {value}.")
    return f"{value:.{digits}f}"


def figures(values: Iterable[float], digits: int) -> tuple[str, ...]:
    return tuple(figure(value, digits) for value in values)


def _with_unit(value: str, unit: str) -> str:
    return f"{value} {unit}".strip()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"
