"""The loop: epochs of steps for any family, on one process or several.

All that is random in a step follows from the seed, the epoch and the round, and the state is saved
between steps, so a run that was killed, however often, ends with the weights of one that was not: bit
for bit where the device calculates the same twice, as the CPU does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engines.memory import memory_limit
from studio.control import Progress
from studio.errors import Cancelled, Damaged
from studio.runs.advice import memory_advice
from studio.runs.run_folder import RunFolder
from studio.runs.values import Checkpoint, RunSettings, StepRow
from training.batches import EpochPlan, plan
from training.checkpoints import Checkpoints
from training.clips import Clips
from training.closing import Closed, Closing
from training.family import EpochEnd, TrainingFamily
from training.metrics import EPOCH, STEP, Metrics, memory_mb
from training.schedule import learning_rate
from training.state import Place, StateFolder
from training.steps import Stepped, Steps, diverged
from training.together import Together, seed_everything

log = logging.getLogger(__name__)

#: Called with steps done, steps in all, and what is being done.
Report = Callable[[int, int, str], None]

#: The state is saved so often, seconds, but never so that saving takes more than a share of the time.
_SAVE_EVERY_S = 60.0
_SAVING_SHARE = 0.05


@dataclass(frozen=True)
class Work:
    """What there is to do."""

    folder: RunFolder
    settings: RunSettings
    clips: Clips
    head: Checkpoint  # what all checkpoints of the run share
    start: Path | None = None  # a checkpoint of the same family and method to go on from
    save_every_s: float = _SAVE_EVERY_S


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    epochs: int  # trained
    steps: int
    skipped: int  # steps that the guard left out
    loss: float | None  # of the last epoch
    eval_loss: float | None
    why: str  # it ended before its last epoch, as a sentence


def train(
    work: Work,
    family: TrainingFamily,
    together: Together,
    listen: EpochEnd | None = None,
    report: Report = lambda step, steps, stage: None,
) -> Ended:
    """Train from where the run's state says it is, to its end.

    Raises Cancelled (the state is saved), StorageFailed, OutOfMemory with what to change, Diverged, and
    Damaged where the state cannot be read; in each case the state and the checkpoints before are whole.
    """
    return _Training(work, family, together, listen, report).run()


class _Training:
    def __init__(
        self,
        work: Work,
        family: TrainingFamily,
        together: Together,
        listen: EpochEnd | None,
        report: Report,
    ) -> None:
        self._work, self._family, self._together, self._report = work, family, together, report
        self._settings = work.settings
        self._lengths = [example.length for example in work.clips.train]
        self._state = StateFolder(work.folder.state)
        checkpoints = Checkpoints(work.folder, self._state, work.head)
        self._closing = Closing(family, work.settings, work.clips, checkpoints, listen, together)
        steps = self._plan(1).steps(work.settings.accumulation) * work.settings.epochs
        self._rate = learning_rate(work.settings, steps)
        self._began = self._saved = time.monotonic()
        self._saving_s = 0.0

    def run(self) -> Ended:
        if self._together.first:
            self._state.sweep()
        place = self._together.told(self._state.read_place()) or Place()
        self._place, self._before_s = place, place.seconds
        self._metrics = (
            Metrics(self._work.folder, place.metrics, place.step) if self._together.first else None
        )
        try:
            if not place.ended:
                self._train()
            return self._result()
        finally:
            if self._metrics is not None:
                self._metrics.close()

    def _train(self) -> None:
        with memory_limit(*memory_advice(self._settings)):
            self._steps = self._built()
            self._began = self._saved = time.monotonic()
            try:
                while not self._place.ended:
                    self._train_epoch()
                    self._close_epoch()
            except Cancelled:
                self._save()
                raise

    def _built(self) -> Steps:
        """The module, as the state has it or as it begins."""
        seed_everything("build", self._settings.seed)
        module = self._family.build(self._work.clips.train)
        steps = Steps(self._family, module, self._settings, self._work.clips, self._together)
        if self._work.start is not None and not self._place.tensors:
            self._family.load_trainable(self._work.start)
        if self._place.tensors:
            tensors = self._state.read_tensors(self._place)
            try:
                steps.restore(tensors)
            except (KeyError, ValueError, RuntimeError) as error:
                raise Damaged(
                    f"The state of this run does not fit its model ({error}).",
                    f"Delete the folder {self._state.root} to train it anew.",
                ) from error
        self._together.wait()
        return steps

    def _train_epoch(self) -> None:
        """What is left of the epoch."""
        epoch, accumulation = self._place.epoch, self._settings.accumulation
        rounds = self._plan(epoch).rounds if epoch else ()
        while self._place.rounds < len(rounds):
            first = self._place.rounds
            chosen = rounds[first : first + accumulation]
            began, rate = time.monotonic(), self._rate.at(self._place.step)
            stepped = self._steps.step(chosen, (epoch, first), rate)
            self._go_on(stepped, len(chosen))
            self._tell(stepped, len(rounds), rate, time.monotonic() - began)
            if self._place.skipped_in_row >= self._steps.most_skipped:
                raise diverged(self._settings, stepped, self._place.skipped_in_row)
            self._save_if_due()

    def _go_on(self, stepped: Stepped, rounds: int) -> None:
        place, skipped = self._place, bool(stepped.skipped)
        sums = dict(place.losses)
        for name, value in stepped.losses.items():
            sums[name] = sums.get(name, 0.0) + value
        self._place = replace(
            place,
            rounds=place.rounds + rounds,
            step=place.step + 1,
            losses=sums,
            counted=place.counted + (not skipped),
            skipped=place.skipped + skipped,
            skipped_in_row=place.skipped_in_row + 1 if skipped else 0,
        )

    def _tell(self, stepped: Stepped, rounds: int, rate: float, seconds: float) -> None:
        if self._metrics is None:
            return
        place = self._place
        loss = stepped.losses.get("loss")
        speed = stepped.clips / seconds if stepped.clips else None
        self._metrics.write(
            StepRow(
                STEP,
                place.step,
                place.epoch - 1 + place.rounds / rounds,
                self._seconds,
                loss,
                _parts(stepped.losses),
                rate,
                stepped.norm,
                speed,
                memory_mb(self._together.device.type),
                stepped.padding if stepped.losses else None,
                warnings=(stepped.skipped,) if stepped.skipped else (),
            )
        )
        if stepped.skipped:
            log.warning("step %d: %s", place.step, stepped.skipped)
        words = f", loss {loss:.3f}" if loss is not None else ""
        words += f", {speed:.1f} clips/s" if speed else ""
        stage = f"training, epoch {place.epoch} of {self._settings.epochs}{words}"
        self._report(place.step, self._rate.steps, stage)

    def _close_epoch(self) -> None:
        """Measure, save, listen. Whatever interrupts it, it is done again from its beginning."""
        self._save()
        place = self._place
        eval_loss = self._closing.eval_loss(self._steps.module)
        closed: Closed | None = self._together.told(self._closed(eval_loss))
        if closed is None:
            raise Cancelled
        if self._metrics is not None:
            self._metrics.write(closed.row)
        self._place = replace(
            place,
            epoch=place.epoch + 1,
            rounds=0,
            losses={},
            counted=0,
            ended=place.epoch >= self._settings.epochs or bool(closed.stop),
            why=closed.stop,
        )
        self._keep_place()

    def _closed(self, eval_loss: float | None) -> Closed | None:
        """What the first process makes of the epoch's end; None where it was asked to stop, and in the
        others."""
        if self._metrics is None:
            return None
        place = self._place
        means = {name: value / place.counted for name, value in place.losses.items()}
        row = StepRow(
            EPOCH,
            place.step,
            float(place.epoch),
            self._seconds,
            means.get("loss"),
            _parts(means),
            memory_mb=memory_mb(self._together.device.type),
            eval_loss=eval_loss,
            warnings=self._work.clips.notes if place.epoch == 0 else (),
        )
        control = self._together.control.within(self._say)
        try:
            return self._closing.close(row, self._metrics.epochs(), control)
        except Cancelled:
            return None

    def _say(self, progress: Progress) -> None:
        stage = f"training, epoch {self._place.epoch}: {progress.stage}"
        self._report(self._place.step, self._rate.steps, stage)

    def _save_if_due(self) -> None:
        since = time.monotonic() - self._saved
        if since >= max(self._work.save_every_s, self._saving_s / _SAVING_SHARE):
            self._save()

    def _save(self) -> None:
        """Keep the weights and the place, both as after the last step."""
        if self._metrics is None:
            return
        began = time.monotonic()
        self._metrics.sync()
        place = replace(self._place, seconds=self._seconds, metrics=self._metrics.size)
        self._place = self._state.save(place, self._steps.state)
        self._saved = time.monotonic()
        self._saving_s = self._saved - began

    def _keep_place(self) -> None:
        """Go on to the place; the weights are those that are kept already."""
        if self._metrics is None:
            return
        self._metrics.sync()
        self._place = replace(self._place, seconds=self._seconds, metrics=self._metrics.size)
        if self._place.ended:
            self._state.finish(self._place)
        else:
            self._state.move(self._place)

    def _result(self) -> Ended:
        rows = [row for _, row in self._work.folder.rows() if row.kind == EPOCH]
        last = rows[-1] if rows else StepRow(EPOCH, 0, 0.0, 0.0)
        place = self._place
        return Ended(int(last.epoch), place.step, place.skipped, last.loss, last.eval_loss, place.why)

    @property
    def _seconds(self) -> float:
        return self._before_s + time.monotonic() - self._began

    def _plan(self, epoch: int) -> EpochPlan:
        return plan(
            self._lengths, self._settings.batch_size, self._together.count, self._settings.seed, epoch
        )


def _parts(losses: Mapping[str, float]) -> dict[str, float]:
    """What the loss is the sum of."""
    return {name: value for name, value in losses.items() if name != "loss"}
