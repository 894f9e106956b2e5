"""Checkpoints from elsewhere, read as what they are: data of unknown origin.

Of a pickle only the rebuilding of tensors is followed; no configuration of a stranger is used but for the
few numbers of an adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engines.lora import Adapter, adapter_of
from engines.xtts.checkpoint import read_tensors, weights_in
from studio.errors import BadInput, Damaged, EngineFailed
from studio.files import read_json
from studio.models.checkpoints import ENDINGS, WrongCheckpoint, check_checkpoint
from studio.models.trained import ADAPTER, ADAPTER_CONFIG, VOICES, WEIGHTS
from studio.models.weights import WrongWeights, declared_bytes
from studio.runs.values import Family, Method
from training.whole_models import TRAINED_PART, read_safetensors

#: Files of weights in a folder, the likeliest first.
_FILES = (ADAPTER, "adapter_model.bin", WEIGHTS, "model.pth", "best_model.pth", "model.pt")
#: Of adapter_config.json, the most bytes.
_MAX_CONFIG = 1_000_000

_FAMILIES = "Give a LoRA adapter or a whole model of XTTS v2 or Qwen3-TTS: *.safetensors, *.pth or *.pt."

#: Names of layers that only one family has.
_LAYERS: Mapping[Family, tuple[str, ...]] = {
    Family.XTTS: ("c_attn", "c_fc", "text_head", "mel_head"),
    Family.QWEN: ("q_proj", "gate_proj", "o_proj", "down_proj", "k_proj", "v_proj", "up_proj"),
}


@dataclass(frozen=True, eq=False)
class Foreign:
    """A checkpoint that was read."""

    path: Path
    family: Family
    weights: dict[str, Tensor]  # an adapter's as in its file; a model's by the names of a published one
    config: dict[str, Any] = field(default_factory=dict)  # what counts of adapter_config.json
    adapter: Adapter | None = None  # None: every weight
    voices: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)  # of XTTS: manner, timbre
    x_vector: Tensor | None = None  # of Qwen

    @property
    def method(self) -> Method:
        return Method.FULL if self.adapter is None else Method.LORA

    @property
    def rank(self) -> int:
        """Of the adapter; of several ranks the largest."""
        pairs = self.adapter.pairs.values() if self.adapter else ()
        return max((len(down) for down, _ in pairs), default=1)


def read(path: Path) -> Foreign:
    """The checkpoint at `path`, a file of weights or a folder with one.

    Raises BadInput naming what is wrong with it: no checkpoint, one with a program in it, an adapter
    without its configuration, a model of another family, weights that are no numbers.
    """
    file = _file(path)
    weights = _read(file)
    if any("lora_" in name for name in weights):
        config = _adapter_config(file.parent / ADAPTER_CONFIG)
        adapter = adapter_of(weights, config)
        family = _family_of_layers(file, weights)
        found = Foreign(file, family, weights, config, adapter, **_voice(file.parent, family))
    else:
        family = _family_of_model(file, weights)
        found = Foreign(file, family, weights, **_voice(file.parent, family))
    bad = [name for name, each in weights.items() if each.is_floating_point() and not _finite(each)]
    if bad:
        raise BadInput(
            f"{file.name} holds weights that are no numbers, such as {bad[0][:80]}.",
            "Take an earlier checkpoint of that training.",
        )
    return found


def check_fits(found: Foreign, base: Mapping[str, Tensor], label: str) -> dict[str, Tensor]:
    """What of a foreign checkpoint belongs to a model with the weights `base`: all of an adapter; of a
    model each weight that the base has. Raises BadInput where its parts or sizes are not those of `label`."""
    if found.adapter is None:
        for name, weight in base.items():
            other = found.weights.get(name)
            if other is None or other.shape != weight.shape:
                raise _other_size(found, label, name)
        return {name: found.weights[name] for name in base}
    part = TRAINED_PART[found.family]
    for name, (down, up) in found.adapter.pairs.items():
        there = base.get(f"{part}{name}.weight")
        if there is None or sorted(there.shape) != sorted((down.shape[1], up.shape[0])):
            raise _other_size(found, label, name)
    for name, head in found.adapter.heads.items():
        for parameter, weight in head.items():
            there = base.get(f"{part}{name}.{parameter}")
            if there is None or there.shape != weight.shape:
                raise _other_size(found, label, name)
    return found.weights


def _other_size(found: Foreign, label: str, name: str) -> BadInput:
    return BadInput(
        f"{found.path.name} does not belong to {label}: {name[:80]} is missing or of another size.",
        "Name the base model that it was trained on.",
    )


def _file(path: Path) -> Path:
    if path.is_dir():
        there = [path / name for name in _FILES if (path / name).is_file()]
        if not there:
            there = sorted(each for each in path.iterdir() if each.suffix in ENDINGS and each.is_file())
        if not there:
            raise BadInput(f"{path} holds no checkpoint.", _FAMILIES)
        return there[0]
    if not path.is_file():
        raise BadInput(f"{path} is not there.", "Check the path.")
    if path.suffix not in ENDINGS:
        raise BadInput(f"{path.name} is no checkpoint.", _FAMILIES)
    return path


def _read(file: Path) -> dict[str, Tensor]:
    """The weights in `file`, by name; nothing in it runs."""
    try:
        if file.suffix == ".safetensors":
            declared_bytes(file)
            weights: Any = read_safetensors(file)
        else:
            check_checkpoint(file)
            weights = weights_in(read_tensors(file))
    except (WrongWeights, WrongCheckpoint) as error:
        raise BadInput(f"{file.name} is no whole checkpoint: {error}.", "Get it again.") from error
    except (Damaged, EngineFailed) as error:
        raise BadInput(f"{file.name} cannot be read: {error.message}", error.hint) from error
    named = {
        name: each
        for name, each in (weights or {}).items()
        if isinstance(name, str) and isinstance(each, Tensor)
    }
    if not named:
        raise BadInput(f"{file.name} holds no weights.", _FAMILIES)
    return named


def _adapter_config(path: Path) -> dict[str, Any]:
    """What counts of a stranger's adapter_config.json."""
    if not path.is_file() or path.stat().st_size > _MAX_CONFIG:
        raise BadInput(
            "An adapter cannot be used without its adapter_config.json, which says what it counts.",
            "Give the folder that peft has written.",
        )
    try:
        config = read_json(path)
    except Damaged as error:
        raise BadInput("adapter_config.json is damaged.", "Get it again.") from error
    if not isinstance(config, dict):
        raise BadInput("adapter_config.json is damaged.", "Get it again.")
    return config


