"""Promises of what is made of a checkpoint: merged, exported for the families' own packages, and taken over
from elsewhere as data of unknown origin."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engines.base import EngineFolders, Placement
from engines.qwen import QwenEngine
from engines.qwen.package import qwen_tts_package
from engines.xtts.package import coqui
from studio.errors import BadInput, Cancelled, ModelMissing
from studio.files import own_bytes
from studio.jobs import JobContext
from studio.models.folders import ModelFolders
from studio.models.trained import ADAPTER, ADAPTER_CONFIG, TRAINED, VOICES
from studio.runs.config import settings_of as settings_in
from studio.runs.run_folder import RunFolder
from studio.runs.values import Family, Method
from studio.services.run_uploads import gather
from studio.settings import Settings, load_settings
from studio.workspace import Workspace
from tests import qwen_speech
from tests.canary import Canary
from tests.trained_checkpoints import QWEN_BASE, XTTS_BASE, changed, make_run, settings_of
from training import exporting, importing, merging
from training.whole_models import runs_of

RUNS = {Family.XTTS: "anna-x", Family.QWEN: "anna-q"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, practice_models: Path, xtts_models: Path) -> Settings:
    """A home with an adapter of each family."""
    home = tmp_path_factory.mktemp("home")
    for family, base in (
        (Family.XTTS, xtts_models / "XTTS" / "practice"),
        (Family.QWEN, practice_models / "practice-base"),
    ):
        settings = settings_of(family)
        make_run(home / "checkpoints", RUNS[family], settings, changed(base, settings))
    (home / "models").mkdir()
    (home / "models" / "XTTS").symlink_to(xtts_models / "XTTS")
    (home / "models" / "Qwen").symlink_to(practice_models)
    return load_settings(home=home, models_dir=home / "models")


def context(settings: Settings) -> JobContext:
    nobody: Any = None  # these jobs ask nothing of their row
    return JobContext(nobody, settings, settings.home / "job")


def export(home: Settings, target: Path, run: str, epoch: int = 1) -> dict[str, Any]:
    params = {"run": run, "epoch": epoch, "owner": "", "target": str(target)}
    return exporting.run(params, context(home))


def take(home: Settings, path: Path, name: str, base: str = "") -> dict[str, Any]:
    params = {"path": str(path), "name": name, "base": base, "owner": ""}
    return importing.run(params, context(home))


def adapter(home: Settings, family: Family) -> Path:
    return RunFolder(home.home / "checkpoints" / RUNS[family]).checkpoint(1)


# Merging


@pytest.fixture(scope="module")
def merged(home: Settings) -> dict[Family, str]:
    """The runs that were made of the adapters."""
    made = {}
    for family, run in RUNS.items():
        params = {"run": run, "epoch": 1, "owner": "", "name": f"merged {family}"}
        made[family] = merging.run(params, context(home))["run"]
    return made


def test_merged_weights_are_those_that_peft_merges(
    home: Settings, merged: dict[Family, str], xtts_models: Path
) -> None:
    from peft import PeftModel

    from engines.xtts.loading import load_model

    folder = RunFolder(home.home / "checkpoints" / merged[Family.XTTS]).checkpoint(1)
    model = load_model(xtts_models / "XTTS" / "practice")
    by_peft = PeftModel.from_pretrained(model.gpt, adapter(home, Family.XTTS)).merge_and_unload()
    ours = load_file(folder / "model.safetensors")
    for name, weight in by_peft.state_dict().items():
        assert torch.allclose(ours[f"gpt.{name}"], weight, atol=1e-6), name


def test_a_merged_run_is_a_full_one_in_the_list(home: Settings, merged: dict[Family, str]) -> None:
    for family, id in merged.items():
        checkpoint = RunFolder(home.home / "checkpoints" / id).read_checkpoint(1)
        assert (checkpoint.run, checkpoint.method, checkpoint.family) == (id, Method.FULL, family)
        config = runs_of(home).read(id)
        assert settings_in(config).method is Method.FULL
        assert "merged with" in config["imported"]
        with pytest.raises(BadInput, match="full checkpoint already"):
            merging.run({"run": id, "epoch": 1, "owner": "", "name": "again"}, context(home))


def test_a_merged_model_speaks_as_its_adapter_does(
    home: Settings, merged: dict[Family, str], tmp_path: Path
) -> None:
    folders = ModelFolders(home.models_dir, home.qwen_dir, checkpoints=home.home / "checkpoints")
    engine = QwenEngine(EngineFolders(tmp_path, folders))
    sounds = []
    for run in (RUNS[Family.QWEN], merged[Family.QWEN]):
        key = f"{TRAINED}{run}-1"
        engine.load(Placement("cpu", "float32"), key)
        chunks = qwen_speech.say(engine, "Hello.", speaker=key, max_new_tokens=8, temperature=0.0)
        sounds.append(qwen_speech.sound(chunks))
    assert np.allclose(sounds[0], sounds[1], atol=1e-3)


def test_a_name_that_is_taken_leaves_nothing(home: Settings) -> None:
    before = sorted((home.home / "checkpoints").iterdir())
    with pytest.raises(BadInput, match="already"):
        merging.run({"run": "anna-x", "epoch": 1, "owner": "", "name": "my-voice"}, context(home))
    assert sorted((home.home / "checkpoints").iterdir()) == before


# Exporting


def test_stock_coqui_loads_an_exported_folder_strictly(home: Settings, tmp_path: Path) -> None:
    told = export(home, tmp_path / "out", RUNS[Family.XTTS])
    assert told["speaker"] == "anna"
    xtts = coqui()
    config = xtts.XttsConfig()
    config.load_json(str(tmp_path / "out" / "config.json"))
    model = xtts.Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(tmp_path / "out"), eval=False, strict=True)
    assert next(iter(model.speaker_manager.speakers)) == "anna"
    assert len(model.speaker_manager.speakers) == 59
    content = torch.load(tmp_path / "out" / "model.pth", weights_only=True)
    loaded = model.state_dict()
    assert all(torch.equal(weight, loaded[name]) for name, weight in content["model"].items())
    assert (tmp_path / "out" / "dvae.pth").is_file()


@pytest.fixture(scope="module")
def exported(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of Qwen as a folder."""
    folder = tmp_path_factory.mktemp("exported") / "out"
    assert export(home, folder, RUNS[Family.QWEN])["speaker"] == "my_voice"
    return folder


