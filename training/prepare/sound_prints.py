"""Fingerprints of sounds: alike for the same words of the same recording, whatever the file's format, level
or sample rate and wherever exactly it was cut; different for anything else.

A picture of the sound, log power by mel band and time, is described by its slowest changes (the lowest
coefficients of a two-dimensional cosine transform), of each of which only the sign is kept: as in
perceptual hashes of pictures, and as in Haitsma and Kalker, "A highly robust audio fingerprinting system",
ISMIR 2002, a level or a filter changes few of them. The picture goes from where the first fiftieth of the
sound's amplitude has passed to where the last begins, so that a little more silence moves nothing.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from studio.audio.types import Samples

BITS = 256

_LOW_HZ, _HIGH_HZ, _BANDS = 250.0, 3_400.0, 20
_COLUMNS, _LEAST_FRAMES = 64, 20
#: The coefficients that are kept: of time (without the constant one) and of frequency.
_OF_TIME, _OF_BANDS = 16, 16
_AMPLITUDE_SHARE = 0.02
#: What lies this far below the loudest counts as silence, dB.
_FLOOR_DB = 35.0


def sound_print(power: Samples, rate: int) -> str:
    """The print of the sound with this power, from studio.audio.bandwidth.spectrum: 64 hex digits; ""
    for silence and for less than half a second."""
    bands = _in_bands(power, rate)
    passed = np.cumsum(np.sqrt(bands.sum(axis=1)))
    if len(passed) < _LEAST_FRAMES or passed[-1] <= 0:
        return ""
    share = passed / passed[-1]
    first, last = np.interp([_AMPLITUDE_SHARE, 1 - _AMPLITUDE_SHARE], share, np.arange(len(share)))
    # The mean over what lies between two columns, not a sample at each.
    at = np.linspace(float(first), float(last), _COLUMNS + 1) + 0.5
    sums = np.concatenate([np.zeros((1, _BANDS)), np.cumsum(_decibels(bands), axis=0)])
    whole = np.minimum(at.astype(int), len(sums) - 2)
    edges = sums[whole] + (sums[whole + 1] - sums[whole]) * (at - whole)[:, None]
    picture = np.diff(edges, axis=0)
    bits = _cosines(_COLUMNS, _OF_TIME, 1) @ picture @ _cosines(_BANDS, _OF_BANDS, 0).T > 0
    return np.packbits(bits.ravel()).tobytes().hex()


def differing_bits(left: str, right: str) -> int:
    """How many of the 256 bits of two prints differ."""
    return (int(left, 16) ^ int(right, 16)).bit_count()


def _in_bands(power: Samples, rate: int) -> npt.NDArray[np.float64]:
    """[frames, bands]"""
    frequencies = np.linspace(0, rate / 2, power.shape[1])
    bins = np.searchsorted(frequencies, _mel_edges())
    return np.add.reduceat(power[:, : bins[-1] + 1], bins, axis=1)[:, :-1].astype(np.float64)


@cache
def _mel_edges() -> npt.NDArray[np.float64]:
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOW_HZ, _HIGH_HZ))
    return np.asarray(700 * (10 ** (np.linspace(low, high, _BANDS + 1) / 2595) - 1))


def _decibels(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    floor = power.max() * 10 ** (-_FLOOR_DB / 10)
    return np.asarray(10 * np.log10(np.maximum(power, floor)))


@cache
def _cosines(size: int, count: int, first: int) -> npt.NDArray[np.float64]:
    """Rows `first` to `first` + `count` of the cosine transform over `size` points."""
    return np.cos(np.pi / size * np.outer(np.arange(first, first + count), np.arange(size) + 0.5))
