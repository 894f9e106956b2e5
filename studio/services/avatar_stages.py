"""How far a video is: the stages' own reports as one of the whole."""

from __future__ import annotations

from collections.abc import Mapping

from studio.control import Control, Progress


class Stages:
    """For one thread. Each stage takes its share of what is left by the seconds that it and those after it
    are expected to take; the whole never goes back."""

    def __init__(self, control: Control, seconds: Mapping[str, float]) -> None:
        """`seconds` that each stage may take, in their order; guesses, which may be corrected later."""
        self._control = control
        self._left = dict(seconds)
        self._reached = 0.0  # of the whole, before the present stage
        self._share = 0.0  # of the whole, the present stage
        self._now = 0.0

    def begin(self, stage: str, known: Mapping[str, float] | None = None) -> Control:
        """The control for the next stage; the last one is done. `known` are better guesses. Raises
        Cancelled."""
        self._left |= known or {}
        self._reached += self._share
        expected = max(self._left.pop(stage), 1e-3)
        self._share = (1 - self._reached) * expected / (expected + sum(self._left.values()))
        self._now = self._reached

        def report(progress: Progress) -> None:
            if progress.fraction is not None:
                self._now = max(self._now, self._reached + self._share * min(progress.fraction, 1.0))
            said = f"{stage}: {progress.stage}" if progress.stage != stage else stage
            self._control.progress(said, self._now)

        self._control.progress(stage, self._now)
        return self._control.within(report)
