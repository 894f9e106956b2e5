"""Up to which frequency a recording has sound, whatever its sample rate promises."""

from __future__ import annotations

import numpy as np

from studio.audio.types import Samples

#: Resolution, Hz.
_BAND_HZ = 250
_FRAME_S = 0.03
#: What lies this far below the loudest band is nothing: real recordings have noise above it, whereas
#: resampling and lossy coding leave less than -70 dB beyond their cut.
_NOTHING_DB = -60.0
#: A band counts by what it holds in the frames where it holds most: the hiss of an "s" is short.
_PERCENTILE = 95
#: Frames that are transformed at once.
_AT_ONCE = 512


def bandwidth(samples: Samples, rate: int) -> float | None:
    """The frequency in Hz, to 250 Hz, above which `samples` (mono float32 [n] at `rate` Hz) hold
    nothing; half of `rate` where there is sound up to the end. None for silence, or less than 0.3 s.

    Finds audio that was upsampled by filtering, or cut by MP3 and its kind; not what was upsampled by
    repeating or joining samples, whose images look like sound.
    """
    size = 2 ** int(np.ceil(np.log2(_FRAME_S * rate)))
    hop = size // 2
    count = (len(samples) - size) // hop + 1
    if len(samples) < 0.3 * rate or not np.any(samples):
        return None
    edges = np.arange(0, rate / 2, _BAND_HZ)
    bins = np.searchsorted(np.fft.rfftfreq(size, 1 / rate), edges)
    window = np.hanning(size).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    power = [
        np.add.reduceat(np.abs(np.fft.rfft(frames[at : at + _AT_ONCE] * window)) ** 2, bins, axis=1)
        for at in range(0, count, _AT_ONCE)
    ]
    bands = np.percentile(np.concatenate(power), _PERCENTILE, axis=0)
    sounding = np.flatnonzero(bands > bands.max() * 10 ** (_NOTHING_DB / 10))
    if not len(sounding):
        return None
    return float(min(rate / 2, edges[sounding[-1]] + _BAND_HZ))