def test_stock_qwen_speaks_in_the_exported_voice(home: Settings, exported: Path) -> None:
    package = qwen_tts_package()
    wrapper = package.Qwen3TTSModel.from_pretrained(str(exported), dtype=torch.float32)
    assert list(wrapper.model.get_supported_speakers()) == ["my_voice"]
    voice = load_file(adapter(home, Family.QWEN) / "voice.safetensors")["x_vector"]
    embedding = wrapper.model.talker.model.codec_embedding.weight
    assert torch.equal(embedding[exporting.SLOT], voice)
    sounds, rate = wrapper.generate_custom_voice("Hello.", "my_voice", "English", "", max_new_tokens=6)
    assert rate == 24_000
    assert len(sounds[0])


def test_a_zip_holds_the_exported_folder(home: Settings, exported: Path, tmp_path: Path) -> None:
    packed = export(home, tmp_path / "voice.zip", RUNS[Family.QWEN])
    assert packed["size"] == own_bytes(exported)
    with zipfile.ZipFile(tmp_path / "voice.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    folder, unpacked = exported, tmp_path / "unpacked" / "voice"
    names = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    assert names == sorted(path.relative_to(unpacked) for path in unpacked.rglob("*"))
    ours, theirs = (load_file(each / "model.safetensors") for each in (folder, unpacked))
    assert all(torch.equal(weight, theirs[name]) for name, weight in ours.items())
    assert {path.name for path in tmp_path.iterdir()} == {"voice.zip", "unpacked"}
    with pytest.raises(BadInput, match="there already"):
        export(home, tmp_path / "voice.zip", RUNS[Family.QWEN])


def test_an_export_goes_only_where_nothing_is(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(BadInput, match="there already"):
        export(home, tmp_path / "out", RUNS[Family.QWEN])
    stopped = context(home)
    stopped.cancel()
    with pytest.raises(Cancelled):
        exporting.run({"run": "anna-q", "epoch": 1, "owner": "", "target": str(tmp_path / "x")}, stopped)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_without_its_base_nothing_is_exported(home: Settings, tmp_path: Path) -> None:
    bare = load_settings(home=home.home, models_dir=tmp_path)
    with pytest.raises(ModelMissing, match="not on this machine"):
        export(bare, tmp_path / "out", RUNS[Family.QWEN])


# Taking over


@pytest.mark.parametrize("family", Family)
def test_an_adapter_from_elsewhere_becomes_a_run(home: Settings, family: Family, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(adapter(home, family), folder)
    config = json.loads((folder / ADAPTER_CONFIG).read_text())
    config |= {"base_model_name_or_path": "/etc/passwd", "auto_mapping": {"x": "os.system"}}
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config))
    made = take(home, folder, f"taken {family}")
    assert made["family"] == family.value
    assert made["base"] == {Family.XTTS: XTTS_BASE, Family.QWEN: QWEN_BASE}[family]
    run = RunFolder(home.home / "checkpoints" / made["run"])
    checkpoint = run.read_checkpoint(made["epoch"])
    assert checkpoint.method is Method.LORA
    written = (run.checkpoint(made["epoch"]) / ADAPTER_CONFIG).read_text()
    assert "passwd" not in written
    assert "system" not in written
    ours, theirs = (load_file(each / ADAPTER) for each in (run.checkpoint(made["epoch"]), folder))
    assert ours.keys() == theirs.keys()
    folders = ModelFolders(home.models_dir, home.qwen_dir, checkpoints=home.home / "checkpoints")
    assert folders.trained(f"{TRAINED}{made['run']}-1") is not None


def test_an_exported_model_of_qwen_comes_back_with_its_voice(
    home: Settings, exported: Path, tmp_path: Path
) -> None:
    made = take(home, exported, "back")
    run = RunFolder(home.home / "checkpoints" / made["run"])
    assert (made["base"], run.read_checkpoint(1).method) == (QWEN_BASE, Method.FULL)
    voice = load_file(run.checkpoint(1) / "voice.safetensors")["x_vector"]
    assert torch.equal(voice, load_file(adapter(home, Family.QWEN) / "voice.safetensors")["x_vector"])
    folders = ModelFolders(home.models_dir, home.qwen_dir, checkpoints=home.home / "checkpoints")
    engine = QwenEngine(EngineFolders(tmp_path, folders))
    key = f"{TRAINED}{made['run']}-1"
    engine.load(Placement("cpu", "float32"), key)
    assert qwen_speech.say(engine, "Hello.", speaker=key, max_new_tokens=4)
    engine.unload()
    # One of several voices, such as those that are published, is nobody's.
    (tmp_path / "model.safetensors").symlink_to(exported / "model.safetensors")
    config = json.loads((exported / "config.json").read_text())
    config["talker_config"]["spk_id"] |= {"vivian": 3065}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match="not one voice of its own, but 2"):
        take(home, tmp_path, "published")


