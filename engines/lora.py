"""Adapters over a model that stays loaded: LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685) in the
files that peft writes.

An adapter is calculated beside the weights, not added to them: in 16 bits what it changes would be
rounded away, and without it the base is again what it was, to the bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.errors import BadInput, Damaged
from studio.files import read_json
from studio.models.trained import ADAPTER, ADAPTER_CONFIG

#: How peft begins the names in its files.
_PEFT = "base_model.model."
_DOWN, _UP = "lora_A", "lora_B"
#: GPT-2's layers, which keep their weights as [in, out] (transformers.pytorch_utils.Conv1D).
_TRANSPOSED = ("c_attn", "c_proj", "c_fc")
#: Kinds of adapters that are more than a pair of matrices a layer, as adapter_config.json marks them.
_OTHER_KINDS = ("use_dora", "alpha_pattern", "lora_bias", "trainable_token_indices")


@dataclass(frozen=True, eq=False)
class Adapter:
    """What a LoRA run has trained, on the CPU in float32."""

    #: By the name of a layer: down [rank, in], and up [out, rank], which counts alpha / rank already.
    pairs: Mapping[str, tuple[Tensor, Tensor]]
    #: By the name of a module that was trained in full: its parameters.
    heads: Mapping[str, Mapping[str, Tensor]]


class Adapted(nn.Module):
    """A linear layer with an adapter beside it."""

    down: Tensor  # [rank, in] float32
    up: Tensor  # [out, rank]

    def __init__(self, base: nn.Module, down: Tensor, up: Tensor) -> None:
        super().__init__()
        self.base = base
        self.in_features, self.out_features = down.shape[1], up.shape[0]
        where = next((each.device for each in base.parameters()), down.device)
        self.register_buffer("down", down.to(where), persistent=False)
        self.register_buffer("up", up.to(where), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.base(x)
        return y + beside(x, self.down, self.up).to(y.dtype)


def beside(x: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """What an adapter adds for `x` [..., in]: [..., out] in its own dtype."""
    return functional.linear(functional.linear(x.to(down.dtype), down), up)


class AdapterSlot:
    """The place over a model for one adapter after another."""

    def __init__(self, root: nn.Module) -> None:
        self._root = root
        self._covered: dict[str, nn.Module] = {}  # the base's own, by name

    def put(self, adapter: Adapter) -> None:
        """Let the model calculate with `adapter`, in place of what was there. Raises BadInput for one of
        another model; then what was there stays."""
        bases = {name: self._base(name) for name in (*adapter.pairs, *adapter.heads)}
        new: dict[str, nn.Module] = {}
        for name, (down, up) in adapter.pairs.items():
            if (down.shape[1], up.shape[0]) != sizes(bases[name]):
                raise _another(name)
            new[name] = Adapted(bases[name], down, up)
        for name, weights in adapter.heads.items():
            new[name] = _head(name, bases[name], weights)
        self.clear()
        for name, module in new.items():
            self._covered[name] = bases[name]
            self._set(name, module)

    def clear(self) -> None:
        """The base as it is by itself."""
        for name, module in self._covered.items():
            self._set(name, module)
        self._covered.clear()

    def _base(self, name: str) -> nn.Module:
        if name in self._covered:
            return self._covered[name]
        try:
            return self._root.get_submodule(name)
        except AttributeError as error:
            raise _another(name) from error

    def _set(self, name: str, module: nn.Module) -> None:
        parent, _, child = name.rpartition(".")
        setattr(self._root.get_submodule(parent), child, module)


def sizes(layer: Any) -> tuple[int, int]:
    """In and out of a linear layer, whichever way round it keeps its weight; nought for another module."""
    if hasattr(layer, "in_features"):
        return int(layer.in_features), int(layer.out_features)
    weight = getattr(layer, "weight", None)  # transformers' Conv1D: [in, out]
    if hasattr(layer, "nf") and isinstance(weight, Tensor):
        return int(weight.shape[0]), int(weight.shape[1])
    return 0, 0


def read_adapter(folder: Path) -> Adapter:
    """The adapter in the checkpoint `folder`.

    Raises Damaged where its files are not whole, BadInput for kinds of adapters that are not known.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config = read_config(folder)
    try:
        tensors = load_file(folder / ADAPTER)
    except (OSError, SafetensorError) as error:
        raise Damaged(
            f"{folder / ADAPTER} is damaged ({str(error)[:80]}).", "Delete this checkpoint."
        ) from error
    return adapter_of(tensors, config)


