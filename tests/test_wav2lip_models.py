"""Promises about the files of Wav2Lip: both published forms load strictly, others are refused, nothing in them runs."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from engines.base import EngineFolders, Placement
from engines.wav2lip import Wav2LipEngine
from engines.wav2lip.checkpoint import read_weights
from engines.wav2lip.loading import net_of
from engines.wav2lip.net import Wav2Lip
from studio.errors import BadInput, EngineFailed
from studio.jobs import JobStatus
from studio.models.folders import ModelFolders
from studio.models.registry import MODELS
from studio.models.validation import ModelState, report
from studio.services.studio import Studio
from tests.canary import Canary
from tests.downloading import opened, serving
from tests.model_folders import checkpoint
from tests.running import Ended

#: It still writes what the authors have published.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

GAN, PLAIN, PRACTICE = "wav2lip-gan", "wav2lip", "wav2lip-practice"
SCRIPTED = "Wav2Lip-SD-GAN.pt"
CPU = Placement("cpu", "float32")


@pytest.fixture(scope="module")
def weights(wav2lip_models: Path) -> dict[str, torch.Tensor]:
    """Random ones, as they are in a checkpoint of several cards."""
    file = wav2lip_models / "Wav2Lip" / "practice" / "practice.pth"
    content: dict[str, torch.Tensor] = torch.load(file, weights_only=True)["state_dict"]
    return content


@pytest.fixture(scope="module")
def scripted(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as TorchScript."""
    net = Wav2Lip().eval()
    net.load_state_dict({name.removeprefix("module."): each for name, each in weights.items()})
    inputs = torch.zeros(1, 1, 80, 16), torch.zeros(1, 6, 96, 96)
    path = tmp_path_factory.mktemp("scripted") / SCRIPTED
    torch.jit.trace(net, inputs, check_trace=False).save(path)
    return path


def placed(models: Path, key: str, name: str = "") -> Path:
    """Where the file of a model lies, under its own name or another."""
    entry = MODELS[key]
    path = models / entry.family / entry.folder / (name or entry.files[0].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def engine_of(models: Path) -> Wav2LipEngine:
    return Wav2LipEngine(EngineFolders(models / "cache", ModelFolders(models, models)))


class TestWhole:
    @pytest.mark.parametrize("form", ["as published", "before PyTorch 1.6", "bare, in float16"])
    def test_checkpoints_of_torch_save_give_their_weights(
        self, weights: dict[str, torch.Tensor], tmp_path: Path, form: str
    ) -> None:
        path = tmp_path / "wav2lip.pth"
        training = {"optimizer": {"state": {}, "param_groups": []}, "global_step": 7, "global_epoch": 1}
        if form == "as published":
            torch.save({"state_dict": weights, **training}, path)
        elif form == "before PyTorch 1.6":
            torch.save({"state_dict": weights, **training}, path, _use_new_zipfile_serialization=False)
        else:
            torch.save(
                {name.removeprefix("module."): halved(each) for name, each in weights.items()}, path
            )
        net = net_of(read_weights(path))
        near = 1e-3 if "float16" in form else 0
        for name, each in net.state_dict().items():
            assert each.dtype in (torch.float32, torch.int64)
            torch.testing.assert_close(each, weights[f"module.{name}"], rtol=near, atol=near)

    def test_torchscript_gives_the_same(self, weights: dict[str, torch.Tensor], scripted: Path) -> None:
        found = read_weights(scripted)
        assert len(found.tensors) == 352
        for name, each in net_of(found).state_dict().items():
            assert torch.equal(each, weights[f"module.{name}"])

    def test_the_authors_file_is_found_under_its_own_name(self, scripted: Path, tmp_path: Path) -> None:
        placed(tmp_path, GAN, SCRIPTED).symlink_to(scripted)
        assert report(ModelFolders(tmp_path, tmp_path), GAN).valid
        engine = engine_of(tmp_path)
        engine.load(CPU, GAN)
        assert engine.loaded_model == GAN

    def test_the_practice_model_is_marked(self, wav2lip_models: Path, scripted: Path) -> None:
        folder = wav2lip_models / "Wav2Lip" / "practice"
        assert read_weights(folder / "practice.pth").practice
        assert not read_weights(scripted).practice
        assert (folder / "practice.pth").stat().st_size < 25_000_000


def halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor


class Evil(nn.Module):
    """A program that writes a file while it is loaded."""

    def __init__(self, trace: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.trace = trace
        self.count = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, str, bool]:
        return self.weight, self.trace, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, str, bool]) -> None:
        self.weight, self.trace, self.training = state
        self.count = int(torch.from_file(self.trace, True, 8, dtype=torch.uint8).fill_(65).sum().item())


