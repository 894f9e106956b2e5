"""Promises of the training loop: exact after any interruption, and a word on all that goes wrong."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from accelerate.state import AcceleratorState
from filelock import FileLock
from safetensors.torch import load_file

from studio.control import Control
from studio.dataset.metadata import metadata_files
from studio.errors import (
    BadInput,
    Busy,
    Cancelled,
    Damaged,
    ModelMissing,
    NotFound,
    OutOfMemory,
    StorageFailed,
)
from studio.library import Library
from studio.runs.config import KIND, VERSION, new_config
from studio.runs.presets import Preset, propose
from studio.runs.run_folder import RunFolder, settings_row
from studio.runs.values import Family, Method, Precision, RunSettings, Schedule, StepRow
from studio.settings import Settings
from tests.canary import Canary
from tests.small_disk import tiny_disk
from tests.tiny_family import Listener, TinyFamily, clips_in
from tests.training_process import JOIN_S, PARTS, attempt, head, launch, process, trained, weights_of
from training.batches import padding, plan
from training.clips import Clips, encoded, read_clips, write_clips
from training.family import Judgement
from training.loop import Ended, Work, train
from training.running import perform
from training.schedule import learning_rate
from training.steps import Diverged
from training.together import Together, place

SETTINGS = RunSettings(
    Family.XTTS, "base", "set", Method.FULL, epochs=3, batch_size=2, learning_rate=1e-2
)

#: The same on the practice model, which a run needs to be there.
ON_XTTS = replace(SETTINGS, base="xtts-practice", dataset="set")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    AcceleratorState._reset_state(True)


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


def clips_of(root: Path, settings: RunSettings = SETTINGS, **more: Any) -> Clips:
    rows = clips_in(root / "set", **more)
    family = TinyFamily(root, settings, "cpu", torch.float32)
    return encoded(family, rows, root / "set", settings, root / "cache", Control())


def described(rows: Sequence[StepRow]) -> list[tuple[Any, ...]]:
    """What of the rows must not depend on the clock."""
    return [(row.kind, row.step, row.epoch, row.loss, row.eval_loss, row.gradient_norm) for row in rows]


# Batches and rates


def seconds_of_clips(count: int) -> list[int]:
    """Lengths of segments as a build cuts them, 1.5 to 11 s, in steps of 46 ms and letters."""
    generator = random.Random(count)
    lengths = [min(11.0, max(1.5, generator.lognormvariate(1.5, 0.5))) for _ in range(count)]
    return [round(length * (21.5 + generator.uniform(12, 17))) for length in lengths]


@pytest.mark.parametrize("count", [120, 1000])
@pytest.mark.parametrize("size", [2, 4, 8])
def test_less_than_a_twentieth_of_a_batch_is_padding(count: int, size: int) -> None:
    lengths = seconds_of_clips(count)
    assert max(padding(lengths, plan(lengths, size, 1, 0, epoch)) for epoch in (1, 2)) < 0.05


def test_every_clip_is_in_one_batch_of_an_epoch() -> None:
    lengths = seconds_of_clips(37)
    batches = [batch for round in plan(lengths, 4, 3, 0, 2).rounds for batch in round]
    assert sorted(number for batch in batches for number in batch) == list(range(37))
    assert {len(batch) for batch in batches} <= {2, 3, 4}
    assert len(batches) % 3 == 0


def test_epochs_have_the_same_number_of_rounds() -> None:
    assert len({len(plan(seconds_of_clips(131), 8, 2, 0, epoch).rounds) for epoch in range(6)}) == 1


def test_batches_follow_from_seed_and_epoch() -> None:
    lengths = seconds_of_clips(40)
    assert plan(lengths, 4, 1, 7, 2) == plan(lengths, 4, 1, 7, 2)
    assert len({plan(lengths, 4, 1, seed, epoch) for seed in (1, 2) for epoch in (1, 2)}) == 4


def test_the_longest_batch_of_a_run_is_its_first() -> None:
    lengths = seconds_of_clips(40)
    assert lengths.index(max(lengths)) in plan(lengths, 4, 1, 0, 1).rounds[0][0]


def test_fewer_clips_than_processes_still_make_a_round() -> None:
    assert plan([5, 6], 1, 4, 0, 1).rounds[0] == ((0,), (1,), (0,), (1,))
    assert plan([], 4, 2, 0, 1).rounds == ()


def test_the_rate_warms_up_and_falls_to_a_tenth() -> None:
    settings = replace(SETTINGS, learning_rate=0.1, warmup_share=0.1)
    for schedule in (Schedule.COSINE, Schedule.LINEAR):
        rate = learning_rate(replace(settings, schedule=schedule), 100)
        rates = [rate.at(step) for step in range(100)]
        assert rates[:10] == sorted(rates[:10])
        assert rates[0] < 0.01
        assert rates[10] == 0.1
        assert rates[10:] == sorted(rates[10:], reverse=True)
        assert rates[-1] == pytest.approx(0.01)
    assert learning_rate(replace(settings, schedule=Schedule.CONSTANT), 100).at(99) == 0.1


# Proposals


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("method", list(Method))
def test_a_preset_gives_a_reason_for_what_it_chooses(family: Family, method: Method) -> None:
    for clips in (3, 150, 5_000):
        runs = [propose(family, method, preset, "b", "d", clips, clips * 5.0) for preset in Preset]
        assert [run.settings.epochs for run in runs] == sorted(run.settings.epochs for run in runs)
        for run in runs:
            plain = RunSettings(family, "b", "d", method)
            changed = {
                name
                for name, value in settings_row(run.settings).items()
                if value != settings_row(plain)[name]
            }
            assert changed <= set(run.reasons)
            assert all(reason.endswith(".") for reason in run.reasons.values())
            assert run.settings.batch_size <= clips


def test_xtts_and_qwen_are_trained_at_their_own_rates() -> None:
    def rate(family: Family, method: Method) -> float:
        return propose(family, method, Preset.BALANCED, "b", "d", 100, 500.0).settings.learning_rate

    assert (rate(Family.XTTS, Method.FULL), rate(Family.QWEN, Method.FULL)) == (5e-6, 2e-6)
    assert rate(Family.QWEN, Method.LORA) > rate(Family.QWEN, Method.FULL)


# Clips


def test_a_clip_that_cannot_be_trained_on_is_named(tmp_path: Path) -> None:
    rows = clips_in(tmp_path / "set")
    soundfile.write(tmp_path / "set" / rows[1].audio, np.zeros(100), 16_000)
    family = TinyFamily(tmp_path, SETTINGS, "cpu", torch.float32)
    clips = encoded(family, rows, tmp_path / "set", SETTINGS, tmp_path / "cache", Control())
    assert [each.audio for each in clips.left_out] == [rows[1].audio]
    assert (len(clips.train), len(clips.eval), clips.name(1)) == (5, 2, "clip 2.wav")
    path = tmp_path / "examples.json"
    write_clips(path, clips)
    assert read_clips(path) == clips
    with pytest.raises(BadInput, match=r"None of the 1 clips.*shorter than"):
        encoded(family, rows[1:2], tmp_path / "set", SETTINGS, tmp_path / "cache", Control())


def test_some_clips_are_set_aside_where_no_recording_is(tmp_path: Path) -> None:
    clips = clips_of(tmp_path, replace(SETTINGS, max_train_samples=20), count=24, eval=0)
    assert (len(clips.train), len(clips.eval)) == (18, 2)
    assert not {each.id for each in clips.train} & {each.id for each in clips.eval}
    assert ["20 of 24" in note or "2 of its clips" in note for note in clips.notes] == [True, True]


# Runs


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


# Runs of a library


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With the data set "set" and an empty library of runs."""
    root = tmp_path / "datasets" / "set"
    for name, content in metadata_files(clips_in(root)).items():
        (root / name).write_bytes(content)
    return tmp_path


