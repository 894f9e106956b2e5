"""Promises about folders of XTTS: whole ones load strictly, others are refused, nothing in them runs."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from engines.registry import SPEECH_ENGINES
from engines.xtts.checkpoint import read_tensors, read_weights
from engines.xtts.conditioning import read_speakers
from engines.xtts.loading import check_trainable, load, load_model
from engines.xtts.package import coqui
from engines.xtts.practice import is_practice
from studio.dataset.targets import TARGETS
from studio.errors import BadInput, EngineFailed
from studio.models.registry import MODELS
from studio.models.validation import ModelState, validate
from studio.models.xtts import CHARACTERS
from studio.services.planning import make_plan
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from tests.running import Ended
from tests.xtts_speech import CPU, PRACTICE

ENTRY = MODELS[PRACTICE]


@pytest.fixture
def whole(xtts_models: Path) -> Path:
    """The practice model, read-only."""
    return xtts_models / "XTTS" / "practice"


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A practice model of one's own."""
    return Path(shutil.copytree(whole, tmp_path / "model"))


def test_importing_leaves_nothing_behind(whole: Path) -> None:
    """No stand-in that others would take for the real package, and torch's threads as they were."""
    from transformers.utils.import_utils import is_torchcodec_available

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        coqui("TTS.tts.layers.xtts.trainer.dataset")  # sets them to 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    codec = sys.modules.get("torchcodec")
    assert codec is None or codec.__file__
    assert is_torchcodec_available() == (codec is not None)


def test_a_model_for_training_has_the_published_names_and_no_more(whole: Path) -> None:
    check_trainable(whole)
    model = load_model(whole, eval=False)
    assert type(model) is coqui().Xtts
    assert model.training
    assert all(parameter.requires_grad for parameter in model.gpt.parameters())
    assert set(model.state_dict()) == set(read_weights(whole / "model.pth"))
    assert is_practice(whole)
    assert json.loads((whole / "practice.json").read_text())["weights"] == "random"


def test_a_checkpoint_with_its_configuration_pickled_is_read_and_left_alone(folder: Path) -> None:
    """So is the published model.pth."""
    xtts = coqui()
    config = xtts.XttsConfig()
    weights = torch.load(folder / "model.pth", weights_only=True)["model"]
    repeated = {"gpt.gpt.wte.weight": weights["gpt.mel_embedding.weight"], "dvae.x": torch.zeros(1)}
    old = {"model": {f"xtts.{name}": tensor for name, tensor in (weights | repeated).items()}}
    torch.save(old | {"config": config}, folder / "model.pth")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(folder / "model.pth", weights_only=True)
    before = (folder / "model.pth").read_bytes()
    assert set(read_weights(folder / "model.pth")) == set(weights)
    assert (folder / "model.pth").read_bytes() == before


class _Program:
    """Runs when it is unpickled by who lets it."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._mark,)


def _with_program(folder: Path) -> None:
    content = {"model": {"a": torch.zeros(9)}, "config": _Program(folder / "ran")}
    torch.save(content, folder / "model.pth")


def _voices_with_program(folder: Path) -> None:
    torch.save([torch.zeros(9), _Program(folder / "ran")], folder / "speakers_xtts.pth")


def _broken_off(folder: Path) -> None:
    content = (folder / "model.pth").read_bytes()
    (folder / "model.pth").write_bytes(content[: len(content) // 2])


def _without_vocabulary(folder: Path) -> None:
    (folder / "vocab.json").unlink()


def _of_another_size(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["model_args"]["gpt_layers"] = 3
    (folder / "config.json").write_text(json.dumps(config))


def _of_another_kind(folder: Path) -> None:
    (folder / "config.json").write_text('{"model": "vits"}')


def _no_weights(folder: Path) -> None:
    torch.save([torch.zeros(1)], folder / "model.pth")


def _other_vocabulary(folder: Path) -> None:
    (folder / "vocab.json").write_text('{"model": "none"}')


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_with_program, "besides weights"),
        (_voices_with_program, "besides weights"),
        (_broken_off, "breaks off"),
        (_without_vocabulary, r"vocab\.json is missing"),
        (_of_another_size, "could not be loaded"),
        (_of_another_kind, "another model"),
        (_no_weights, "holds no model"),
        (_other_vocabulary, "could not be loaded"),
    ],
)
def test_a_broken_folder_is_refused_with_a_remedy(
    folder: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(folder)
    with pytest.raises(EngineFailed, match=said) as caught:
        load(ENTRY, folder, CPU)
    assert caught.value.hint
    assert not (folder / "ran").exists()


def test_what_only_training_or_presets_need_may_lack(folder: Path) -> None:
    published = MODELS["xtts-v2"]
    for name in ("dvae.pth", "speakers_xtts.pth"):
        (folder / name).unlink()
    assert validate(published, folder).state is ModelState.VALID
    assert validate(ENTRY, folder).state is ModelState.PARTIAL
    assert read_speakers(folder / "speakers_xtts.pth") == {}
    with pytest.raises(EngineFailed, match=r"dvae\.pth is missing"):
        check_trainable(folder)
    with pytest.raises(EngineFailed, match="is missing"):
        load_model(folder / "nowhere")


def test_damaged_files_of_tensors_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"nothing of the kind")
    with pytest.raises(EngineFailed, match=r"a\.pth"):
        read_tensors(tmp_path / "a.pth")


def test_the_licence_comes_before_the_download(studio: Studio) -> None:
    assert studio.models.status("xtts-v2").consent_needed
    with pytest.raises(BadInput, match="non-commercial") as caught:
        studio.models.download("xtts-v2")
    assert "--accept-license" in caught.value.hint


def test_texts_are_divided_as_short_as_it_speaks_well(xtts_models: Path, tmp_path: Path) -> None:
    from engines.base import Capability
    from studio.settings import load_settings
    from tests.xtts_speech import engine_with

    engine = engine_with(xtts_models, tmp_path)
    for language, sentence in (
        ("zh", "今天天气很好，我们去公园散步吧。"),
        ("en", "It is a fine day today. "),
    ):
        order = SpeechOrder(Capability.PRESET, sentence * 30, "xtts", language)
        plan = make_plan(order, engine, load_settings(home=tmp_path))
        limit = CHARACTERS[plan.language]
        assert len(plan.parts) > 2
        assert limit / 2 < max(len(part.text) for part in plan.parts) <= limit
    assert TARGETS["xtts"].max_characters is CHARACTERS


def test_the_command_line_speaks_with_it(
    xtts_models: Path, command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "xtts" in SPEECH_ENGINES
    monkeypatch.setenv("TIMBRE_MODELS_DIR", str(xtts_models))
    voices = command("speakers", "--engine", "xtts", "--json")
    assert voices.code == 0, voices.err
    assert len(json.loads(voices.out)["speakers"]) == 58
    output = tmp_path / "out.wav"
    spoken = command(
        *("speak", "--engine", "xtts", "--voice", "Ana Florence", "--text", "Hello.", "--seed", "3"),
        *("--option", "beams=1", "--output", str(output)),
    )
    assert spoken.code == 0, spoken.err
    assert soundfile.info(output).duration > 0.2
    assert soundfile.info(output).samplerate == 24_000
