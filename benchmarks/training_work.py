"""How much there is to calculate for a clip in training, and what a card could calculate at most.

Counted are the products of matrices, two operations for each weight that a position meets: those of the
transformer's layers and of the heads that it is asked by. Forward once; backward once for what the weights
see and once for the weights, which frozen ones do not need:

    full: 6 weights a position      LoRA: 4 weights a position + 6 weights of the adapters

To this comes attention, where each of n positions is compared with n: 4 n times the width of all heads, in
each layer; forward once and backward twice. Embeddings, norms and what hears the voice are left out, and so
is padding, so that a share of the card's peak is rather too low.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from studio.runs.shapes import Layers, Shape
from studio.runs.values import LORA_TARGETS, Family, LoraOptions, Method

#: Positions besides text and codes: voice, language, marks.
_AROUND = {Family.XTTS: 35, Family.QWEN: 8}

#: Products of bfloat16 a second, dense, as the makers' data sheets say, by words of the card's name.
PEAKS = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
}


def positions(family: Family, letters: int, codes: int) -> int:
    return letters + codes + _AROUND[family]


def operations(
    shape: Shape, method: Method, lora: LoraOptions, clips: Iterable[tuple[int, int]]
) -> float:
    """Of one epoch over `clips`, each of so many letters and codes or frames."""
    return sum(_clip(shape, method, lora, letters, codes) for letters, codes in clips)


def peak_of(card: str) -> float | None:
    """Operations a second; None for a card that is not known."""
    words = set(re.split(r"[\s-]+", card))
    return next((peak for name, peak in PEAKS.items() if set(name.split()) <= words), None)


def _clip(shape: Shape, method: Method, lora: LoraOptions, letters: int, codes: int) -> float:
    names = () if method is Method.FULL else lora.targets or LORA_TARGETS[shape.family]
    count = positions(shape.family, letters, codes)
    made = _through(shape.layers, lora, names, count)
    times = 6 if method is Method.FULL else 4
    width = shape.layers.width
    if shape.predictor is None:
        asked = shape.heads["text_head"] * letters + shape.heads["mel_head"] * codes
        return made + times * asked
    # The predictor reads 16 positions for each frame, and a head of its own asks all but one of them.
    made += codes * _through(shape.predictor, lora, names, shape.groups)
    one = shape.vocabulary * width
    others = (shape.groups - 1) * _CODES * shape.predictor.width
    return made + times * codes * (one + others)


#: Of each codebook of Qwen3-TTS.
_CODES = 2048


def _through(layers: Layers, lora: LoraOptions, names: tuple[str, ...], count: int) -> float:
    """`count` positions through `layers`; `names` have adapters, none of them: all is trained."""
    heads = layers.matrices.get("q_proj", (0, layers.width))[1]
    attention = 3 * 4 * count * heads * layers.count
    weights = 4 * layers.parameters + 6 * layers.adapter(lora, names) if names else 6 * layers.parameters
    return float(count * (weights + attention))
