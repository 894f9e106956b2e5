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
from training.families.qwen_weights import CODEC_EMBEDDING, SLOT, SPEAKER_ENCODER
from training.families.xtts_losses import VOICE_STATES
from training.whole_models import TRAINED_PART, read_safetensors

#: Files of weights in a folder, the likeliest first.
_FILES = (ADAPTER, "adapter_model.bin", WEIGHTS, "model.pth", "best_model.pth", "model.pt")
#: Of adapter_config.json and config.json, the most bytes.
_MAX_CONFIG = 1_000_000
#: Numbers in all weights of a file, twice the largest model's. A tensor of any size can be a few bytes that
#: are repeated, which is found out only where it is calculated with.
_MOST_NUMBERS = 4_000_000_000

#: A weight by family that tells the width of voices in its last dimension, and that of a timbre of XTTS.
_WIDTH = {Family.XTTS: "gpt.final_norm.weight", Family.QWEN: CODEC_EMBEDDING}
_TIMBRE = 512

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
    #: Of XTTS, by name: manner [1, 32, dim] and timbre [1, 512, 1], of any dtype.
    voices: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    x_vector: Tensor | None = None  # of Qwen: [hidden], of any dtype

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

    A custom_voice model of Qwen with one voice, as exporting and the package's fine-tuning write it, gives
    that voice.

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
        voice = _voice(file.parent, family)
        if family is Family.QWEN and not any(name.startswith(SPEAKER_ENCODER) for name in weights):
            voice = {"x_vector": _own_voice(file, weights), **voice}
        found = Foreign(file, family, weights, **voice)
    bad = [name for name, each in weights.items() if each.is_floating_point() and not _finite(each)]
    if bad:
        raise BadInput(
            f"{file.name} holds weights that are no numbers, such as {bad[0][:80]}.",
            "Take an earlier checkpoint of that training.",
        )
    return found


def check_fits(found: Foreign, base: Mapping[str, Tensor], label: str) -> dict[str, Tensor]:
    """What of a foreign checkpoint belongs to a model with the weights `base`: all of an adapter; of a
    model each weight that the base has. A model of Qwen that speaks in a voice of its own gets the base's
    speaker encoder, which is never trained. Raises BadInput where its parts, their sizes or those of its
    voice are not those of `label`."""
    _check_voice(found, base, label)
    if found.adapter is None:
        kept = dict(found.weights)
        if found.family is Family.QWEN and found.x_vector is not None:
            encoder = {name: each for name, each in base.items() if name.startswith(SPEAKER_ENCODER)}
            kept = encoder | kept
        for name, weight in base.items():
            other = kept.get(name)
            if other is None or other.shape != weight.shape:
                raise _other_size(found, label, name)
        return {name: kept[name] for name in base}
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


def _check_voice(found: Foreign, base: Mapping[str, Tensor], label: str) -> None:
    """Raise BadInput where the voice beside a checkpoint is none of a model with the weights `base`."""
    width = base[_WIDTH[found.family]].shape[-1]
    parts: list[tuple[Tensor, tuple[int, ...]]] = []
    if found.x_vector is not None:
        parts.append((found.x_vector, (width,)))
    for manner, timbre in found.voices.values():
        parts += [(manner, (1, VOICE_STATES, width)), (timbre, (1, _TIMBRE, 1))]
    for tensor, shape in parts:
        if tensor.shape != shape or not _finite(tensor):
            raise BadInput(
                f"The voice of {found.path.name} does not belong to {label}: it is of another size, or damaged.",
                f"Remove {VOICES[found.family]} beside it, or name the base model that it was trained on.",
            )


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
    if sum(each.numel() for each in named.values()) > _MOST_NUMBERS:
        raise BadInput(f"{file.name} has more weights than any model that is known here.", _FAMILIES)
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
    try:
        if family is Family.QWEN:
            return {"x_vector": read_safetensors(path)["x_vector"]}
        return {
            "voices": {
                str(name): (_tensor(voice["gpt_cond_latent"]), _tensor(voice["speaker_embedding"]))
                for name, voice in read_tensors(path).items()
            }
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise BadInput(f"{path.name} holds no voice.", "Remove it, and try again.") from error
    except (Damaged, EngineFailed) as error:
        raise BadInput(
            f"{path.name} cannot be read: {error.message}", "Remove it, and try again."
        ) from error


def _tensor(value: object) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError("no tensor")
    return value


def _own_voice(file: Path, weights: Mapping[str, Tensor]) -> Tensor:
    """The x-vector of a custom_voice model of Qwen, from the place of its only voice among the codes."""
    table, places = weights.get(CODEC_EMBEDDING), [SLOT]
    path = file.parent / "config.json"
    if path.is_file() and path.stat().st_size <= _MAX_CONFIG:
        try:
            places = list(read_json(path)["talker_config"]["spk_id"].values())
        except (Damaged, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{path.name} beside {file.name} is damaged.", "Get it again.") from error
    there = range(len(table) if table is not None and table.ndim else 0)
    if table is None or len(places) != 1 or places[0] not in there:
        raise BadInput(
            f"{file.name} has no speaker encoder and not one voice of its own, but {len(places)}.",
            "Give a base model, or one that was trained in one voice.",
        )
    return table[places[0]].clone()


def _finite(weight: Tensor) -> bool:
    return bool(torch.isfinite(weight.sum() if weight.numel() else weight).all())