def archive(objects: bytes, *, code: bool = True, packed_data: bool = False) -> bytes:
    """An archive with `objects` for its data.pkl; with `code` it looks like TorchScript's."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("net/data.pkl", objects)
        packed.writestr(
            "net/data/0", bytes(64), zipfile.ZIP_DEFLATED if packed_data else zipfile.ZIP_STORED
        )
        packed.writestr("net/version", b"3\n")
        if code:
            packed.writestr("net/constants.pkl", b"\x80\x02).")
            packed.writestr("net/code/__torch__.py", b"class Net: ...", zipfile.ZIP_DEFLATED)
    return made.getvalue()


#: A module that contains itself; a number of an object for which 16 GB would be set aside.
ENDLESS = b"\x80\x02c__torch__\nNet\n)\x81q\x00}(X\x01\x00\x00\x00ah\x00ub."
REMEMBERED = b"\x80\x02}r\xff\xff\xff\x7f."
#: A storage of more numbers than there are, and one that is packed away elsewhere.
LONGER = b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x11tQ."
NOWHERE = b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x04\x00\x00\x00../0X\x03\x00\x00\x00cpuK\x10tQ."


class TestRefused:
    def refused(
        self, tmp_path: Path, content: bytes | Callable[[Path], object], key: str = PLAIN
    ) -> str:
        """What is said of a file with `content`."""
        path = placed(tmp_path, key)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)
        engine = engine_of(tmp_path)
        with pytest.raises(EngineFailed) as caught:
            engine.load(CPU, key)
        assert not engine.is_loaded
        assert f"models download {key}" in caught.value.hint
        return caught.value.message

    @pytest.mark.parametrize(
        ("content", "word"),
        [
            (b"", "empty"),
            (b"<!doctype html>" * 99, "does not begin"),
            (checkpoint(), "damaged"),
            (archive(b"\x80\x02}.", code=False), "holds no model"),
            (archive(b"\x80\x02}."), "holds no model"),
            (archive(ENDLESS), "damaged"),
            (archive(REMEMBERED), "damaged"),
            (archive(LONGER), "damaged"),
            (archive(NOWHERE), "damaged"),
            (archive(b"\x80\x02}.", packed_data=True), "is packed"),
        ],
        ids=["empty", "a page", "zeros", "nothing", "no weights", "endless", "a huge number", "longer", "nowhere", "packed"],
    )  # fmt: skip
    def test_what_is_no_checkpoint(self, tmp_path: Path, content: bytes, word: str) -> None:
        assert word in self.refused(tmp_path, content)

    @pytest.mark.parametrize("code", [False, True], ids=["torch.save", "TorchScript"])
    def test_a_pickle_that_would_run(self, tmp_path: Path, code: bool) -> None:
        trace = tmp_path / "trace"
        content = archive(pickle.dumps({"state_dict": Canary(trace)}, 2), code=code)
        assert "could run as a program" in self.refused(tmp_path, content)
        assert not trace.exists()

    def test_a_program_in_torchscript_is_not_run(self, tmp_path: Path) -> None:
        trace = tmp_path / "trace"

        def write(path: Path) -> None:
            torch.jit.script(Evil(str(trace))).save(path)

        assert "holds no model" in self.refused(tmp_path, write)
        assert not trace.exists()
        torch.jit.load(placed(tmp_path, PLAIN))  # which is why it is not used
        assert trace.read_bytes() == b"A" * 8

    def test_a_file_that_breaks_off(self, tmp_path: Path, scripted: Path) -> None:
        assert "breaks off" in self.refused(tmp_path, scripted.read_bytes()[:1_000_000])

    @pytest.mark.parametrize(
        "change", ["another width", "one missing", "one too many", "of another net"]
    )
    def test_the_checkpoint_of_another_net(
        self, weights: dict[str, torch.Tensor], tmp_path: Path, change: str
    ) -> None:
        changed = dict(weights)
        first = "module.output_block.1.bias"
        if change == "another width":
            changed[first] = torch.zeros(4)
        elif change == "one missing":
            del changed[first]
        elif change == "one too many":
            changed["module.more"] = torch.zeros(1)
        else:
            changed = nn.Conv2d(1, 1, 1).state_dict()
        said = self.refused(tmp_path, lambda path: torch.save({"state_dict": changed}, path))
        assert "a checkpoint of another net" in said

    def test_weights_that_are_no_numbers(self, weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
        broken = {**weights, "module.output_block.1.bias": torch.tensor([0.0, float("nan"), 0.0])}
        said = self.refused(tmp_path, lambda path: torch.save({"state_dict": broken}, path))
        assert "not numbers" in said

    def test_the_model_before_stays_out_of_the_way(self, wav2lip_models: Path, tmp_path: Path) -> None:
        """What fails to load leaves nothing half loaded, and the next one loads."""
        placed(tmp_path, PRACTICE).symlink_to(wav2lip_models / "Wav2Lip" / "practice" / "practice.pth")
        placed(tmp_path, PLAIN).write_bytes(checkpoint())
        engine = engine_of(tmp_path)
        engine.load(CPU, PRACTICE)
        with pytest.raises(EngineFailed):
            engine.load(CPU, PLAIN)
        engine.load(CPU, PRACTICE)
        assert engine.loaded_model == PRACTICE


class TestInTheStudio:
    def test_the_licence_is_accepted_first(self, studio: Studio) -> None:
        assert studio.models.status(PLAIN).consent_needed
        with pytest.raises(BadInput, match="non-commercial"):
            studio.models.download(PLAIN)

    def test_what_is_not_the_known_file_is_not_fetched(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with serving(monkeypatch, tmp_path) as hub, opened(tmp_path) as studio:
            hub.repos[MODELS[PLAIN].hugging_face] = {"wav2lip.pth": checkpoint(200_000)}
            studio.models.accept(PLAIN)
            job = studio.jobs.wait(studio.models.download(PLAIN).id, 60)
            assert job.status is JobStatus.FAILED
            assert "another wav2lip.pth than the one that is known" in job.message
            assert hub.served["wav2lip.pth"] == 0
            assert studio.models.status(PLAIN).report.state is ModelState.ABSENT

    def test_by_hand_only_the_one_file_is_fetched(self, studio: Studio) -> None:
        command, other = studio.models.by_hand(GAN)
        folder = studio.model_folders.target(GAN)
        assert command == f"hf download Nekochu/Wav2Lip wav2lip_gan.pth --local-dir {folder}"
        assert other == ""

    def test_a_file_that_is_put_there_is_noticed_under_either_name(
        self, studio: Studio, scripted: Path
    ) -> None:
        assert studio.models.status(GAN).report.state is ModelState.ABSENT
        path = placed(studio.settings.models_dir, GAN, SCRIPTED)
        assert studio.models.status(GAN).report.state is ModelState.PARTIAL
        path.symlink_to(scripted)
        assert studio.models.status(GAN).report.valid
        path.unlink()
        assert studio.models.status(GAN).report.state is ModelState.PARTIAL

    def test_the_practice_model_is_made_by_command(
        self, command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TIMBRE_MODELS_DIR", str(tmp_path / "models"))
        made = command("models", "practice", "wav2lip")
        folder = tmp_path / "models" / "Wav2Lip" / "practice"
        assert (made.code, made.out.strip()) == (0, str(folder))
        assert command("models", "validate", PRACTICE).code == 0
        (row,) = (line for line in command("models", "list").out.splitlines() if PRACTICE in line)
        assert "valid" in row
