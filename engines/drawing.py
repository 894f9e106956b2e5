"""How engines draw tokens from logits: transformers' processors and its order of them, from a
generator of one's own.

A token is drawn as argmax(p / e), where e is exponentially distributed noise (the Gumbel-max trick, as
`torch.multinomial` does it for one sample). So the same seed gives the tokens that transformers'
`generate` gives after `torch.manual_seed`, nothing global is seeded, and the noise can be made
before the logits are known, which is what a CUDA graph needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """How one token is drawn from its logits."""

    temperature: float = 0.9  # 0 takes the likeliest token always
    top_k: int = 50  # 0 keeps all
    top_p: float = 1.0  # 1 keeps all

    @property
    def greedy(self) -> bool:
        return self.temperature == 0


def penalised(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """`logits` [V] with those of `seen` [V] bool made less likely (CTRL, Keskar et al. 2019)."""
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def pick(logits: Tensor, draw: Draw, noise: Tensor | None) -> Tensor:
    """One token [] int64 from `logits` [V] float32; `noise` [V] is exponential, None when greedy.

    Shapes do not depend on values and nothing waits for the device, so a CUDA graph can hold it.
    """
    if noise is None:
        return logits.argmax(-1)
    if draw.temperature != 1.0:
        logits = logits / draw.temperature
    if 0 < draw.top_k < logits.shape[-1]:
        weakest = logits.topk(draw.top_k).values[-1:]
        logits = logits.masked_fill(logits < weakest, float("-inf"))
    if draw.top_p < 1.0:
        logits = _nucleus(logits, draw.top_p)
    return (logits.softmax(-1) / noise).argmax(-1)


def _nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Only the likeliest that together have a probability of `top_p`, and at least one."""
    ascending, order = logits.sort()
    removed = ascending.softmax(-1).cumsum(-1) <= 1 - top_p
    removed[-1:] = False
    return logits.masked_fill(removed.scatter(0, order, removed), float("-inf"))
