"""The pitch of a voice, by WORLD's trackers DIO and StoneMask.

M. Morise, H. Kawahara, H. Katayose: Fast and reliable F0 estimation method based on the period extraction
of vocal fold vibration of singing voice and speech, AES 35th International Conference (2009).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from studio.audio.types import Audio

Floats: TypeAlias = npt.NDArray[np.float64]

#: Where speech is looked for, Hz.
FLOOR_HZ, CEILING_HZ = 60.0, 500.0
_STEP_S = 0.005
#: WORLD fails on less than a few periods, seconds.
_SHORTEST_S = 0.1
#: What is so much quieter than the usual voiced frame is breath and echo, dB.
_BELOW_DB = 20.0
#: The least that a voice is told from: seconds of it, and its share of what is as loud; noise has a
#: little that looks like voice.
_MIN_VOICED_S, _MIN_VOICED_SHARE = 0.5, 0.15
#: log F0 further from the median than this is an octave error of the tracker.
_OCTAVE_ERROR = 0.7


def track(
    audio: Audio, step_s: float = _STEP_S, floor: float = FLOOR_HZ, ceiling: float = CEILING_HZ
) -> tuple[Floats, Floats]:
    """The moments every `step_s` seconds (s), and F0 at each of them (Hz, 0 where unvoiced)."""
    import pyworld

    rate = audio.sample_rate
    samples = audio.samples.astype(np.float64)
    samples = np.pad(samples, (0, max(0, round(_SHORTEST_S * rate) - len(samples))))
    coarse, _ = pyworld.dio(samples, rate, floor, ceiling, frame_period=1000 * step_s)
    times = np.arange(len(coarse), dtype=np.float64) * step_s
    return times, np.asarray(pyworld.stonemask(samples, coarse, times, rate))


def median_f0(clips: Iterable[Audio]) -> float | None:
    """The median pitch in Hz of one voice over all `clips`; None where too little of them is voiced."""
    frames = [_levels(clip) for clip in clips]
    if not frames:
        return None
    f0, level = np.concatenate(frames, axis=1)
    voiced = f0 > 0
    if not voiced.any():
        return None
    loud = level > np.median(level[voiced]) - _BELOW_DB
    voiced &= loud
    if voiced.sum() * _STEP_S < _MIN_VOICED_S or voiced.sum() < _MIN_VOICED_SHARE * loud.sum():
        return None
    log_f0 = np.log(f0[voiced])
    log_f0 = log_f0[np.abs(log_f0 - np.median(log_f0)) < _OCTAVE_ERROR]
    return float(np.exp(np.median(log_f0)))


def _levels(clip: Audio) -> Floats:
    """F0 and the level in dB at each of its moments, [2, t]."""
    _, f0 = track(clip)
    edges = np.rint(np.arange(len(f0) + 1) * _STEP_S * clip.sample_rate).astype(np.int64)
    energy = np.concatenate([[0.0], np.cumsum(np.square(clip.samples, dtype=np.float64))])
    power = np.diff(energy[np.minimum(edges, len(clip.samples))]) / np.diff(edges)
    return np.stack([f0, 10 * np.log10(np.maximum(power, 0) + 1e-12)])
