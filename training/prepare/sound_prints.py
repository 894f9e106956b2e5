"""Fingerprints of sounds: alike for the same words of the same recording, whatever the file's format, level
or sample rate and wherever exactly it was cut; different for anything else.

A picture of the sound, log power by mel band and time, is described by its slowest changes (the lowest
coefficients of a two-dimensional cosine transform), of each of which only the sign is kept: as in
perceptual hashes of pictures, and as in Haitsma and Kalker, "A highly robust audio fingerprinting system",
ISMIR 2002, a level or a filter changes few of them. The picture goes from where the first hundredth of the
sound's amplitude has passed to where the last begins, so that a little more silence moves nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.audio.types import Samples

#: Of two prints of the same sound fewer bits than this differ, of others more; see tests.
SAME_SOUND_BITS = 64
BITS = 256

_LOW_HZ, _HIGH_HZ, _BANDS = 250.0, 3_400.0, 20
_FRAME_S, _COLUMNS = 0.03, 64
#: The coefficients that are kept: of time (without the constant one) and of frequency.
_OF_TIME, _OF_BANDS = 16, 16
_AMPLITUDE_SHARE = 0.01
#: What lies this far below the loudest counts as silence, dB.
_FLOOR_DB = 45.0


def sound_print(samples: Samples, rate: int) -> str:
    """The print of `samples`, mono float32 [n] at `rate` Hz: 64 hex digits; "" for silence and for less
    than half a second."""
    if len(samples) < rate / 2 or not np.any(samples):
        return ""
    power = _band_power(samples, rate)
    picture = _decibels(power)
    total = np.cumsum(np.sqrt(power.sum(axis=1)))
    if total[-1] <= 0:
        return ""
    share = total / total[-1]
    first, last = np.interp([_AMPLITUDE_SHARE, 1 - _AMPLITUDE_SHARE], share, np.arange(len(share)))
    # The mean over what lies between two columns, not a sample at each.
    sums = np.concatenate([np.zeros((1, _BANDS)), np.cumsum(picture, axis=0)])
    at = np.linspace(float(first), float(last), _COLUMNS + 1) + 0.5
    steps = np.stack([np.interp(at, np.arange(len(sums)), sums[:, band]) for band in range(_BANDS)], 1)
    scaled = np.diff(steps, axis=0)
    bits = _cosines(_COLUMNS, _OF_TIME, 1) @ scaled @ _cosines(_BANDS, _OF_BANDS, 0).T > 0
    return np.packbits(bits.ravel()).tobytes().hex()


def differing_bits(left: str, right: str) -> int:
    """How many of the 256 bits of two prints differ."""
    return (int(left, 16) ^ int(right, 16)).bit_count()


def _band_power(samples: Samples, rate: int) -> npt.NDArray[np.float64]:
    """[frames, bands]"""
    size = 2 ** int(np.ceil(np.log2(_FRAME_S * rate)))
    hop = size // 2
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    spectrum = np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    bins = np.searchsorted(np.fft.rfftfreq(size, 1 / rate), _mel_edges())
    return np.add.reduceat(power, bins, axis=1)[:, :-1].astype(np.float64)


def _mel_edges() -> npt.NDArray[np.float64]:
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOW_HZ, _HIGH_HZ))
    return np.asarray(700 * (10 ** (np.linspace(low, high, _BANDS + 1) / 2595) - 1))


def _decibels(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    floor = power.max() * 10 ** (-_FLOOR_DB / 10)
    return np.asarray(10 * np.log10(np.maximum(power, floor)))


def _cosines(size: int, count: int, first: int) -> npt.NDArray[np.float64]:
    """Rows `first` to `first` + `count` of the cosine transform over `size` points."""
    return np.cos(np.pi / size * np.outer(np.arange(first, first + count), np.arange(size) + 0.5))
