"""Blind comparisons of two epochs of a run: what is compared, and what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Fewer preferences come by chance in more than 1 of 20 cases, even if all of them are for one epoch.
_TELLING = 6


@dataclass(frozen=True)
class Trial:
    """Two sounds of one sentence, "a" and "b", by two epochs. Which is which is not told here."""

    id: str  # 128 random bits
    run: str  # id
    first: int  # the epochs, as they were asked for
    second: int
    sentence: int  # from 1 on
    text: str  # of the sentence; "" where it is not known
    judged: bool


@dataclass(frozen=True)
class Tally:
    """The votes between two epochs."""

    first: int
    second: int
    for_first: int = 0
    for_second: int = 0
    undecided: int = 0

    @property
    def judged(self) -> int:
        """All votes."""
        return self.for_first + self.for_second + self.undecided

    @property
    def chance(self) -> float:
        """How often so uneven a split, or one more uneven, comes about where nobody prefers either, 0 to 1:
        the exact two-sided sign test, in which those who hear no difference do not count."""
        votes, fewer = self.for_first + self.for_second, min(self.for_first, self.for_second)
        if 2 * fewer == votes:
            return 1.0
        return 2 * sum(math.comb(votes, count) for count in range(fewer + 1)) / 2**votes

    @property
    def words(self) -> str:
        """The same as sentences."""
        if not self.judged:
            return "Nothing has been judged yet."
        votes = [(self.for_first, epoch_name(self.first)), (self.for_second, epoch_name(self.second))]
        if not self.for_first + self.for_second:
            return f"No difference was heard, {_times(self.undecided)}."
        (most, winner), (fewest, other) = sorted(votes, key=lambda vote: -vote[0])
        same = f", and {_times(self.undecided)} there was no difference" if self.undecided else ""
        told = f"{winner} was preferred {_times(most)}, {other} {_times(fewest)}{same}"
        few = " Chance cannot be ruled out by so few." if most + fewest < _TELLING else ""
        return (
            f"{told[0].upper()}{told[1:]}: such a split comes by chance in {_cases(self.chance)}.{few}"
        )


def epoch_name(epoch: int) -> str:
    """As it is called within a sentence."""
    return f"epoch {epoch}" if epoch else "the base"


def _times(count: int) -> str:
    return ("never", "once", "twice")[count] if count < 3 else f"{count} times"


def _cases(chance: float) -> str:
    share = round(100 * chance)
    return f"{share} of 100 cases" if share else "less than 1 of 100 cases"
