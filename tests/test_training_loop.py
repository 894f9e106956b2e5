"""Promises of the training loop: exact after any interruption, and a word on all that goes wrong."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.control import Control
from studio.errors import BadInput, Cancelled, Damaged, OutOfMemory, StorageFailed
from studio.runs.run_folder import RunFolder
from studio.runs.values import Precision, RunSettings, Schedule, StepRow
from tests.canary import Canary
from tests.small_disk import tiny_disk
from tests.tiny_family import SETTINGS, Listener, TinyFamily, clips_of, in_one_thread
from tests.training_process import JOIN_S, attempt, head, process
from training.clips import Clips, write_clips
from training.family import Judgement
from training.loop import Ended, Work, train
from training.steps import Diverged
from training.together import Together, place


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    yield from in_one_thread()


class Run:
    """A run of the tiny family, in this process."""

    def __init__(self, root: Path, clips: Clips, settings: RunSettings = SETTINGS) -> None:
        self.folder, self.clips, self.settings = RunFolder(root), clips, settings
        self.family = TinyFamily(root, settings, "cpu", torch.float32)
        self.control = Control()
        self.listener: Any = Listener()

    def train(self, report: Callable[[int, int, str], None] | None = None, **more: Any) -> Ended:
        work = Work(self.folder, self.settings, self.clips, head(self.settings, self.clips), **more)
        together = Together(place("cpu", self.settings.precision), self.control)
        return train(work, self.family, together, self.listener, report or (lambda *said: None))

    def weights(self, epoch: int) -> dict[str, bytes]:
        stored = load_file(self.folder.checkpoint(epoch) / "model.safetensors")
        return {name: each.numpy().tobytes() for name, each in stored.items()}

    def rows(self, kind: str) -> list[StepRow]:
        return [row for _, row in self.folder.rows() if row.kind == kind]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    root = tmp_path_factory.mktemp("clips")
    return clips_of(root)


def described(rows: Sequence[StepRow]) -> list[tuple[Any, ...]]:
    """What of the rows must not depend on the clock."""
    return [(row.kind, row.step, row.epoch, row.loss, row.eval_loss, row.gradient_norm) for row in rows]


def test_a_run_learns_and_leaves_what_its_folder_promises(tmp_path: Path, clips: Clips) -> None:
    run = Run(tmp_path / "run", clips, replace(SETTINGS, epochs=6, accumulation=2, keep_last=2))
    said: list[tuple[int, int, str]] = []
    ended = run.train(lambda *values: said.append(values))
    steps, epochs = run.rows("step"), run.rows("epoch")
    assert (ended.epochs, ended.steps, ended.why) == (6, 12, "")
    assert [row.epoch for row in epochs] == [0, 1, 2, 3, 4, 5, 6]
    assert run.listener.heard == [
        (row.epoch, [each.epoch for each in epochs[:n]]) for n, row in enumerate(epochs)
    ]
    assert all(row.eval_loss is not None and row.warnings == ("It speaks.",) for row in epochs)
    assert epochs[-1].eval_loss < epochs[0].eval_loss - 0.3
    assert [row.step for row in steps] == list(range(1, 13))
    assert all(
        row.loss and row.learning_rate and row.gradient_norm and row.clips_per_s and row.memory_mb
        for row in steps
    )
    assert said[-1][:2] == (12, 12)
    assert said[-1][2].startswith("training, epoch 6 of 6, loss")
    best = min(epochs[1:], key=lambda row: row.eval_loss).epoch
    assert run.folder.epochs() == sorted({5, 6, int(best)})
    found = run.folder.read_checkpoint(6)
    assert (found.steps, found.speaker, found.language, found.run) == (12, "Ada", "en", "run")
    assert (found.loss, found.eval_loss) == (epochs[-1].loss, epochs[-1].eval_loss)
    assert [epoch for epoch in run.folder.epochs() if run.folder.read_checkpoint(epoch).best] == [best]
    assert sorted(path.name for path in run.folder.state.iterdir()) == ["place.json"]
    assert run.train() == ended  # it has ended: nothing is done again
    assert scalars(run.folder.tensorboard)["loss/step"] == [pytest.approx(row.loss) for row in steps]


def scalars(folder: Path) -> Mapping[str, list[float]]:
    """TensorBoard's own reading of its files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [each.value for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.timeout(4 * JOIN_S)
