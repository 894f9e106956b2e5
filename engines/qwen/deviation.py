"""How far a faster way of calculating strays from float32, on the very same inputs.

The codes are given, so that a first difference does not make all that follows incomparable. What the
numbers mean for the ear they do not say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engines.qwen.stack import GrowingCache
from engines.qwen.talker import TalkerInput, TalkerModel


@dataclass(frozen=True)
class Outputs:
    """What a talker makes of given codes, in float32."""

    hidden: Tensor  # [n, hidden], the talker's last states
    first: Tensor  # [n, V], logits of the first codes
    residual: Tensor  # [n, 15, V'], logits of the others


@dataclass(frozen=True)
class Deviation:
    """How far outputs are from the reference: |difference| / |reference| of all numbers together."""

    hidden: float
    first: float
    residual: float
    same: float  # the share of codes, 0 to 1, whose likeliest choice is the same


@torch.inference_mode()
def outputs(talker: Any, prompt: TalkerInput, codes: Tensor) -> Outputs:
    """Read `codes` [n, 16] step by step, as a loop does, after the prompt."""
    model = TalkerModel(talker)
    cache = GrowingCache(model.stack, model.device)
    states, first, residual = [], [], []
    hidden = model.stack(prompt.embeds[0].to(model.device, model.dtype), cache)[-1:]
    for index, frame in enumerate(codes.to(model.device)):
        states.append(hidden[0])
        first.append(model.head(hidden)[0])
        given = _Given(frame[1:])
        embedded = model.embed(frame[:1])
        _, rest = model.predictor(hidden, embedded, given)
        residual.append(torch.stack(given.logits))
        text = prompt.text(index).to(model.device, model.dtype)
        hidden = model.stack(embedded + rest + text, cache)
    return Outputs(*(torch.stack(each).float().cpu() for each in (states, first, residual)))


class _Given:
    """In place of a sampler: answers with given codes and keeps the logits."""

    def __init__(self, codes: Tensor) -> None:
        self.logits: list[Tensor] = []
        self._codes = codes

    def residual(self, logits: Tensor) -> Tensor:
        self.logits.append(logits.clone())
        return self._codes[len(self.logits) - 1]


def deviation(reference: Outputs, measured: Outputs) -> Deviation:
    """How far `measured` is from `reference`, of the same codes."""
    same = torch.cat(
        [
            (reference.first.argmax(-1) == measured.first.argmax(-1)).flatten(),
            (reference.residual.argmax(-1) == measured.residual.argmax(-1)).flatten(),
        ]
    )
    return Deviation(
        _relative(reference.hidden, measured.hidden),
        _relative(reference.first, measured.first),
        _relative(reference.residual, measured.residual),
        float(same.float().mean()),
    )


def signal_to_error(reference: NDArray[np.float32], measured: NDArray[np.float32]) -> float:
    """The power of a sound over that of the error in it, dB; infinite without an error."""
    error = float(np.square(measured.astype(np.float64) - reference).mean())
    power = float(np.square(reference.astype(np.float64)).mean())
    return float(10 * np.log10(power / error)) if error else float("inf")


def _relative(reference: Tensor, measured: Tensor) -> float:
    return float((measured - reference).norm() / reference.norm())
