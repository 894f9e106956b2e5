"""The language model with weights of 8 bits, for processors: half the reading of bfloat16.

Weights are quantised once, symmetrically, each output with a scale of its own; activations are
quantised as they come, with one scale a step. It changes what is said: `engines.qwen.deviation`
measures by how much, and nobody has judged it by ear yet. So it is an option, never the default.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Int8Linear(nn.Module):
    """Some rows of a weight of 8 bits. Linear layers of the same input share one weight, so that
    `stack.fused` can multiply with all of it at once."""

    def __init__(self, shared: SharedWeight, start: int, out_features: int) -> None:
        super().__init__()
        self.shared = shared
        self.start = start
        self.out_features = out_features

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] to [..., out] in the dtype of `x`."""
        return self.shared(x)[..., self.start : self.start + self.out_features]


class SharedWeight:
    """A weight [out, in] of 8 bits, packed by torch's quantised kernels (FBGEMM or oneDNN on x86)."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        rows = weight.detach().float()
        self.out_features = rows.shape[0]
        scales = rows.abs().amax(1).clamp(min=1e-12) / 127
        zeros = torch.zeros_like(scales, dtype=torch.int64)
        bias = None if bias is None else bias.detach().float()
        with warnings.catch_warnings():
            # torch means to replace its quantised tensors; our torch is pinned.
            warnings.filterwarnings("ignore", "torch.quantize_per_tensor, torch.quantize_per_channel")
            quantised = torch.quantize_per_channel(rows, scales, zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(quantised, bias)
        # Without VNNI the products of 8 by 8 bits overflow, so activations get 7.
        self._reduce_range = not torch.cpu._is_vnni_supported()

    def __call__(self, x: Tensor) -> Tensor:
        y = torch.ops.quantized.linear_dynamic(x.float(), self._packed, self._reduce_range)
        return y.to(x.dtype)


@torch.no_grad()
def quantise(talker: Any) -> None:
    """Turn the linear layers of a talker (Qwen3TTSTalkerForConditionalGeneration) on the CPU into
    8 bits, in place: those of its decoder layers and its whole code predictor. The first code's
    head and the embeddings stay as they are. Takes about 5 s for the 0.6B model.

    Make the loop afterwards. Layers that are not plain linear ones, as an adapter's, are left.
    """
    for layer in (*talker.model.layers, *talker.code_predictor.model.layers):
        for owner, names in _groups(layer):
            _replace(owner, names)
    predictor = talker.code_predictor
    _replace(predictor, ("small_to_mtp_projection",))
    for index in range(len(predictor.lm_head)):
        _replace(predictor.lm_head, (str(index),))


def _groups(layer: Any) -> Iterator[tuple[nn.Module, tuple[str, ...]]]:
    """The linear layers of a decoder layer, those of one input together."""
    yield layer.self_attn, ("q_proj", "k_proj", "v_proj")
    yield layer.self_attn, ("o_proj",)
    yield layer.mlp, ("gate_proj", "up_proj")
    yield layer.mlp, ("down_proj",)


def _replace(owner: nn.Module, names: Sequence[str]) -> None:
    linears = [getattr(owner, name) for name in names]
    if any(type(linear) is not nn.Linear for linear in linears):
        return
    bias = None if linears[0].bias is None else torch.cat([linear.bias for linear in linears])
    shared = SharedWeight(torch.cat([linear.weight for linear in linears]), bias)
    start = 0
    for name, linear in zip(names, linears, strict=True):
        setattr(owner, name, Int8Linear(shared, start, linear.out_features))
        start += linear.out_features
