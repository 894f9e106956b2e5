"""The weights that are trained: adapters or all of the talker, and their files.

A checkpoint has, besides its meta.json,

adapter_model.safetensors, adapter_config.json   of a LoRA run, as peft itself reads them
voice.safetensors                                x_vector [hidden] float32: the voice it was trained on

or, of a run of every weight, a whole model's folder: model.safetensors with the talker in float32, the
codec's and the tokenizer's files as they are in the base, and voice.safetensors.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.errors import BadInput, Damaged
from studio.files import link_or_copy, make_folder, write_json
from studio.runs.values import LORA_TARGETS, Family, LoraOptions, Method

ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
MODEL = "model.safetensors"
VOICE = "voice.safetensors"

#: How peft begins the names in its files.
_PEFT = "base_model.model."
_TALKER = "talker."


def add_lora(talker: Any, options: LoraOptions) -> None:
    """Put adapters into `talker` and freeze all else but the heads that `options` names.

    Raises BadInput where it has no module of a name."""
    from peft import LoraConfig, get_peft_model

    targets = options.targets or LORA_TARGETS[Family.QWEN]
    there = {name.rpartition(".")[2] for name, module in talker.named_modules() if _is_linear(module)}
    for target in targets:
        if target not in there:
            raise BadInput(
                f"Qwen3-TTS has no layer “{target[:80]}” that an adapter could be put into.",
                "Choose of: " + ", ".join(LORA_TARGETS[Family.QWEN]) + ".",
            )
    get_peft_model(
        talker,
        LoraConfig(
            r=options.rank,
            lora_alpha=options.alpha,
            lora_dropout=options.dropout,
            target_modules=list(targets),
            modules_to_save=list(options.heads) or None,
        ),
    )


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear)


def train_in_float32(module: nn.Module) -> None:
    """See to it that what is trained is float32, which steps of 1e-6 need."""
    for weight in module.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def trained(module: nn.Module, method: Method) -> dict[str, nn.Parameter]:
    """What is trained of a TrainedTalker, by its name in a checkpoint's file."""
    weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    if method is Method.FULL:
        return weights
    return {_in_peft(name): weight for name, weight in weights.items()}


def _in_peft(name: str) -> str:
    """peft's files leave out the adapter's name, and that a head is a copy."""
    for part in (".modules_to_save.default", ".default"):
        name = name.replace(part, "")
    return _PEFT + name.removeprefix(_TALKER)


def copied(weights: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Copies on the CPU."""
    return {name: weight.detach().to("cpu", copy=True).contiguous() for name, weight in weights.items()}


def load_into(weights: Mapping[str, nn.Parameter], folder: Path, method: Method) -> None:
    """Fill `weights` from the checkpoint in `folder`, all or none of them.

    Raises BadInput for a checkpoint of another family, method or shape, Damaged for one that is not whole.
    """
    path = folder / (ADAPTER if method is Method.LORA else MODEL)
    other = folder / (MODEL if method is Method.LORA else ADAPTER)
    if not path.is_file() and other.is_file():
        raise BadInput(
            f"{folder.name} was not trained by the method {method}.", f"Choose one of a {method} run."
        )
    found = _read(path, weights)
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(found[name])


def _read(path: Path, weights: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            there = set(file.keys())
            lacking = sorted(weights.keys() - there)
            if len(lacking) == len(weights):
                raise BadInput(
                    f"{path.parent.name} was not trained on Qwen3-TTS.", "Choose one of a Qwen run."
                )
            if lacking:
                raise BadInput(
                    f"{path.parent.name} lacks {len(lacking)} weights of this run, such as {lacking[0]}.",
                    "Choose one that was trained with the same settings.",
                )
            found = {name: file.get_tensor(name) for name in weights}
    except (OSError, SafetensorError) as error:
        raise Damaged(f"{path} is damaged ({str(error)[:80]}).", "Delete this checkpoint.") from error
    for name, weight in weights.items():
        if found[name].shape != weight.shape:
            raise BadInput(
                f"{path.parent.name} is of another size: {name} is {list(found[name].shape)}, and here "
                f"it is {list(weight.shape)}.",
                "Choose one of the same base model and rank.",
            )
    return found


def write_adapter(folder: Path, state: dict[str, Tensor], talker: Any, base: str) -> None:
    """Write the adapter's two files; `base` is the key of the model it belongs to."""
    from safetensors.torch import save_file

    save_file(state, folder / ADAPTER, metadata={"format": "pt"})
    config = talker.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base, "inference_mode": True}
    # peft's own writing leaves sets in the order of the day.
    sets = {name: sorted(value) for name, value in config.items() if isinstance(value, set)}
    write_json(folder / ADAPTER_CONFIG, json.loads(json.dumps(config | sets, default=str)))


def write_model(folder: Path, state: dict[str, Tensor], base: Path) -> None:
    """Write a whole model: `state` in place of the weights of those names in `base`."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(base / MODEL, "pt") as file:
        rest = {name: file.get_tensor(name) for name in file.keys() if name not in state}  # noqa: SIM118
    save_file({**rest, **state}, folder / MODEL, metadata={"format": "pt"})
    for path in _unchanged(base):
        target = folder / path.relative_to(base)
        make_folder(target.parent)
        # Whoever flushes a file to the disk opens it for writing.
        if path.suffix == ".safetensors" and os.access(path, os.W_OK):
            link_or_copy(path.resolve(), target)
        else:
            shutil.copyfile(path, target)


def _unchanged(base: Path) -> Iterator[Path]:
    """What a model's folder has besides its weights and what marks it as this or that."""
    for path in sorted([*base.glob("*"), *base.glob("speech_tokenizer/*")]):
        known = path.suffix in (".json", ".txt") or (path.parent != base and path.name == MODEL)
        if path.is_file() and known and path.name not in ("practice.json", "meta.json"):
            yield path


def write_voice(folder: Path, x_vector: Tensor) -> None:
    from safetensors.torch import save_file

    save_file({"x_vector": x_vector.float().cpu().contiguous()}, folder / VOICE)
