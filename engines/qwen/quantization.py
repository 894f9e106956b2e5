"""The language model with weights of 8 bits, for processors: half the reading of bfloat16.

Weights are quantised once, symmetrically, each output with a scale of its own; activations stay as they
are. It changes what is said: `engines.qwen.deviation` measures by how much, and nobody has judged it by
ear yet. So it is an option, never the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engines.devices import cpu_has_bfloat16

#: Up to so many rows a weight is read anew for each; from then on writing it out once costs less.
FEW_ROWS = 4


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
    """A weight [out, in] of 8 bits with a scale for each output. A few rows are multiplied by a compiled
    kernel; many, as those of a prompt, by torch with the weight written out for the moment, in bfloat16
    where the processor has it."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        rows = weight.detach().float()
        self.out_features = rows.shape[0]
        self.bias = None if bias is None else bias.detach().float()
        self._scales = rows.abs().amax(1).clamp(min=1e-12) / 127
        # NumPy asks for huge pages, in which a weight is read a tenth faster.
        self._weight = torch.from_numpy(np.empty(rows.shape, np.int8))
        self._weight.copy_((rows / self._scales[:, None]).round_())
        self._dtype = torch.bfloat16 if cpu_has_bfloat16(torch) else torch.float32

    @property
    def arrays(self) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """The weight [out, in] and the scales [out]; views."""
        return self._weight.numpy(), self._scales.numpy()

    def __call__(self, x: Tensor) -> Tensor:
        """[..., in] to [..., out] in the dtype of `x`."""
        rows = x.reshape(-1, x.shape[-1])
        if rows.shape[0] <= FEW_ROWS:
            from engines.qwen.int8_kernels import product

            y = torch.empty(rows.shape[0], self.out_features)
            for row, out in zip(rows.float().contiguous().numpy(), y.numpy(), strict=True):
                product(*self.arrays, row, out)
        else:
            weight = self._weight.to(self._dtype)
            y = functional.linear(rows.to(self._dtype), weight).float() * self._scales
        if self.bias is not None:
            y = y + self.bias
        return y.to(x.dtype).reshape(*x.shape[:-1], self.out_features)


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