@pytest.mark.parametrize("good", [True, False])
def test_what_was_uploaded_goes_once_it_is_read(home: Settings, tmp_path: Path, good: bool) -> None:
    files = [path for path in adapter(home, Family.QWEN).iterdir() if path.name != "meta.json"]
    path = gather(files, Workspace(home.home).uploads)
    if not good:
        path.unlink()  # it may be the adapter itself by another name
        path.write_bytes(b"no checkpoint")
    params = {"path": str(path), "name": "uploaded", "base": "", "owner": "", "uploaded": True}
    if good:
        made = importing.run(params, context(home))
        folder = RunFolder(home.home / "checkpoints" / made["run"]).checkpoint(1)
        assert {each.name for each in files} <= {each.name for each in folder.iterdir()}
    else:
        with pytest.raises(BadInput):
            importing.run(params, context(home))
    assert not path.parent.exists()
    assert adapter(home, Family.QWEN).is_dir()


def test_a_model_of_coquis_trainer_becomes_a_run(
    home: Settings, tmp_path: Path, xtts_models: Path
) -> None:
    weights = torch.load(xtts_models / "XTTS" / "practice" / "model.pth", weights_only=True)["model"]
    named = {f"xtts.{name}": weight for name, weight in weights.items()}
    torch.save({"model": named, "step": 7}, tmp_path / "best_model.pth")
    made = take(home, tmp_path / "best_model.pth", "theirs whole", XTTS_BASE)
    checkpoint = RunFolder(home.home / "checkpoints" / made["run"]).read_checkpoint(1)
    assert (checkpoint.family, checkpoint.method) == (Family.XTTS, Method.FULL)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "adapter_model.bin"])
