"""Promises of the models of Qwen3-TTS: practice models, loading, broken folders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engines.base import Capability
from engines.qwen import configurations
from engines.qwen.practice import is_practice, make_practice
from studio.control import Control
from studio.errors import Cancelled, EngineFailed, NotFound
from studio.models.registry import MODELS
from studio.models.validation import validate
from studio.settings import CHECKOUT
from tests.qwen_speech import BASE, CPU, CUSTOM_VOICE, DESIGN, engine_with, say


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


def copied(practice_models: Path, to: Path, key: str = CUSTOM_VOICE) -> Path:
    """A models folder with a copy of one practice model, to be broken; returns the model's folder."""
    return shutil.copytree(practice_models / MODELS[key].folder, to / MODELS[key].folder)


# Importing


def test_the_engine_says_what_it_is_without_loading_anything_heavy() -> None:
    out = run(
        "import sys; from pathlib import Path; from tests.qwen_speech import engine_with\n"
        "from engines.base import Capability\n"
        "engine = engine_with(Path('none'), Path('none'))\n"
        "engine.info, engine.speakers(), engine.models(Capability.CLONE), engine.unload()\n"
        "print(*[name for name in ('torch', 'transformers', 'qwen_tts') if name in sys.modules])"
    )
    assert out.stdout.strip() == "", out.stderr


def test_torchaudio_can_be_imported_beside_a_torch_for_the_processor() -> None:
    out = run(
        "from engines.torchaudio_stand_in import provide_torchaudio\n"
        "assert provide_torchaudio() == provide_torchaudio()\n"
        "import torch, torchaudio\n"
        "print(torchaudio.functional.resample(torch.zeros(1, 2400), 24000, 16000).shape[1])"
    )
    assert out.stdout.strip() == "1600", out.stderr


# Practice models


@pytest.mark.parametrize("key", [BASE, CUSTOM_VOICE, DESIGN])
def test_practice_models_are_whole_and_marked(practice_models: Path, key: str) -> None:
    folder = practice_models / MODELS[key].folder
    assert validate(MODELS[key], folder).valid
    assert is_practice(folder)
    assert all((folder / file.name).is_file() for file in MODELS[key].files)
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 30e6


def test_the_same_seed_makes_the_same_practice_model(practice_models: Path, tmp_path: Path) -> None:
    entry = MODELS[DESIGN]
    make_practice(tmp_path / "again", entry.variant, entry.size)
    make_practice(tmp_path / "other", entry.variant, entry.size, seed=1)
    first, again, other = (
        (folder / "model.safetensors").read_bytes()
        for folder in (practice_models / entry.folder, tmp_path / "again", tmp_path / "other")
    )
    assert first == again != other


def test_a_stopped_making_leaves_nothing(tmp_path: Path) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        make_practice(tmp_path / "model", "base", control=control)
    assert list(tmp_path.iterdir()) == []


