"""The end of an epoch: its eval loss, its checkpoint, what is heard of it, and whether the run goes on."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines.devices import torch_module
from studio.control import Control
from studio.errors import EngineFailed
from studio.runs.values import RunSettings, StepRow
from training.batches import plan
from training.checkpoints import Checkpoints, best_by_loss, epochs_since_best
from training.clips import Clips
from training.family import EpochEnd, Judgement, TrainingFamily
from training.together import Together, kept_modes, seed_everything

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Closed:
    """What the first process has made of an epoch's end."""

    row: StepRow
    stop: str = ""  # why the run should end here, as a sentence


class Closing:
    """Ends epochs. Everything but the eval loss is the first process's."""

    def __init__(
        self,
        family: TrainingFamily,
        settings: RunSettings,
        clips: Clips,
        checkpoints: Checkpoints,
        listen: EpochEnd | None,
        together: Together,
    ) -> None:
        self._family, self._settings, self._clips = family, settings, clips
        self._checkpoints, self._listen, self._together = checkpoints, listen, together

    def eval_loss(self, module: Any) -> float | None:
        """The mean loss over the clips that are set aside, in batches that are the same each time; None
        where there are none. NaN is what it may be. All processes call it. Raises Cancelled."""
        torch = torch_module()
        examples = self._clips.eval
        if not examples:
            return None
        lengths = [example.length for example in examples]
        rounds = plan(lengths, self._settings.batch_size, self._together.count, 0, 0).rounds
        total, count = 0.0, 0
        with kept_modes(module), torch.no_grad():
            module.eval()
            for index, round in enumerate(rounds):
                where = ("eval", self._settings.seed, index, self._together.number)
                seed_everything(*where)
                mine = [examples[number] for number in round[self._together.number]]
                batch = self._family.collate(mine, self._clips.voices, random.Random(f"voices:{where}"))
                losses = module(self._together.on_device(batch))
                share = len(mine) * self._together.count / sum(map(len, round))
                mean = self._together.means({"loss": losses["loss"] * share})["loss"]
                total += mean * sum(map(len, round))
                count += sum(map(len, round))
        return total / count

    def close(self, row: StepRow, history: Sequence[StepRow], control: Control) -> Closed:
        """Save, listen and judge. `row` has the epoch's losses; `history` the rows of those before.

        Raises StorageFailed and Cancelled; then the epoch can be closed again.
        """
        epoch = int(row.epoch)
        if row.eval_loss is not None and not math.isfinite(row.eval_loss):
            words = "The eval loss is not a number."
            row = replace(row, eval_loss=None, warnings=(*row.warnings, words))
        saved = epoch > 0 and self._is_due(epoch)
        if saved:
            self._checkpoints.write(self._family, row)
        judgement = self._judged(row, history, control)
        row = replace(row, heard=judgement.heard, warnings=(*row.warnings, *judgement.warnings))
        rows = (*history, row)
        best = judgement.best if judgement.best is not None else best_by_loss(rows[1:])
        stop = judgement.stop or self._stale(rows[1:])
        if epoch > 0 and not saved and (best == epoch or stop):
            self._checkpoints.write(self._family, row)
        self._checkpoints.mark(best)
        self._checkpoints.prune(self._settings, rows, best)
        return Closed(row, stop)

    def _is_due(self, epoch: int) -> bool:
        return epoch % self._settings.save_every == 0 or epoch == self._settings.epochs

    def _judged(self, row: StepRow, history: Sequence[StepRow], control: Control) -> Judgement:
        """Training is not stopped by samples that cannot be made; that is said."""
        if self._listen is None:
            return Judgement()
        try:
            return self._listen(self._family, row, history, control)
        except EngineFailed as error:
            log.exception("the samples of epoch %d failed", int(row.epoch))
            return Judgement(warnings=(f"The samples of this epoch could not be made: {error}",))

    def _stale(self, rows: Sequence[StepRow]) -> str:
        """Why the run ends early by its eval loss."""
        limit = self._settings.early_stop
        if not limit or epochs_since_best(rows) < limit:
            return ""
        return (
            f"The eval loss has not been lower than in epoch {best_by_loss(rows)} for {limit} epochs, so the "
            "run ended early, as you chose."
        )
