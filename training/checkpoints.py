"""The checkpoints of a run: written beside and renamed, marked, and dropped when there are too many."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from engines.saving import weights_being_saved
from studio.errors import Damaged
from studio.files import (
    flush_folder,
    flush_tree,
    make_folder,
    own_bytes,
    storage_errors,
    write_json,
)
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import Checkpoint, RunSettings, StepRow
from training.family import TrainingFamily
from training.state import StateFolder


class Checkpoints:
    """Those of one run. Only the first process writes."""

    def __init__(self, folder: RunFolder, state: StateFolder, head: Checkpoint) -> None:
        """`head` has what all of them share: run, family, method, base, speaker, language."""
        self._folder, self._state, self._head = folder, state, head

    def write(self, family: TrainingFamily, row: StepRow) -> None:
        """Keep the weights as those of the epoch that `row` tells of, in place of earlier ones. A process
        killed meanwhile leaves none of the epoch or a whole one. Raises StorageFailed; then the earlier
        ones are untouched."""
        epoch = int(row.epoch)
        target, partial = self._folder.checkpoint(epoch), self._state.scratch(f"epoch_{epoch}")
        make_folder(partial)
        try:
            with weights_being_saved(target):
                family.write_checkpoint(partial)
                write_json(partial / META, asdict(self._described(row, partial)))
                flush_tree(partial)
                self._drop(target)
                partial.rename(target)
                flush_folder(target.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def mark(self, best: int | None) -> None:
        """Say in every checkpoint whether it is the best."""
        for epoch in self._folder.epochs():
            try:
                checkpoint = self._folder.read_checkpoint(epoch)
            except Damaged:  # it says so itself where it is looked at
                continue
            if checkpoint.best != (epoch == best):
                marked = replace(checkpoint, best=epoch == best)
                write_json(self._folder.checkpoint(epoch) / META, asdict(marked))

    def prune(self, settings: RunSettings, rows: Sequence[StepRow], best: int | None) -> None:
        """Drop those that are neither of the last ones, nor among the best by the eval loss, nor `best`."""
        there = self._folder.epochs()
        judged = [row for row in rows if int(row.epoch) in there and _score(row) is not None]
        judged.sort(key=lambda row: (_score(row), row.epoch))
        kept = {int(row.epoch) for row in judged[: settings.keep_best]}
        kept.update(there[-settings.keep_last :])
        for epoch in there:
            if epoch not in kept and epoch != best:
                self._drop(self._folder.checkpoint(epoch))

    def _drop(self, target: Path) -> None:
        """It goes at once; a kill while its files are removed is swept up."""
        if not target.exists():
            return
        leaving = self._state.scratch(target.name)
        with storage_errors(target):
            target.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)

    def _described(self, row: StepRow, folder: Path) -> Checkpoint:
        return replace(
            self._head,
            epoch=int(row.epoch),
            steps=row.step,
            loss=row.loss,
            eval_loss=row.eval_loss,
            created=time.time(),
            size=own_bytes(folder),
        )


def best_by_loss(rows: Sequence[StepRow]) -> int | None:
    """The epoch with the lowest eval loss; None where none was measured."""
    judged = [row for row in rows if row.eval_loss is not None]
    return int(min(judged, key=lambda row: (row.eval_loss, row.epoch)).epoch) if judged else None


def epochs_since_best(rows: Sequence[StepRow]) -> int:
    """How many epochs the eval loss has not been lower than before."""
    best = best_by_loss(rows)
    return 0 if best is None else max(int(row.epoch) for row in rows) - best


def _score(row: StepRow) -> float | None:
    return row.loss if row.eval_loss is None else row.eval_loss