def _family_of_layers(file: Path, weights: Mapping[str, Tensor]) -> Family:
    layers = {part for name in weights for part in name.split(".")}
    for family, names in _LAYERS.items():
        if layers & set(names):
            return family
    raise BadInput(f"{file.name} is an adapter of no model that is known here.", _FAMILIES)


def _family_of_model(file: Path, weights: Mapping[str, Tensor]) -> Family:
    parts = {name.partition(".")[0] for name in weights}
    if {"gpt", "hifigan_decoder"} <= parts:
        return Family.XTTS
    if "talker" in parts:
        return Family.QWEN
    raise BadInput(f"{file.name} is a checkpoint of no model that is known here.", _FAMILIES)


def _voice(folder: Path, family: Family) -> dict[str, Any]:
    """The voice beside a checkpoint, where there is one that can be read as such."""
    path = folder / VOICES[family]
    if not path.is_file():
        return {}
    if family is Family.QWEN:
        vector = read_safetensors(path).get("x_vector")
        return {"x_vector": vector} if vector is not None and vector.ndim == 1 else {}
    voices = read_tensors(path)
    try:
        return {
            "voices": {
                str(name): (voice["gpt_cond_latent"].float(), voice["speaker_embedding"].float())
                for name, voice in voices.items()
            }
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise BadInput(f"{path.name} holds no voices of XTTS.", "Remove it, and try again.") from error


def _finite(weight: Tensor) -> bool:
    return bool(torch.isfinite(weight.sum() if weight.numel() else weight).all())
