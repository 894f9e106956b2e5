"""Two sounds made equal in all but what they sound like, so that neither is chosen for its level."""

from __future__ import annotations

import numpy as np

from studio.audio.loudness import loudness
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples


def matched(one: Audio, other: Audio) -> tuple[Audio, Audio]:
    """Both at the higher of their sample rates, as loud as the quieter one after BS.1770, and as long as
    the longer one, the rest of the shorter being silence.

    Only made quieter, so that nothing clips. Where one has no loudness, being silent or shorter than
    0.4 s, both keep their levels.
    """
    rate = max(one.sample_rate, other.sample_rate)
    sounds = [resample(each, rate) for each in (one, other)]
    levels = [loudness(each) for each in sounds]
    length = max(len(each.samples) for each in sounds)
    told = [level for level in levels if level is not None]
    target = min(told) if len(told) == len(sounds) else None
    first, second = (
        Audio(_padded(each.samples * _gain(level, target), length), rate)
        for each, level in zip(sounds, levels, strict=True)
    )
    return first, second


def _gain(level: float | None, target: float | None) -> np.float32:
    return np.float32(1.0 if level is None or target is None else 10 ** ((target - level) / 20))


def _padded(samples: Samples, length: int) -> Samples:
    return np.pad(samples, (0, length - len(samples)))
