"""Weights that are trained, by the names that a checkpoint has, and an adapter's files.

adapter_model.safetensors, adapter_config.json   of a LoRA run, as peft itself reads them
model.safetensors                                of a run of every weight
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.errors import BadInput, Damaged
from studio.files import read_json, write_json
from studio.runs.values import LoraOptions, Method

ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
MODEL = "model.safetensors"

#: How peft begins the names in its files.
_PEFT = "base_model.model."


def train_in_float32(module: nn.Module) -> None:
    """See to it that what is trained is float32, which steps of 1e-6 need."""
    for weight in module.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def trained(module: nn.Module, method: Method) -> dict[str, nn.Parameter]:
    """What is trained of `module`, a model or one that peft has put adapters into."""
    weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    if method is Method.FULL:
        return weights
    return {_in_peft(name): weight for name, weight in weights.items()}


def _in_peft(name: str) -> str:
    """peft's files leave out the adapter's name, and that a head is a copy."""
    for part in (".modules_to_save.default", ".default"):
        name = name.replace(part, "")
    return _PEFT + name


def copied(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU."""
    return {name: weight.detach().to("cpu", copy=True).contiguous() for name, weight in weights.items()}


def load_into(
    weights: Mapping[str, nn.Parameter],
    folder: Path,
    method: Method,
    lora: LoraOptions,
    label: str,
) -> None:
    """Fill `weights` from the checkpoint in `folder`, all or none of them; `label` names their family.

    Raises BadInput for a checkpoint of another family, method or shape, Damaged for one that is not whole.
    """
    path = folder / (ADAPTER if method is Method.LORA else MODEL)
    other = folder / (MODEL if method is Method.LORA else ADAPTER)
    if not path.is_file() and other.is_file():
        raise BadInput(
            f"{folder.name} was not trained by the method {method}.", f"Choose one of a {method} run."
        )
    found = _read(path, weights, label)
    if method is Method.LORA:
        _check_scale(folder / ADAPTER_CONFIG, lora)
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(found[name])


def _read(path: Path, weights: Mapping[str, nn.Parameter], label: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    name = path.parent.name
    try:
        with safe_open(path, "pt") as file:
            there = set(file.keys())
            lacking = sorted(weights.keys() - there)
            if len(lacking) == len(weights):
                raise BadInput(f"{name} was not trained on {label}.", f"Choose one of a run of {label}.")
            if lacking:
                raise BadInput(
                    f"{name} lacks {len(lacking)} weights of this run, such as {lacking[0]}.",
                    "Choose one that was trained with the same settings.",
                )
            found = {key: file.get_tensor(key) for key in weights}
    except (OSError, SafetensorError) as error:
        raise Damaged(f"{path} is damaged ({str(error)[:80]}).", "Delete this checkpoint.") from error
    for key, weight in weights.items():
        if found[key].shape != weight.shape:
            raise BadInput(
                f"{name} is of another size: {key} is {list(found[key].shape)}, and here it is "
                f"{list(weight.shape)}.",
                "Choose one of the same base model and rank.",
            )
    return found


def _check_scale(path: Path, lora: LoraOptions) -> None:
    """An adapter means nothing without what it is multiplied by."""
    try:
        alpha = read_json(path)["lora_alpha"]
    except (OSError, KeyError, TypeError) as error:
        raise Damaged(f"{path} is damaged.", "Delete this checkpoint.") from error
    if alpha != lora.alpha:
        raise BadInput(
            f"{path.parent.name} was trained with alpha {alpha}, and this run has {lora.alpha}.",
            f"Set alpha to {alpha}.",
        )


def write_adapter(folder: Path, state: dict[str, Tensor], config: Any, base: str) -> None:
    """Write an adapter's two files; `config` is its peft.LoraConfig, `base` the key of the model that it
    belongs to."""
    from safetensors.torch import save_file

    save_file(state, folder / ADAPTER, metadata={"format": "pt"})
    row = config.to_dict() | {"base_model_name_or_path": base, "inference_mode": True}
    # peft's own writing leaves sets in the order of the day.
    sets = {name: sorted(value) for name, value in row.items() if isinstance(value, set)}
    write_json(folder / ADAPTER_CONFIG, json.loads(json.dumps(row | sets, default=str)))
