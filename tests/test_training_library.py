"""Promises of the runs of a library: what they are trained on and from, and by how many processes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from studio.control import Control
from studio.dataset.metadata import metadata_files
from studio.errors import BadInput, Busy, Cancelled, ModelMissing, NotFound, OutOfMemory
from studio.library import Library
from studio.runs.config import KIND, VERSION, new_config
from studio.runs.run_folder import RunFolder
from studio.runs.values import Family, Method, RunSettings
from studio.settings import Settings
from tests.tiny_family import SETTINGS, TinyFamily, clips_in, in_one_thread
from tests.training_process import (
    JOIN_S,
    PARTS,
    launch,
    parts_of,
    process,
    trained,
    trained_by_two,
    weights_of,
)
from training.running import Parts, perform

#: The same on the practice model, which a run needs to be there.
ON_XTTS = replace(SETTINGS, base="xtts-practice", dataset="set")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    yield from in_one_thread()


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


def performed(
    home: Path, id: str, models: Path, stop_at: int | None = None, parts: Parts = PARTS
) -> dict[str, Any]:
    """Train in this process, with the tiny family in place of XTTS."""
    control = Control()

    def report(step: int, steps: int, stage: str) -> None:
        if step == stop_at:
            control.cancel()

    return perform(id, Settings(home=home, models_dir=models, device="cpu"), control, report, parts)


def test_a_run_goes_on_without_its_data_set(home: Path, xtts_models: Path) -> None:
    id = new_run(home, ON_XTTS)
    folder = RunFolder(home / "checkpoints" / id)
    with FileLock(folder.lock), pytest.raises(Busy, match="being trained already"):
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


def test_too_little_memory_to_encode_is_told_with_what_to_do(home: Path, xtts_models: Path) -> None:
    with pytest.raises(OutOfMemory, match="encode the clips") as caught:
        performed(home, new_run(home, ON_XTTS), xtts_models, parts=parts_of("Vast"))
    assert "device" in caught.value.hint


def test_a_base_that_cannot_be_trained_is_refused(home: Path, xtts_models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="not on this machine"):
        performed(home, new_run(home, ON_XTTS), tmp_path / "nowhere")
    other = replace(ON_XTTS, family=Family.QWEN)
    with pytest.raises(BadInput, match="cannot be trained as qwen"):
        performed(home, new_run(home, other, "Bob"), xtts_models)


def test_a_checkpoint_of_another_family_or_method_is_no_base(home: Path, xtts_models: Path) -> None:
    id = new_run(home, replace(ON_XTTS, epochs=1))
    performed(home, id, xtts_models)
    going_on = replace(ON_XTTS, base=f"{id}:1", epochs=2)
    found = new_run(home, going_on, "Ada, more")
    with pytest.raises(Cancelled):
        performed(home, found, xtts_models, stop_at=4)
    assert RunFolder(home / "checkpoints" / found).read_checkpoint(1).base == ON_XTTS.base
    assert TinyFamily.last.settings.base == ON_XTTS.base  # which its adapters would name
    for other in (replace(going_on, method=Method.LORA), replace(going_on, family=Family.QWEN)):
        run = new_run(home, other, f"Ada as {other.family} with {other.method}")
        with pytest.raises(BadInput, match="trained as xtts with full"):
            performed(home, run, xtts_models)
    shutil.rmtree(home / "checkpoints" / id)
    assert performed(home, found, xtts_models)["epochs"] == 2  # it has learnt that already
    with pytest.raises(NotFound):
        performed(home, new_run(home, going_on, "Ada, anew"), xtts_models)


@pytest.mark.timeout(3 * JOIN_S)
def test_two_processes_stop_together_and_end_with_equal_weights(home: Path, xtts_models: Path) -> None:
    id = new_run(home, replace(ON_XTTS, accumulation=2))
    folder = RunFolder(home / "checkpoints" / id)
    environment = {"TIMBRE_MODELS_DIR": str(xtts_models), "TIMBRE_DEVICE": "cpu"}
    arguments = ["--run", id, "--home", str(home)]
    assert trained_by_two(arguments, environment, "Stopping") == [Cancelled.exit_code] * 2
    assert folder.epochs() == [1]
    assert [path.name for path in folder.state.glob("step_*")] == ["step_1.pt"]
    # On processors accelerate starts several processes only where it is told of cards.
    together = ("--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
    code = launch(home, id, *together, **environment)
    assert code == 0
    first, second = (weights_of(home, rank).read_bytes() for rank in (0, 1))
    assert first == second
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
