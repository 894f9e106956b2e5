"""Promises of whole runs of XTTS, with the real package on the practice model: what is in their way, and
that nothing in their way is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState

from studio.control import Control
from studio.dataset.metadata import Row, metadata_files
from studio.errors import Cancelled, StudioError
from studio.library import Library
from studio.runs.config import KIND, VERSION, new_config
from studio.runs.run_folder import RunFolder
from studio.runs.values import Family, LoraOptions, RunSettings
from studio.settings import Settings
from tests.canary import Canary
from tests.qwen_speech import recording
from tests.xtts_speech import PRACTICE
from training.running import Parts, perform

SETTINGS = RunSettings(
    Family.XTTS, PRACTICE, "set", epochs=2, batch_size=2, learning_rate=1e-3, sample_every=0,
    lora=LoraOptions(rank=4, alpha=8),
)  # fmt: skip
#: Clips and the seconds of each; the third one is too short.
CLIPS = {"one": 1.0, "two": 1.4, "three": 0.3, "four": 1.2, "five": 1.7}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    AcceleratorState._reset_state(True)


def home_in(folder: Path) -> Path:
    """A home with the data set "set"."""
    root = folder / "datasets" / "set"
    (root / "wavs").mkdir(parents=True)
    rows = []
    for number, (name, seconds) in enumerate(CLIPS.items()):
        recording(root / "wavs" / f"{name}.wav", seconds, number)
        rows.append(Row(f"wavs/{name}.wav", f"This is number {name}.", "Ann", "en", "train"))
    for name, content in metadata_files(rows).items():
        (root / name).write_bytes(content)
    return folder


class Run:
    """A run in a home of its own, trained in this process."""

    def __init__(self, home: Path, models: Path, settings: RunSettings = SETTINGS) -> None:
        self.settings = Settings(home=home, models_dir=models, device="cpu")
        config = new_config(settings, "Set", "Practice")
        self.id = Library(home / "checkpoints", KIND, VERSION).create("Ann", "", lambda folder: config)
        self.folder = RunFolder(home / "checkpoints" / self.id)

    def train(self, stop: Callable[[int], bool] = lambda step: False) -> dict[str, Any]:
        """To its end, or to the step after which `stop` says so."""
        control = Control()

        def report(step: int, steps: int, stage: str) -> None:
            if stage.startswith("training") and stop(step):
                control.cancel()

        return perform(self.id, self.settings, control, report, Parts(save_every_s=0.0))

    @property
    def weights(self) -> bytes:
        """Those of the last epoch."""
        return (self.folder.checkpoint(2) / "adapter_model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, xtts_models: Path) -> Run:
    """One that nothing has interrupted."""
    torch.set_num_threads(1)
    run = Run(home_in(tmp_path_factory.mktemp("whole")), xtts_models)
    run.train()
    AcceleratorState._reset_state(True)
    return run


def test_clips_that_do_not_fit_are_listed_in_the_folder_of_the_run(whole: Run) -> None:
    [left_out] = json.loads(whole.folder.left_out.read_text())
    assert left_out["audio"] == "wavs/three.wav"
    assert "0.30 s" in left_out["reason"]


def test_a_run_whose_data_set_is_deleted_stops_and_goes_on_to_the_same_bits(
    whole: Run, tmp_path: Path, xtts_models: Path
) -> None:
    run = Run(home_in(tmp_path), xtts_models)

    def stop(step: int) -> bool:
        if step == 1:
            shutil.rmtree(tmp_path / "datasets" / "set")
        return step == 2

    with pytest.raises(Cancelled):
        run.train(stop)
    result = run.train()  # what goes on does not need it either
    assert (result["clips"], result["left_out"], result["epochs"]) == (4, 1, 2)
    assert [row.step for _, row in run.folder.rows() if row.kind == "step"] == [*range(1, 9)]
    assert run.weights == whole.weights


def _cut(path: Path, ran: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _with_a_program(path: Path, ran: Path) -> None:
    content = torch.load(path, weights_only=True)
    torch.save({**content, "more": Canary(ran)}, path)


@pytest.mark.parametrize("change", [_cut, _with_a_program], ids=["cut", "program"])
@pytest.mark.parametrize("name", ["model.pth", "dvae.pth"])
def test_a_base_that_is_broken_or_has_a_program_in_it_is_refused(
    tmp_path: Path, xtts_models: Path, name: str, change: Callable[[Path, Path], None]
) -> None:
    models = tmp_path / "models"
    shutil.copytree(xtts_models, models)
    change(models / "XTTS" / "practice" / name, tmp_path / "ran")
    run = Run(home_in(tmp_path / "home"), models)
    with pytest.raises(StudioError, match=name) as caught:
        run.train()
    assert caught.value.hint
    assert not (tmp_path / "ran").exists()
    assert run.folder.epochs() == []