def read_config(folder: Path) -> dict[str, Any]:
    """adapter_config.json in `folder`. Raises Damaged."""
    path = folder / ADAPTER_CONFIG
    try:
        config = read_json(path)
    except OSError as error:
        raise Damaged(f"{path} cannot be read.", "Delete this checkpoint.") from error
    if not isinstance(config, dict):
        raise Damaged(f"{path} is damaged.", "Delete this checkpoint.")
    return config


def adapter_of(tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Adapter:
    """The adapter of `tensors` by their names in a file, and of its configuration. Raises BadInput."""
    _check_kind(config)
    halves: dict[str, dict[str, Tensor]] = {_DOWN: {}, _UP: {}}
    heads: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, half, parameter = _parsed(key)
        if half:
            halves[half][name] = tensor.float()
        else:
            heads.setdefault(name, {})[parameter] = tensor.float()
    downs, ups = halves[_DOWN], halves[_UP]
    fits = downs.keys() == ups.keys() and all(
        down.ndim == ups[name].ndim == 2 and len(down) == ups[name].shape[1]
        for name, down in downs.items()
    )
    if not fits or not downs:
        raise BadInput("These weights are no whole LoRA adapter.", "Export them with peft again.")
    return Adapter(
        {name: (down, ups[name] * _scale(config, len(down))) for name, down in downs.items()}, heads
    )


def _parsed(key: str) -> tuple[str, str, str]:
    """The module of a tensor in a file, which half of its adapter it is (else ""), and the parameter."""
    name, _, parameter = key.removeprefix(_PEFT).rpartition(".")
    name = name.removesuffix(".default").removesuffix(".modules_to_save")
    for half in (_DOWN, _UP):
        if name.endswith(f".{half}"):
            return name.removesuffix(f".{half}"), half, parameter
    return name, "", parameter


def _check_kind(config: Mapping[str, Any]) -> None:
    kind = str(config.get("peft_type", "LORA")).rpartition(".")[2]
    others = [name for name in _OTHER_KINDS if config.get(name)]
    if config.get("bias", "none") != "none":
        others.append("bias")
    if kind != "LORA" or others:
        what = kind[:40] if kind != "LORA" else ", ".join(others)
        raise BadInput(
            f"This adapter is of a kind that is not known here: {what}.",
            "Use a plain LoRA adapter, or merge it into its model where it was made.",
        )


def _scale(config: Mapping[str, Any], rank: int) -> float:
    """What its matrices count: alpha / rank, or alpha / sqrt(rank) (Kalajdzievski 2023)."""
    alpha = config.get("lora_alpha")
    if not isinstance(alpha, (int, float)) or not math.isfinite(alpha):
        raise BadInput("adapter_config.json does not say lora_alpha.", "Export it with peft again.")
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _head(name: str, base: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    head = copy.deepcopy(base)
    own = dict(head.named_parameters())
    if own.keys() != weights.keys():
        raise _another(name)
    with torch.no_grad():
        for key, weight in weights.items():
            if own[key].shape != weight.shape:
                raise _another(name)
            own[key].copy_(weight)
    return head


def _another(name: str) -> BadInput:
    return BadInput(
        f"The adapter is of another model: its part “{name[:80]}” does not fit.",
        "Use it with the model that it was trained on.",
    )


def merged(weights: Mapping[str, Tensor], adapter: Adapter, prefix: str) -> dict[str, Tensor]:
    """Those of a model's `weights` that the adapter changes, with it, in float32. `prefix`: of the module
    that the adapter lies over. Raises BadInput for another model's."""
    result: dict[str, Tensor] = {}
    for name, (down, up) in adapter.pairs.items():
        key = f"{prefix}{name}.weight"
        if key not in weights:
            raise _another(name)
        change, weight = up @ down, weights[key].float()
        if name.rpartition(".")[2] in _TRANSPOSED:
            change = change.t()
        if change.shape != weight.shape:
            raise _another(name)
        result[key] = weight + change
    for name, head in adapter.heads.items():
        for parameter, weight in head.items():
            key = f"{prefix}{name}.{parameter}"
            if key not in weights or weights[key].shape != weight.shape:
                raise _another(name)
            result[key] = weight.clone()
    return result