def test_a_run_killed_three_times_ends_with_the_same_bits(tmp_path: Path, clips: Clips) -> None:
    settings = replace(SETTINGS, accumulation=2, keep_last=9)
    whole, killed = Run(tmp_path / "whole", clips, settings), Run(tmp_path / "killed", clips, settings)
    whole.train()
    write_clips(killed.folder.state / "examples.json", clips)
    # In the middle of a step, of a checkpoint, and of an epoch's samples.
    for kill in ("step 3", "checkpoint 1", "sample 2"):
        made = process(attempt, killed.folder.root, settings, kill)
        made.join(JOIN_S)
        assert made.exitcode == -signal.SIGKILL
    last = process(attempt, killed.folder.root, settings)
    last.join(JOIN_S)
    assert last.exitcode == 0
    for epoch in (1, 2, 3):
        assert killed.weights(epoch) == whole.weights(epoch)
    assert described(killed.rows("step")) == described(whole.rows("step"))
    assert described(killed.rows("epoch")) == described(whole.rows("epoch"))
    assert {path.name for path in killed.folder.state.iterdir()} == {"place.json", "examples.json"}


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, clips: Clips) -> None:
    whole, stopped = Run(tmp_path / "whole", clips), Run(tmp_path / "stopped", clips)
    whole.train()

    def stop(step: int, steps: int, stage: str) -> None:
        if step == 5:
            stopped.control.cancel()

    with pytest.raises(Cancelled):
        stopped.train(stop)
    assert [row.step for row in stopped.rows("step")] == [1, 2, 3, 4, 5]
    # A later attempt had got further when the power went: what its state does not know is cut.
    with stopped.folder.metrics.open("a") as file:
        file.write('{"kind": "step", "step": 6')
    stopped.control = Control()
    stopped.train()
    assert stopped.weights(3) == whole.weights(3)
    assert described(stopped.rows("step")) == described(whole.rows("step"))


