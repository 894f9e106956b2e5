"""Cutting speech where nothing sounds, so that the pieces can be converted one by one and joined."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from engines.world.vocoder import SAMPLE_RATE, Floats
from studio.audio.types import Samples

#: The first piece is short, for the first sound to come soon; the others are long, for speed.
_FIRST_S, _OTHERS_S = (0.6, 1.5), (2.0, 6.0)
_HOP = SAMPLE_RATE // 200  # samples; loudness is looked at this often
#: Quiet enough to cut: this far below the loudest, dB.
_QUIET_DB = -45.0
_FADE = SAMPLE_RATE // 250  # samples
#: Peaks above this are bent, not cut.
_KNEE = 0.8


def cuts(samples: Floats) -> list[tuple[int, int]]:
    """[start, end) of each piece of `samples`, [n]; together they are all of it."""
    hops = len(samples) // _HOP
    power = np.square(samples[: hops * _HOP]).reshape(hops, _HOP).mean(1)
    level = 10 * np.log10(power / max(float(power.max(initial=0)), 1e-12) + 1e-12)
    # The quietest of three hops in a row: a cut in the middle of a gap touches no sound.
    calm = np.maximum(np.maximum(level, np.roll(level, 1)), np.roll(level, -1))
    places = [0]
    while True:
        least, most = _FIRST_S if len(places) == 1 else _OTHERS_S
        start = places[-1] // _HOP
        first, last = start + int(least * 200), start + int(most * 200)
        if hops - first < int(_FIRST_S[0] * 200):
            break
        window = calm[first : min(last, hops - 1)]
        quiet = np.flatnonzero(window < _QUIET_DB)
        # The first good place; else the least bad, where the fade hides the join.
        offset = int(quiet[0]) if len(quiet) else int(window.argmin())
        places.append((first + offset) * _HOP + _HOP // 2)
    return list(pairwise([*places, len(samples)]))


def joined(pieces: Iterator[Floats], gain: float) -> Iterator[Samples]:
    """The pieces with their edges faded, times `gain`, limited to [-1, 1]: float32."""
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(_FADE) + 0.5) / _FADE)
    for piece in pieces:
        sound = piece * gain
        edge = fade[: len(sound)]
        sound[: len(edge)] *= edge
        sound[len(sound) - len(edge) :] *= edge[::-1]
        yield limited(sound).astype(np.float32)


def limited(sound: Floats) -> Floats:
    """`sound` with what exceeds _KNEE bent smoothly below 1."""
    over = np.maximum(np.abs(sound) - _KNEE, 0)
    bent = _KNEE + (1 - _KNEE) * np.tanh(over / (1 - _KNEE))
    return np.asarray(np.where(over > 0, np.sign(sound) * bent, sound))
