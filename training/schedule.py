"""The learning rate of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from studio.runs.values import RunSettings, Schedule

#: What is left of the peak at the end.
_FLOOR = 0.1


@dataclass(frozen=True)
class LearningRate:
    """A linear warm-up to the peak, then the schedule. It depends on the step alone, so there is nothing
    to keep for a resume."""

    peak: float
    warmup: int  # steps
    steps: int  # of the whole run
    schedule: Schedule

    def at(self, step: int) -> float:
        """The rate of the step that follows on `step` steps."""
        if step < self.warmup:
            return self.peak * (step + 1) / (self.warmup + 1)
        if self.schedule is Schedule.CONSTANT:
            return self.peak
        done = min(1.0, (step - self.warmup) / max(1, self.steps - 1 - self.warmup))
        share = (1 + math.cos(math.pi * done)) / 2 if self.schedule is Schedule.COSINE else 1 - done
        return self.peak * (_FLOOR + (1 - _FLOOR) * share)


def learning_rate(settings: RunSettings, steps: int) -> LearningRate:
    """Of a run of `steps` steps."""
    warmup = math.ceil(settings.warmup_share * steps)
    return LearningRate(settings.learning_rate, warmup, steps, settings.schedule)
