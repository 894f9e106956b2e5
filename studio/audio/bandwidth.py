"""Up to which frequency a recording has sound, whatever its sample rate promises."""

from __future__ import annotations

import numpy as np

from studio.audio.types import Samples

#: Resolution, Hz.
_BAND_HZ = 250
_FRAME_S = 0.03
#: Less than this tells nothing, seconds.
_LEAST_S = 0.3
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
    size = _size(rate)
    hop = size // 2
    count = (len(samples) - size) // hop + 1
    if len(samples) < _LEAST_S * rate or not np.any(samples):
        return None
    parts = [
        _bands(spectrum(samples[at * hop : (at + _AT_ONCE - 1) * hop + size], rate), rate)
        for at in range(0, count, _AT_ONCE)
    ]
    return _highest(np.concatenate(parts), rate)


def bandwidth_of(power: Samples, rate: int) -> float | None:
    """The same from `spectrum`'s power."""
    if len(power) * _size(rate) / 2 < _LEAST_S * rate or not power.any():
        return None
    return _highest(_bands(power, rate), rate)


def spectrum(samples: Samples, rate: int) -> Samples:
    """The power of frames of 30 ms or a little more, each half over the next: float32 [frames, bins],
    the bins from 0 Hz to half of `rate`."""
    import scipy.fft

    size = _size(rate)
    if len(samples) < size:
        return np.zeros((0, size // 2 + 1), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2]
    made = scipy.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1, overwrite_x=True)
    parts = made.view(made.real.dtype)  # real and imaginary in turn
    np.square(parts, out=parts)
    power: Samples = parts[:, ::2] + parts[:, 1::2]
    return power


def _size(rate: int) -> int:
    return int(2 ** np.ceil(np.log2(_FRAME_S * rate)))


def _bands(power: Samples, rate: int) -> Samples:
    frequencies = np.fft.rfftfreq(_size(rate), 1 / rate)
    return np.add.reduceat(power, np.searchsorted(frequencies, np.arange(0, rate / 2, _BAND_HZ)), axis=1)


def _highest(bands: Samples, rate: int) -> float | None:
    # np.percentile takes ten times as long, and a build asks for every segment.
    position = (len(bands) - 1) * _PERCENTILE / 100
    below = int(position)
    usual = np.sort(bands, axis=0)[below : below + 2]
    usual = usual[0] + (usual[-1] - usual[0]) * np.float32(position - below)
    sounding = np.flatnonzero(usual > usual.max() * 10 ** (_NOTHING_DB / 10))
    if not len(sounding):
        return None
    return float(min(rate / 2, (sounding[-1] + 1) * _BAND_HZ))