def test_a_practice_model_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "stale").touch()
    make_practice(tmp_path / "model", "base")
    assert not (tmp_path / "model" / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


# The published ones


@pytest.mark.parametrize("size", ["0b6", "1b7"])
def test_the_published_talkers_have_their_number_of_parameters(size: str) -> None:
    from engines.qwen.package import qwen_tts_package

    qwen_tts_package()
    import torch
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration

    with torch.device("meta"):
        config = Qwen3TTSConfig(**configurations.real_config(size, "base"))
        model = Qwen3TTSForConditionalGeneration(config)
    encoder = sum(weight.numel() for weight in model.speaker_encoder.parameters())
    whole = sum(weight.numel() for weight in model.parameters())
    assert encoder == configurations.SPEAKER_ENCODER_PARAMETERS[size]
    assert whole - encoder == configurations.PARAMETERS[size]
    # bfloat16, and a header that names each tensor
    published = MODELS[f"qwen-{'0.6b' if size == '0b6' else '1.7b'}-base"].files
    weights = next(file for file in published if file.name == "model.safetensors")
    assert weights.size is not None
    assert 0 < weights.size - 2 * whole < 100_000


def test_the_published_codec_has_its_number_of_parameters() -> None:
    from engines.qwen.package import qwen_tts_package

    qwen_tts_package()
    import torch
    from qwen_tts.core import Qwen3TTSTokenizerV2Config, Qwen3TTSTokenizerV2Model

    with torch.device("meta"):
        config = Qwen3TTSTokenizerV2Config(**configurations.real_codec_config())
        codec = Qwen3TTSTokenizerV2Model(config)
    assert sum(values.numel() for values in codec.state_dict().values()) == (
        configurations.CODEC_PARAMETERS
    )


# Which there are


def test_models_are_offered_best_first_and_practice_last(practice_models: Path, tmp_path: Path) -> None:
    engine = engine_with(practice_models, tmp_path)
    for mode, count in ((Capability.CLONE, 3), (Capability.PRESET, 3), (Capability.DESIGN, 2)):
        choices = engine.models(mode)
        assert len(choices) == count
        assert "1.7b" in choices[0].key
        assert [choice.practice for choice in choices] == [False] * (count - 1) + [True]
        assert [choice.installed for choice in choices] == [False] * (count - 1) + [True]
        assert "random" in choices[-1].note
    assert "instructions" in engine.models(Capability.PRESET)[1].note
    assert engine.models(Capability.TIMING) == ()


def test_voices_of_ones_own_training_are_listed_after_the_published(
    practice_models: Path, tmp_path: Path
) -> None:
    engine = engine_with(tmp_path, tmp_path)
    assert len(engine.speakers()) == 9
    assert {speaker.language for speaker in engine.speakers()} <= engine.info.languages.keys()
    config = copied(practice_models, tmp_path) / "config.json"
    content = json.loads(config.read_text())
    content["talker_config"]["spk_id"] = {"my_aunt": 3000}
    config.write_text(json.dumps(content))
    assert [speaker.id for speaker in engine.speakers()][9:] == ["my_aunt"]
    config.write_text("{")
    assert len(engine.speakers()) == 9


# Loading


def test_the_package_is_imported_without_a_word_and_loading_asks_nothing_of_the_network(
    practice_models: Path, tmp_path: Path
) -> None:
    out = run(
        "import socket\n"
        "def refuse(*given): raise AssertionError(f'connects to {given[1:]}')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import sys; from engines.qwen.package import qwen_tts_package; qwen_tts_package()\n"
        "assert not {'torchaudio', 'sox', 'onnxruntime', 'sklearn'} & set(sys.modules)\n"
        "print('imported', flush=True); print('imported', file=sys.stderr)\n"
        "from pathlib import Path; from tests.qwen_speech import *\n"
        f"engine = engine_with(Path({str(practice_models)!r}), Path({str(tmp_path)!r}))\n"
        f"engine.load(CPU, {CUSTOM_VOICE!r}); print(len(sound(say(engine, speaker='Ryan'))) > RATE)"
    )
    assert out.stdout.split() == ["imported", "True"], out.stderr
    assert out.stderr.startswith("imported\n")
    assert "Traceback" not in out.stderr


@pytest.mark.parametrize("missing", ["tokenizer_config.json", "speech_tokenizer/model.safetensors"])
def test_a_missing_file_is_named_with_the_remedy(
    practice_models: Path, tmp_path: Path, missing: str
) -> None:
    (copied(practice_models, tmp_path) / missing).unlink()
    engine = engine_with(tmp_path, tmp_path)
    with pytest.raises(EngineFailed, match=missing) as raised:
        engine.load(CPU, CUSTOM_VOICE)
    assert "models practice qwen" in raised.value.hint
    assert not engine.is_loaded


def test_broken_weights_are_named(practice_models: Path, tmp_path: Path) -> None:
    weights = copied(practice_models, tmp_path) / "model.safetensors"
    with weights.open("rb+") as file:
        file.truncate(weights.stat().st_size // 2)
    with pytest.raises(EngineFailed, match=r"model\.safetensors.*breaks off"):
        engine_with(tmp_path, tmp_path).load(CPU, CUSTOM_VOICE)


def test_weights_that_lack_a_tensor_are_refused(practice_models: Path, tmp_path: Path) -> None:
    weights = copied(practice_models, tmp_path) / "model.safetensors"
    tensors = load_file(weights)
    del tensors["talker.codec_head.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(EngineFailed, match=r"lacks 1 of its weights, such as talker\.codec_head"):
        engine_with(tmp_path, tmp_path).load(CPU, CUSTOM_VOICE)


def test_another_kind_of_model_is_refused(practice_models: Path, tmp_path: Path) -> None:
    shutil.copytree(practice_models / MODELS[DESIGN].folder, tmp_path / MODELS[CUSTOM_VOICE].folder)
    with pytest.raises(EngineFailed, match="voice_design instead of custom_voice"):
        engine_with(tmp_path, tmp_path).load(CPU, CUSTOM_VOICE)


def test_weights_of_another_shape_are_refused(practice_models: Path, tmp_path: Path) -> None:
    config = copied(practice_models, tmp_path) / "config.json"
    content = json.loads(config.read_text())
    content["talker_config"]["intermediate_size"] = 128
    config.write_text(json.dumps(content))
    with pytest.raises(EngineFailed, match="could not be loaded") as raised:
        engine_with(tmp_path, tmp_path).load(CPU, CUSTOM_VOICE)
    assert "Models tab" in raised.value.hint


def test_models_that_are_not_there_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, tmp_path)
    with pytest.raises(EngineFailed, match="not on this machine"):
        engine.load(CPU, "qwen-0.6b-base")
    with pytest.raises(NotFound):
        engine.load(CPU, "qwen-tokenizer")
    with pytest.raises(EngineFailed, match="No model"):
        say(engine)


def test_the_codec_keeps_the_precision_of_its_file(practice_models: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    import torch

    from engines.qwen.loading import load

    entry = MODELS[DESIGN]
    folder = practice_models / entry.folder
    model = load(entry, folder, replace(CPU, dtype="bfloat16"))
    assert model.wrapper.model.talker.dtype == torch.bfloat16
    with safe_open(folder / "speech_tokenizer" / "model.safetensors", "pt") as file:
        name = "decoder.pre_conv.conv.weight"
        loaded = model.wrapper.model.speech_tokenizer.model.state_dict()[name]
        assert torch.equal(loaded, file.get_tensor(name))
