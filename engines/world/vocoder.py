"""Speech as frames of pitch, envelope and aperiodicity, and back, by WORLD.

M. Morise, F. Yokomori, K. Ozawa: WORLD: a vocoder-based high-quality speech synthesis system for
real-time applications, IEICE Transactions E99-D (2016).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from studio.audio.types import Samples
from studio.errors import EngineFailed

Floats: TypeAlias = npt.NDArray[np.float64]

SAMPLE_RATE = 22_050  # Hz, of all speech here
FRAME_S = 0.005
FFT_SIZE = 1024
BINS = FFT_SIZE // 2 + 1

#: Where pitch is looked for, Hz.
F0_FLOOR, F0_CEILING = 60.0, 500.0
#: The lowest pitch whose envelope FFT_SIZE can resolve at this sample rate, Hz.
_ENVELOPE_FLOOR = 71.0

#: The frequency of each bin, Hz.
FREQUENCIES: Floats = np.arange(BINS) * SAMPLE_RATE / FFT_SIZE

#: So few frames have the same mean aperiodicity within a hundredth.
FOR_MEANS = 8

_SHORTEST = 2 * FFT_SIZE  # samples
_POWER_FLOOR = 1e-12


@dataclass(frozen=True, eq=False)
class Frames:
    """Speech every FRAME_S seconds; all float64."""

    f0: Floats  # [t], Hz, 0 where unvoiced
    log_envelope: Floats  # [t, BINS], natural log of power
    aperiodicity: Floats  # [t, BINS], 0 periodic to 1 noise

    def __len__(self) -> int:
        return len(self.f0)

    @property
    def voiced(self) -> npt.NDArray[np.bool_]:
        return self.f0 > 0

    @property
    def level(self) -> Floats:
        """Power of each frame in dB, [t]; 0 dB is arbitrary but the same everywhere."""
        return np.asarray(10 * np.log10(np.exp(self.log_envelope).sum(1) + _POWER_FLOOR))


@functools.cache
def _pyworld() -> Any:
    try:
        import pyworld
    except ImportError as error:
        raise EngineFailed(
            f"The WORLD vocoder cannot be loaded: {error}.",
            "Voice match and design need it: pip install pyworld-prebuilt",
        ) from error
    return pyworld


def analyse(samples: Samples | Floats, every: int = 1) -> Frames:
    """The frames of `samples`, mono [n] at SAMPLE_RATE, at least some 90 ms of them. The aperiodicity, which
    takes two thirds of the time, is looked at in each `every`th voiced frame and held until the next: FOR_MEANS
    is enough where only its mean over seconds counts. Raises EngineFailed without pyworld."""
    world = _pyworld()
    signal = np.ascontiguousarray(samples, np.float64)
    # WORLD fails on less than a few periods.
    signal = np.pad(signal, (0, max(0, _SHORTEST - len(signal))))
    coarse, times = world.dio(
        signal, SAMPLE_RATE, f0_floor=F0_FLOOR, f0_ceil=F0_CEILING, frame_period=FRAME_S * 1000
    )
    f0 = world.stonemask(signal, coarse, times, SAMPLE_RATE)
    envelope = world.cheaptrick(
        signal, f0, times, SAMPLE_RATE, fft_size=FFT_SIZE, f0_floor=_ENVELOPE_FLOOR
    )
    aperiodicity = _aperiodicity(signal, f0, times, every)
    return Frames(f0, np.log(envelope + _POWER_FLOOR), aperiodicity)


def _aperiodicity(signal: Floats, f0: Floats, times: Floats, every: int) -> Floats:
    made = np.ones((len(f0), BINS))  # what is unvoiced is all noise
    voiced = np.flatnonzero(f0 > 0)
    looked_at = voiced[::every]
    if len(looked_at):
        found = _pyworld().d4c(signal, f0[looked_at], times[looked_at], SAMPLE_RATE, fft_size=FFT_SIZE)
        made[voiced] = np.repeat(found, every, axis=0)[: len(voiced)]
    return made


def synthesise(frames: Frames, length: int) -> Floats:
    """`length` samples of the sound of `frames`, float64 [length], not limited to [-1, 1]."""
    sound = _pyworld().synthesize(
        np.ascontiguousarray(frames.f0),
        np.ascontiguousarray(np.exp(frames.log_envelope)),
        np.ascontiguousarray(np.clip(frames.aperiodicity, 1e-3, 0.999)),
        SAMPLE_RATE,
        FRAME_S * 1000,
    )
    return np.pad(sound[:length], (0, max(0, length - len(sound))))


def coded_aperiodicity(aperiodicity: Floats) -> Floats:
    """Aperiodicity in the few bands that WORLD tells apart, dB [t, bands]."""
    coded = _pyworld().code_aperiodicity(np.ascontiguousarray(aperiodicity), SAMPLE_RATE)
    return np.asarray(coded, np.float64)


def decoded_aperiodicity(bands: Floats) -> Floats:
    """The inverse of `coded_aperiodicity`, [t, BINS]."""
    decoded = _pyworld().decode_aperiodicity(
        np.ascontiguousarray(bands, np.float64), SAMPLE_RATE, FFT_SIZE
    )
    return np.asarray(decoded, np.float64)