@pytest.mark.parametrize("plain", [False, True])
def test_a_program_in_a_pickle_never_runs(
    home: Settings, tmp_path: Path, name: str, plain: bool
) -> None:
    content = {"model": {"gpt.x": torch.zeros(2), "bad": Canary(tmp_path / "ran")}}
    if plain:
        (tmp_path / name).write_bytes(pickle.dumps({"model": {"bad": Canary(tmp_path / "ran")}}))
    else:
        torch.save(content, tmp_path / name)
    with pytest.raises(BadInput):
        take(home, tmp_path / name, "canary")
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_of_the_other_family_is_named(home: Settings) -> None:
    with pytest.raises(BadInput, match="is a checkpoint of xtts"):
        take(home, adapter(home, Family.XTTS), "wrong", QWEN_BASE)


def test_what_is_no_checkpoint_is_refused(home: Settings, tmp_path: Path) -> None:
    save_file({"encoder.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(BadInput, match="no model that is known"):
        take(home, tmp_path / "other.safetensors", "other")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(BadInput, match="no whole checkpoint"):
        take(home, tmp_path / "text.pt", "text")
    with pytest.raises(BadInput, match="not there"):
        take(home, tmp_path / "nowhere.pt", "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no checkpoint"):
        take(home, tmp_path / "empty", "empty")
    source = adapter(home, Family.QWEN)
    shutil.copyfile(source / ADAPTER, tmp_path / ADAPTER)
    with pytest.raises(BadInput, match="adapter_config"):
        take(home, tmp_path / ADAPTER, "alone")
    (tmp_path / ADAPTER).write_bytes((source / ADAPTER).read_bytes()[:-8])
    with pytest.raises(BadInput, match="cannot be read"):
        take(home, tmp_path / ADAPTER, "cut")


@pytest.mark.parametrize("wrong", ["nan", "size"])
def test_weights_that_cannot_be_used_are_refused(home: Settings, tmp_path: Path, wrong: str) -> None:
    source = adapter(home, Family.QWEN)
    weights = load_file(source / ADAPTER)
    name = next(each for each in weights if "lora_A" in each)
    weights[name] = weights[name] * torch.nan if wrong == "nan" else weights[name][:, :-1].clone()
    save_file(weights, tmp_path / ADAPTER)
    shutil.copyfile(source / ADAPTER_CONFIG, tmp_path / ADAPTER_CONFIG)
    with pytest.raises(BadInput, match="no numbers" if wrong == "nan" else "does not belong"):
        take(home, tmp_path, "wrong")


@pytest.mark.parametrize("family", Family)
def test_a_voice_that_cannot_be_used_is_refused(home: Settings, tmp_path: Path, family: Family) -> None:
    shutil.copytree(adapter(home, family), tmp_path / "theirs")
    path = tmp_path / "theirs" / VOICES[family]
    if family is Family.QWEN:
        save_file({"x_vector": torch.zeros(65)}, path)
    else:
        voice = {"gpt_cond_latent": torch.zeros(1, 31, 64), "speaker_embedding": torch.zeros(1, 512, 1)}
        torch.save({"anna": voice}, path)
    with pytest.raises(BadInput, match=r"voice of adapter_model.* does not belong"):
        take(home, tmp_path / "theirs", "mute")


def test_weights_that_only_claim_to_be_many_are_refused(home: Settings, tmp_path: Path) -> None:
    many = torch.zeros(1).expand(50_000, 100_000)  # 4 bytes in the file
    torch.save({"gpt.x": many, "hifigan_decoder.x": torch.zeros(1)}, tmp_path / "bomb.pth")
    with pytest.raises(BadInput, match="more weights than any model"):
        take(home, tmp_path / "bomb.pth", "bomb")
