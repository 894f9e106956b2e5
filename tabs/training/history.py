"""A run's metrics as the page has read them so far, and its plots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from studio.errors import Damaged
from studio.runs.values import StepRow
from studio.services.runs import RunService
from tabs.plots import Curve, Point, condensed, plot, smoothed

#: From so many steps on the mean is drawn before what each step gave.
_NOISY = 12


@dataclass(frozen=True)
class History:
    """What metrics.jsonl of the run `run` says up to byte `offset`."""

    run: str = ""
    offset: int = 0
    steps: tuple[StepRow, ...] = ()
    epochs: tuple[StepRow, ...] = ()

    @property
    def warnings(self) -> list[tuple[int, str]]:
        """Epochs and what was said of them, the last first."""
        return [(int(row.epoch), said) for row in reversed(self.epochs) for said in row.warnings]

    @property
    def skipped(self) -> int:
        """Steps that were left out, for their loss was no number."""
        return sum(bool(row.warnings) for row in self.steps)

    @property
    def best_eval(self) -> StepRow | None:
        """The trained epoch with the lowest eval loss."""
        rows = [row for row in self.epochs if row.epoch and row.eval_loss is not None]
        return min(rows, key=lambda row: row.eval_loss or 0.0, default=None)

    @property
    def step_seconds(self) -> float | None:
        """Seconds a step, of the last ones: what comes between two of an epoch."""
        last = self.steps[-20:]
        spans = [
            after.time - before.time
            for before, after in pairwise(last)
            if int(before.epoch) == int(after.epoch)
        ]
        return sorted(spans)[len(spans) // 2] if spans else None


def read_on(before: History, runs: RunService, run: str, owner: str) -> History:
    """With the rows that were written meanwhile. Raises NotFound, Damaged."""
    if before.run != run:
        before = History(run)
    try:
        rows, offset = runs.metrics(run, owner, before.offset)
    except Damaged:
        if not before.offset:
            raise
        # The run has gone on from an earlier state, and the offset lies within another line now.
        before, (rows, offset) = History(run), runs.metrics(run, owner, 0)
    if offset < before.offset:
        before = History(run)
    return replace(_added(before, rows), offset=offset)


def plots(history: History) -> str:
    """The losses and the learning rate over the epochs; nothing while there are no steps."""
    losses = _points(history.steps, "loss")
    drawn = plot(
        "Loss",
        "epoch",
        [
            Curve("each step", condensed(losses) if len(losses) >= _NOISY else [], 1, faint=True),
            Curve("train", loss_curve(history), 1),
            Curve("eval", eval_curve(history), 2, dots=True),
        ],
    )
    rate = plot(
        "Learning rate",
        "epoch",
        [Curve("learning rate", condensed(_points(history.steps, "learning_rate")), 3)],
    )
    return f'<div class="timbre-plots">{drawn}{rate}</div>' if drawn or rate else ""


def loss_curve(history: History) -> list[Point]:
    """The loss over the epochs; of many steps their mean."""
    losses = _points(history.steps, "loss")
    return condensed(smoothed(losses) if len(losses) >= _NOISY else losses)


def eval_curve(history: History) -> list[Point]:
    """The loss of what is not trained on, at the end of each epoch."""
    return _points(history.epochs, "eval_loss")


def _added(before: History, rows: Iterable[StepRow]) -> History:
    """A row of a step that is known already begins the run anew from there."""
    steps, epochs = list(before.steps), list(before.epochs)
    for row in rows:
        if row.kind == "step":
            while steps and steps[-1].step >= row.step:
                steps.pop()
            while epochs and epochs[-1].epoch and epochs[-1].step >= row.step:
                epochs.pop()
            steps.append(row)
        else:
            while epochs and epochs[-1].epoch >= row.epoch:
                epochs.pop()
            epochs.append(row)
    return replace(before, steps=tuple(steps), epochs=tuple(epochs))


def _points(rows: Iterable[StepRow], name: str) -> list[Point]:
    found = ((row.epoch, getattr(row, name)) for row in rows)
    return [(epoch, value) for epoch, value in found if value is not None]
