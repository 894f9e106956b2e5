"""Promises of what was trained here: it is a model like others, found at once, over a base that stays."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.base import Capability, EngineFolders, SpeechRequest
from engines.lora import AdapterSlot, adapter_of, read_adapter
from engines.manager import EngineManager
from engines.qwen import QwenEngine
from engines.registry import Registry
from engines.xtts import XttsEngine
from studio.control import Control
from studio.errors import BadInput, Damaged, NotFound
from studio.files import read_json, write_json
from studio.models.folders import ModelFolders
from studio.models.trained import ADAPTER, ADAPTER_CONFIG, TRAINED
from studio.models.validation import report
from studio.runs.values import Family, Method
from tests import qwen_speech, xtts_speech
from tests.trained_checkpoints import QWEN_BASE, XTTS_BASE, changed, make_run, settings_of

CPU = xtts_speech.CPU
XTTS = f"{TRAINED}anna-x"
QWEN = f"{TRAINED}anna-q"


@pytest.fixture(scope="module")
def checkpoints(
    tmp_path_factory: pytest.TempPathFactory, practice_models: Path, xtts_models: Path
) -> Path:
    """Two epochs of adapters of each family, and full checkpoints; treat it as read-only."""
    folder = tmp_path_factory.mktemp("checkpoints")
    bases = {
        Family.XTTS: xtts_models / "XTTS" / "practice",
        Family.QWEN: practice_models / "practice-base",
    }
    for family, base in bases.items():
        heads = {"heads": ("mel_head",)} if family is Family.XTTS else {}
        for method in Method:
            settings = settings_of(family, method, **(heads if method is Method.LORA else {}))
            end, epochs = ("", 2) if method is Method.LORA else ("-full", 1)
            id = f"anna-{family.value[0]}{end}"
            make_run(folder, id, settings, changed(base, settings), epochs)
    return folder


@pytest.fixture(scope="module")
def folders(checkpoints: Path, practice_models: Path, xtts_models: Path) -> ModelFolders:
    return ModelFolders(xtts_models, practice_models, checkpoints=checkpoints)


@pytest.fixture(scope="module")
def xtts(folders: ModelFolders, tmp_path_factory: pytest.TempPathFactory) -> XttsEngine:
    return XttsEngine(EngineFolders(tmp_path_factory.mktemp("x"), folders))


@pytest.fixture(scope="module")
def qwen(folders: ModelFolders, tmp_path_factory: pytest.TempPathFactory) -> QwenEngine:
    return QwenEngine(EngineFolders(tmp_path_factory.mktemp("q"), folders))


def loaded(engine: Any) -> Any:
    assert engine._loaded is not None
    return engine._loaded


def xtts_sound(engine: XttsEngine, model: str, **fields: Any) -> np.ndarray:
    engine.load(CPU, model)
    return xtts_speech.sound(xtts_speech.say(engine, **fields))


def qwen_sound(engine: QwenEngine, model: str, **fields: Any) -> np.ndarray:
    engine.load(CPU, model)
    return qwen_speech.sound(qwen_speech.say(engine, "Hello.", max_new_tokens=8, **fields))


# Finding them


def test_every_checkpoint_is_a_model_with_the_name_of_its_run(folders: ModelFolders) -> None:
    found = folders.trained_models
    assert found.keys() == {
        *(f"{XTTS}-{epoch}" for epoch in (1, 2)),
        *(f"{QWEN}-{epoch}" for epoch in (1, 2)),
        f"{XTTS}-full-1",
        f"{QWEN}-full-1",
    }
    entry = found[f"{XTTS}-2"].entry
    assert (entry.label, entry.base, entry.engine) == ("my-voice, epoch 2", XTTS_BASE, "xtts")
    assert folders.find(entry.key) == found[entry.key].folder
    assert all(report(folders, key).valid for key in found)
    with pytest.raises(NotFound, match="model"):
        folders.find(f"{TRAINED}anna-x-9")
    assert folders.trained(f"{TRAINED}..-1") is None


def test_a_new_checkpoint_is_found_without_a_restart(
    checkpoints: Path, tmp_path: Path, xtts_models: Path
) -> None:
    folders = ModelFolders(xtts_models, xtts_models, checkpoints=tmp_path / "runs")
    engine = XttsEngine(EngineFolders(tmp_path, folders))
    assert folders.trained_models == {}
    shutil.copytree(checkpoints / "anna-x", tmp_path / "runs" / "anna-x")
    assert {choice.key for choice in engine.models(Capability.CLONE)} >= {f"{XTTS}-1", f"{XTTS}-2"}
    shutil.rmtree(tmp_path / "runs" / "anna-x" / "checkpoint_epoch_1")
    assert list(folders.trained_models) == [f"{XTTS}-2"]
    config = tmp_path / "runs" / "anna-x" / "config.json"
    write_json(config, read_json(config) | {"name": "other"})
    assert folders.trained_models[f"{XTTS}-2"].entry.label == "other, epoch 2"
    config.write_text("{")
    assert folders.trained_models == {}


def test_a_trained_voice_is_a_choice_in_clone_and_preset(xtts: XttsEngine, qwen: QwenEngine) -> None:
    for engine, key in ((xtts, f"{XTTS}-2"), (qwen, f"{QWEN}-2")):
        for mode in (Capability.CLONE, Capability.PRESET):
            choice = next(each for each in engine.models(mode) if each.key == key)
            assert (choice.label, choice.installed, choice.practice) == ("my-voice, epoch 2", True, True)
        speaker = next(each for each in engine.speakers() if each.id == key)
        assert (speaker.label, speaker.model) == ("my-voice, epoch 2", key)
        assert key not in engine.info.model_keys  # those are of the registry


def test_without_its_base_it_is_not_installed(checkpoints: Path, tmp_path: Path) -> None:
    folders = ModelFolders(tmp_path, tmp_path, checkpoints=checkpoints)
    assert not report(folders, f"{QWEN}-1").valid
    assert report(folders, f"{QWEN}-full-1").valid
    choices = QwenEngine(EngineFolders(tmp_path, folders)).models(Capability.CLONE)
    assert not next(each for each in choices if each.key == f"{QWEN}-1").installed


# Speaking


def test_xtts_swaps_adapters_over_a_base_that_stays_loaded(xtts: XttsEngine) -> None:
    base = xtts_sound(xtts, XTTS_BASE)
    model, weights = loaded(xtts).model, loaded(xtts).model.gpt.gpt.h[0].attn.c_attn.weight
    first, second = (xtts_sound(xtts, f"{XTTS}-{epoch}") for epoch in (1, 2))
    assert loaded(xtts).model is model
    assert loaded(xtts).model.gpt.gpt.h[0].attn.c_attn.base.weight is weights
    assert xtts.loaded_model == f"{XTTS}-2"
    again = xtts_sound(xtts, XTTS_BASE)
    assert loaded(xtts).model is model
    assert np.array_equal(base, again)
    assert len({sound.tobytes() for sound in (base, first, second)}) == 3
    assert np.array_equal(first, xtts_sound(xtts, f"{XTTS}-1"))


def test_qwen_swaps_adapters_over_a_base_that_stays_loaded(qwen: QwenEngine) -> None:
    base = qwen_sound(qwen, QWEN_BASE)
    model = loaded(qwen).wrapper.model
    first, second = (qwen_sound(qwen, f"{QWEN}-{epoch}", speaker=f"{QWEN}-{epoch}") for epoch in (1, 2))
    assert loaded(qwen).wrapper.model is model
    assert qwen.loaded_model == f"{QWEN}-2"
    assert np.array_equal(base, qwen_sound(qwen, QWEN_BASE))
    assert loaded(qwen).wrapper.model is model
    assert len({sound.tobytes() for sound in (base, first, second)}) == 3


def test_the_trained_voice_speaks_without_a_recording(xtts: XttsEngine, qwen: QwenEngine) -> None:
    key = f"{XTTS}-1"
    own = xtts_sound(xtts, key, speaker=key)
    assert not np.array_equal(own, xtts_sound(xtts, key))  # in a voice of the base
    qwen.load(CPU, f"{QWEN}-1")
    with pytest.raises(BadInput, match="one voice of its own"):
        qwen_speech.say(qwen, speaker="ryan")


def test_any_recording_can_be_spoken_like_with_what_was_trained(
    xtts: XttsEngine, qwen: QwenEngine, tmp_path: Path
) -> None:
    recording = qwen_speech.recording(tmp_path / "a.wav")
    qwen.load(CPU, QWEN_BASE)
    of_base = qwen.create_voice_prompt(recording, "", "en", True, Control())
    qwen.load(CPU, f"{QWEN}-1")
    prompt = qwen.create_voice_prompt(recording, "", "en", True, Control())
    assert prompt.cache == of_base.cache  # what hears it is not trained
    assert len(qwen_speech.sound(qwen_speech.say(qwen, voice_prompt=prompt, max_new_tokens=8)))
    xtts.load(CPU, f"{XTTS}-1")
    prompt = xtts.create_voice_prompt(recording, "", "en", False, Control())
    assert len(xtts_speech.sound(xtts_speech.say(xtts, voice_prompt=prompt)))


def test_a_full_checkpoint_is_a_model_by_itself(xtts: XttsEngine, qwen: QwenEngine) -> None:
    key = f"{XTTS}-full-1"
    assert len(xtts_sound(xtts, key, speaker=key))
    key = f"{QWEN}-full-1"
    assert len(qwen_sound(qwen, key, speaker=key))


def test_the_manager_goes_from_base_to_adapter_without_unloading(
    folders: ModelFolders, tmp_path: Path
) -> None:
    manager = EngineManager(
        Registry(EngineFolders(tmp_path, folders), {"qwen": "engines.qwen:QwenEngine"}, {}), idle_s=0
    )
    models = []
    for key in (QWEN_BASE, f"{QWEN}-1", f"{QWEN}-2", f"{QWEN}-2", QWEN_BASE):
        with manager.lease("qwen", Control(), key) as lease:
            assert lease.engine.loaded_model == key
            models.append(loaded(lease.engine).wrapper.model)
    assert all(model is models[0] for model in models)
    assert manager.state().loads == 4
    manager.close()


def test_a_run_made_anew_under_its_name_is_loaded_anew(
    checkpoints: Path, xtts_models: Path, practice_models: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkpoints / "anna-q", tmp_path / "runs" / "anna-q")
    folders = ModelFolders(xtts_models, practice_models, checkpoints=tmp_path / "runs")
    engine = QwenEngine(EngineFolders(tmp_path, folders))
    first = qwen_sound(engine, f"{QWEN}-1")
    shutil.copytree(
        checkpoints / "anna-q" / "checkpoint_epoch_2",
        tmp_path / "runs" / "anna-q" / "checkpoint_epoch_1",
        dirs_exist_ok=True,
        copy_function=shutil.copyfile,
    )
    assert engine.loaded_model == ""
    assert not np.array_equal(first, qwen_sound(engine, f"{QWEN}-1"))


# Faults


def test_an_adapter_of_another_model_changes_nothing(
    checkpoints: Path, qwen: QwenEngine, tmp_path: Path
) -> None:
    qwen.load(CPU, f"{QWEN}-1")
    slot = qwen._slot
    assert slot is not None
    before = qwen_speech.sound(qwen_speech.say(qwen, "Hello.", max_new_tokens=8))
    with pytest.raises(BadInput, match="another model"):
        slot.put(read_adapter(checkpoints / "anna-x" / "checkpoint_epoch_1"))
    assert np.array_equal(before, qwen_speech.sound(qwen_speech.say(qwen, "Hello.", max_new_tokens=8)))


def test_damaged_and_unknown_adapters_are_refused(checkpoints: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint_epoch_1"
    shutil.copytree(checkpoints / "anna-q" / "checkpoint_epoch_1", folder)
    config = read_json(folder / ADAPTER_CONFIG)
    for change in ({"peft_type": "IA3"}, {"use_dora": True}, {"bias": "all"}, {"lora_alpha": "8"}):
        write_json(folder / ADAPTER_CONFIG, config | change)
        with pytest.raises(BadInput):
            read_adapter(folder)
    write_json(folder / ADAPTER_CONFIG, config)
    (folder / ADAPTER).write_bytes((folder / ADAPTER).read_bytes()[:-100])
    with pytest.raises(Damaged, match="damaged"):
        read_adapter(folder)
    (folder / ADAPTER_CONFIG).unlink()
    with pytest.raises(Damaged):
        read_adapter(folder)


@pytest.mark.parametrize("rslora", [False, True])
def test_an_adapter_counts_what_it_counts_in_peft(rslora: bool) -> None:
    from peft import LoraConfig, get_peft_model
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Linear(8, 3))
    plain = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Linear(8, 3))
    plain.load_state_dict(model.state_dict())
    config = LoraConfig(
        r=2, lora_alpha=6, target_modules=["0"], modules_to_save=["1"], use_rslora=rslora
    )
    peft = get_peft_model(model, config)
    with torch.no_grad():
        for weight in peft.parameters():
            if weight.requires_grad:
                weight.normal_()
    x = torch.randn(5, 6)
    before = plain(x)
    slot = AdapterSlot(plain)
    slot.put(adapter_of(get_peft_model_state_dict(peft), peft.peft_config["default"].to_dict()))
    assert torch.allclose(plain(x), peft.eval()(x), atol=1e-6)
    slot.clear()
    assert torch.equal(plain(x), before)


def test_a_request_is_only_of_what_there_is(qwen: QwenEngine) -> None:
    qwen.load(CPU, QWEN_BASE)
    with pytest.raises(BadInput, match="no voices of its own"):
        list(qwen.stream(SpeechRequest("Hi.", "en", speaker=f"{QWEN}-1"), Control()))