def new_run(home: Path, settings: RunSettings, name: str = "Ada") -> str:
    config = new_config(settings, "Set", "Base")
    return Library(home / "checkpoints", KIND, VERSION).create(name, "", lambda folder: config)


def performed(home: Path, id: str, models: Path, stop_at: int | None = None) -> dict[str, Any]:
    """Train in this process, with the tiny family in place of XTTS."""
    control = Control()

    def report(step: int, steps: int, stage: str) -> None:
        if step == stop_at:
            control.cancel()

    return perform(id, Settings(home=home, models_dir=models, device="cpu"), control, report, PARTS)


def test_a_run_goes_on_without_its_data_set(home: Path, xtts_models: Path) -> None:
    id = new_run(home, ON_XTTS)
    folder = RunFolder(home / "checkpoints" / id)
    with FileLock(folder.root / ".train.lock"), pytest.raises(Busy, match="being trained already"):
        performed(home, id, xtts_models)
    with pytest.raises(Cancelled):
        performed(home, id, xtts_models, stop_at=2)
    shutil.rmtree(home / "datasets" / "set")
    result = performed(home, id, xtts_models)
    assert (result["epochs"], result["steps"], result["clips"], result["left_out"]) == (3, 9, 6, 0)
    assert result["checkpoints"] == folder.epochs() == [1, 2, 3]
    assert json.loads(folder.left_out.read_text()) == []
    assert folder.read_checkpoint(3).base == ON_XTTS.base
    # What was encoded is lost as well:
    shutil.rmtree(home / ".cache")
    with pytest.raises(NotFound, match="data set of this run has been deleted"):
        performed(home, id, xtts_models)