def test_a_step_without_a_loss_is_left_out_and_named(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", clips_of(tmp_path, poisoned=(2,)))
    ended = run.train()
    left = [row for row in run.rows("step") if row.warnings]
    assert (ended.skipped, len(left)) == (3, 3)  # one an epoch
    assert all("clip 2.wav" in row.warnings[0] and row.loss is None for row in left)
    assert ended.loss < run.rows("epoch")[1].loss
    assert all(torch.isfinite(each).all() for each in run.family.trainable_state().values())


def test_three_steps_in_a_row_without_a_loss_end_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", clips_of(tmp_path, poisoned=range(6)))
    with pytest.raises(Diverged, match=r"3 times in a row.*clip [0-9].wav") as caught:
        run.train()
    assert "Lower the learning rate, to 0.0025 say" in caught.value.hint
    assert len(run.rows("step")) == 3


def test_a_run_ends_when_the_eval_loss_gets_no_better(tmp_path: Path, clips: Clips) -> None:
    run = Run(
        tmp_path / "run",
        clips,
        replace(
            SETTINGS,
            epochs=60,
            batch_size=6,
            learning_rate=0.1,
            schedule=Schedule.CONSTANT,
            early_stop=2,
        ),
    )
    ended = run.train()
    losses = [row.eval_loss for row in run.rows("epoch")[1:]]
    assert ended.epochs == len(losses) < 60
    assert losses.index(min(losses)) == len(losses) - 3
    assert "ended early" in ended.why
    assert len(losses) - 2 in run.folder.epochs()


def test_a_listener_can_end_the_run_and_choose_its_best(tmp_path: Path, clips: Clips) -> None:
    run = Run(tmp_path / "run", clips, replace(SETTINGS, save_every=9, keep_last=1, keep_best=0))

    def listen(family: Any, row: StepRow, history: Sequence[StepRow], control: Control) -> Judgement:
        control.progress("sentence 1")
        return Judgement(best=1, stop="It speaks too fast." if row.epoch == 2 else "")

    run.listener = listen
    said: list[str] = []
    ended = run.train(lambda step, steps, stage: said.append(stage))
    assert (ended.epochs, ended.why) == (2, "It speaks too fast.")
    assert {epoch: run.folder.read_checkpoint(epoch).best for epoch in run.folder.epochs()} == {
        1: True,
        2: False,
    }
    assert "training, epoch 2: sentence 1" in said


def test_a_full_disk_leaves_the_last_checkpoint_and_the_run_goes_on(
    tmp_path: Path, clips: Clips
) -> None:
    whole = Run(tmp_path / "whole", clips, replace(SETTINGS, keep_last=9))
    whole.train()
    with tiny_disk("220k") as disk:
        run = Run(disk / "run", clips, whole.settings)
        ballast = disk / "ballast"

        def fill(step: int, steps: int, stage: str) -> None:
            if step == 4:
                ballast.write_bytes(bytes(shutil.disk_usage(disk).free))

        with pytest.raises(StorageFailed, match="disk is full"):
            run.train(fill)
        assert run.folder.epochs() == [1]
        assert run.weights(1) == whole.weights(1)
        ballast.unlink()
        run.train()
        assert run.weights(3) == whole.weights(3)
        assert described(run.rows("step")) == described(whole.rows("step"))


class Greedy(TinyFamily):
    """Wants more memory than there is at its seventh batch."""

    batches = 0

    def collate(self, *arguments: Any) -> dict[str, Any]:
        batch = super().collate(*arguments)
        self.batches += 1
        if self.batches == 7:
            torch.empty(1 << 60)
        return batch


def test_too_little_memory_ends_a_run_with_advice(tmp_path: Path, clips: Clips) -> None:
    run = Run(tmp_path / "run", clips)
    run.family = Greedy(tmp_path, run.settings, "cpu", torch.float32)
    with pytest.raises(OutOfMemory) as caught:
        run.train()
    assert "batch_size to 1 and accumulation to 2" in caught.value.hint
    assert "gradient_checkpointing" in caught.value.hint
    assert run.folder.epochs() == [1]
    # What it had learnt until then is whole, and it goes on from there.
    whole = Run(tmp_path / "whole", clips)
    whole.train()
    assert run.weights(1) == whole.weights(1)
    run.family = TinyFamily(tmp_path, run.settings, "cpu", torch.float32)
    run.train()
    assert run.weights(3) == whole.weights(3)


def test_a_program_in_the_state_of_a_run_never_runs(tmp_path: Path, clips: Clips) -> None:
    run = Run(tmp_path / "run", clips)
    with pytest.raises(Cancelled):
        run.train(lambda step, steps, stage: run.control.cancel() if step == 2 else None)
    [state] = run.folder.state.glob("step_*.pt")
    torch.save({"weights": Canary(tmp_path / "ran")}, state)
    run.control = Control()
    with pytest.raises(Damaged, match=state.name):
        run.train()
    assert not (tmp_path / "ran").exists()


def test_bfloat16_learns_and_keeps_its_weights_in_float32(tmp_path: Path, clips: Clips) -> None:
    run = Run(tmp_path / "run", clips, replace(SETTINGS, precision=Precision.BFLOAT16))
    run.train()
    epochs = run.rows("epoch")
    assert epochs[-1].eval_loss < epochs[0].eval_loss
    assert {each.dtype for each in run.family.trainable_state().values()} == {torch.float32}


def test_float16_needs_a_card() -> None:
    with pytest.raises(BadInput, match="float16 is for CUDA cards"):
        place("cpu", Precision.FLOAT16)


def test_a_run_can_go_on_from_a_checkpoint(tmp_path: Path, clips: Clips) -> None:
    first, second = Run(tmp_path / "first", clips), Run(tmp_path / "second", clips)
    first.train()
    second.train(start=first.folder.checkpoint(3))
    assert second.rows("epoch")[0].eval_loss == first.rows("epoch")[3].eval_loss
