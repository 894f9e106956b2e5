"""When the eyes blink and how the head sways: drawn by chance from a seed, one frame after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

#: A blink: closing, closed, opening, seconds.
_CLOSING_S, _CLOSED_S, _OPENING_S = 0.08, 0.04, 0.14
#: Of an interval's mean, how much shorter and longer it may be.
_VARIATION = 0.55
#: The sway grows to its full extent in so many seconds: the first frame is the picture.
_RAMP_S = 2.0
#: Slow waves that make up the sway: Hz and share.
_WAVES = ((0.13, 1.0), (0.29, 0.6), (0.61, 0.25))


class Sway(NamedTuple):
    """Where the head is, against the picture; at most about 1 each way."""

    x: float
    y: float
    turn: float


def blinks(seed: int, per_minute: float, fps: int) -> Iterator[float]:
    """How far the eyes are closed in each frame, 0 to 1, without end."""
    if per_minute <= 0:
        while True:
            yield 0.0
    rng = np.random.default_rng(seed)
    mean = 60 / per_minute
    begin = float(rng.uniform(0.3, 1.0)) * mean
    index = 0
    while True:
        into = (index + 0.5) / fps - begin
        yield _closed(into)
        index += 1
        if into > _CLOSING_S + _CLOSED_S + _OPENING_S:
            begin += max(mean * float(rng.uniform(1 - _VARIATION, 1 + _VARIATION)), 0.6)


def _closed(seconds: float) -> float:
    """How far an eye is closed so long after a blink's beginning."""
    if seconds < _CLOSING_S:
        return _eased(seconds / _CLOSING_S)
    return _eased(1 - (seconds - _CLOSING_S - _CLOSED_S) / _OPENING_S)


def sway(seed: int, fps: int) -> Iterator[Sway]:
    """Where the head is in each frame, without end."""
    rng = np.random.default_rng(seed + 1)
    phases = rng.uniform(0, 2 * math.pi, (3, len(_WAVES))).tolist()
    rates = rng.uniform(0.85, 1.15, (3, len(_WAVES))).tolist()
    whole = sum(share for _, share in _WAVES)
    index = 0
    while True:
        seconds = index / fps
        waves = (
            sum(
                share * math.sin(2 * math.pi * hertz * rate * seconds + phase)
                for (hertz, share), rate, phase in zip(_WAVES, own_rates, own_phases, strict=True)
            )
            for own_rates, own_phases in zip(rates, phases, strict=True)
        )
        ramp = _eased(seconds / _RAMP_S)
        yield Sway(*(ramp * wave / whole for wave in waves))
        index += 1


def _eased(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)