def test_a_base_that_cannot_be_trained_is_refused(home: Path, xtts_models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="not on this machine"):
        performed(home, new_run(home, ON_XTTS), tmp_path / "nowhere")
    other = replace(ON_XTTS, family=Family.QWEN)
    with pytest.raises(BadInput, match="cannot be trained as qwen"):
        performed(home, new_run(home, other, "Bob"), xtts_models)


def test_a_checkpoint_of_another_family_or_method_is_no_base(home: Path, xtts_models: Path) -> None:
    id = new_run(home, replace(ON_XTTS, epochs=1))
    performed(home, id, xtts_models)
    going_on = replace(ON_XTTS, base=f"{id}:1", epochs=1)
    found = new_run(home, going_on, "Ada, more")
    assert performed(home, found, xtts_models)["epochs"] == 1
    assert RunFolder(home / "checkpoints" / found).read_checkpoint(1).base == ON_XTTS.base
    for other in (replace(going_on, method=Method.LORA), replace(going_on, family=Family.QWEN)):
        run = new_run(home, other, f"Ada as {other.family} with {other.method}")
        with pytest.raises(BadInput, match="trained as xtts with full"):
            performed(home, run, xtts_models)


@pytest.mark.timeout(3 * JOIN_S)
def test_two_processes_end_with_equal_weights(home: Path, xtts_models: Path) -> None:
    id = new_run(home, replace(ON_XTTS, accumulation=2))
    # On processors accelerate starts several processes only where it is told of cards.
    together = ("--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
    code = launch(home, id, *together, TIMBRE_MODELS_DIR=str(xtts_models), TIMBRE_DEVICE="cpu")
    assert code == 0
    first, second = (weights_of(home, rank).read_bytes() for rank in (0, 1))
    assert first == second
    folder = RunFolder(home / "checkpoints" / id)
    assert folder.epochs() == [1, 2, 3]
    assert (folder.checkpoint(3) / "model.safetensors").read_bytes() == first
    steps = [row for _, row in folder.rows() if row.kind == "step"]
    # 6 clips in batches of 2 for each of two processes, two rounds a step; written down once.
    assert [row.step for row in steps] == [1, 2, 3]
    epochs = [row for _, row in folder.rows() if row.kind == "epoch"]
    assert [row.epoch for row in epochs] == [0, 1, 2, 3]
    assert epochs[3].eval_loss < epochs[0].eval_loss


@pytest.mark.timeout(2 * JOIN_S)
def test_accelerate_s_option_for_the_processor_counts_more_than_the_settings(
    home: Path, xtts_models: Path
) -> None:
    id = new_run(home, replace(ON_XTTS, epochs=1))
    environment = {
        "ACCELERATE_USE_CPU": "True",  # as `accelerate launch --cpu` sets it
        "TIMBRE_MODELS_DIR": str(xtts_models),
        "TIMBRE_DEVICE": "cuda",
    }
    made = process(trained, ["--run", id, "--home", str(home)], environment)
    made.join(JOIN_S)
    assert made.exitcode == 0
    assert RunFolder(home / "checkpoints" / id).epochs() == [1]
