"""Which clips are in a batch together: those of like length, so that little of it is padding.

A round is one batch for each process; its batches are of like length too, so that no process waits
for another. Everything follows from the lengths, the seed and the epoch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

#: Lengths are blurred by up to this much before they are sorted, so that epochs differ in who meets whom.
_BLUR = 0.02


@dataclass(frozen=True)
class EpochPlan:
    """The rounds of an epoch; a batch is the numbers of its clips."""

    rounds: tuple[tuple[tuple[int, ...], ...], ...]  # [round][process][clip]

    def steps(self, accumulation: int) -> int:
        """Optimizer steps; the last one may be of fewer rounds."""
        return ceil(len(self.rounds) / accumulation)


def plan(lengths: Sequence[int], batch_size: int, processes: int, seed: int, epoch: int) -> EpochPlan:
    """Each clip once; batches differ by one clip at most, so that none counts much less than another.

    Where there are fewer clips than processes some are taken twice. The first epoch begins with its
    longest round: if memory does not suffice, that shows at once.
    """
    generator = random.Random(f"batches:{seed}:{epoch}")
    blurred = [length * (1 + generator.uniform(-_BLUR, _BLUR)) for length in lengths]
    order = sorted(range(len(lengths)), key=lambda number: (blurred[number], number))
    if not order:
        return EpochPlan(())
    count = ceil(len(order) / (batch_size * processes)) * processes
    while len(order) < count:
        order += order[: count - len(order)]
    batches = _divided(order, count)
    rounds = [tuple(batches[first : first + processes]) for first in range(0, count, processes)]
    if epoch == 1:
        longest = rounds.pop()
        generator.shuffle(rounds)
        rounds.insert(0, longest)
    else:
        generator.shuffle(rounds)
    return EpochPlan(tuple(rounds))


def padding(lengths: Sequence[int], plan: EpochPlan) -> float:
    """The share of an epoch's steps that is padding, in [0, 1]."""
    batches = [[lengths[number] for number in batch] for round in plan.rounds for batch in round]
    padded = sum(len(batch) * max(batch) for batch in batches)
    return 1 - sum(map(sum, batches)) / padded if padded else 0.0


def _divided(order: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """`order` in `count` parts, as equal as can be."""
    ends = [len(order) * number // count for number in range(count + 1)]
    return [tuple(order[first:last]) for first, last in pairwise(ends)]
