"""Tones that stay where they are, as those of instruments do and a voice's never.

The harmonics of speech glide all the time. In read speech by five people hardly any stayed within a
semitone's tenth for four tenths of a second, and never two at once, whereas music 20 dB below the
speech still showed such tones in a tenth of the time and more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.audio import vad
from studio.audio.resampling import resample
from studio.audio.types import Audio

#: 128 ms, long enough to part neighbouring tones, every 16 ms.
_WINDOW, _HOP = 2048, 256
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 4_000.0
#: A tone stands this far above what is around it, and at most that far below the loudest. dB.
_PROMINENCE_DB, _DEPTH_DB = 10.0, 70.0
#: Bins on either side that are "around it".
_AROUND = 20
#: It stays within this part of its frequency, or within some hertz, for so many hops, missing a few.
_DRIFT, _DRIFT_HZ = 0.006, 2.0
_LEAST_HOPS, _MISSING_HOPS = 25, 2
#: The mains hum at multiples of these, within so many hertz.
_MAINS_HZ, _HUM_HZ = (50.0, 60.0), 1.5
#: One tone may be a whistle or a flat vowel.
_AT_ONCE = 2


def steady_share(audio: Audio) -> float:
    """In which part of `audio`, 0 to 1, two steady tones or more sound at once.

    The hum of the mains does not count. Music without tones, such as drums, is not found; a voice that
    is sung without vibrato, or that a machine keeps at one pitch, is.
    """
    samples = resample(audio, vad.SAMPLE_RATE).samples
    if len(samples) < _WINDOW:
        return 0.0
    frequencies = _peaks(samples.astype(np.float64))
    sounding = np.zeros(len(frequencies), np.int64)
    for start, end in _tracks(frequencies):
        sounding[start:end] += 1
    return float((sounding >= _AT_ONCE).mean())


def _peaks(samples: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    """The frequencies (Hz) of what stands out of the spectrum, hop by hop."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW)))
    level = 20 * np.log10(spectrum + 1e-9)
    first, last = (round(hertz * _WINDOW / vad.SAMPLE_RATE) for hertz in (_LOWEST_HZ, _HIGHEST_HZ))
    padded = np.pad(level, ((0, 0), (_AROUND + 1, _AROUND)), mode="edge")
    sums = np.cumsum(padded, axis=1)
    around = (sums[:, 2 * _AROUND + 1 :] - sums[:, : -2 * _AROUND - 1]) / (2 * _AROUND + 1)
    here, below, above = (level[:, first + by : last + by] for by in (0, -1, 1))
    stands_out = (here > below) & (here >= above) & (here > around[:, first:last] + _PROMINENCE_DB)
    stands_out &= here > level.max() - _DEPTH_DB
    # The top of the parabola through the three levels.
    offset = 0.5 * (below - above) / np.minimum(below - 2 * here + above, -1e-9)
    hertz = (np.arange(first, last) + offset) * vad.SAMPLE_RATE / _WINDOW
    for mains in _MAINS_HZ:
        stands_out &= np.abs(hertz - mains * np.rint(hertz / mains)) > _HUM_HZ
    return [hertz[hop][stands_out[hop]] for hop in range(len(hertz))]


def _tracks(frequencies: list[npt.NDArray[np.float64]]) -> list[tuple[int, int]]:
    """The hops from and to which a tone stays; only those that last."""
    lasting: list[tuple[int, int]] = []
    held: list[tuple[float, int, int]] = []  # frequency, first and last hop
    for hop, present in enumerate(frequencies):
        taken = np.zeros(len(present), bool)
        still: list[tuple[float, int, int]] = []
        for hertz, first, last in held:
            nearest = int(np.argmin(np.abs(present - hertz))) if len(present) else -1
            near = nearest >= 0 and abs(present[nearest] - hertz) <= max(_DRIFT * hertz, _DRIFT_HZ)
            if near and not taken[nearest]:
                taken[nearest] = True
                still.append((hertz, first, hop))
            elif hop - last <= _MISSING_HOPS:
                still.append((hertz, first, last))
            elif last + 1 - first >= _LEAST_HOPS:
                lasting.append((first, last + 1))
        held = still + [(float(hertz), hop, hop) for hertz in present[~taken]]
    return lasting + [(first, last + 1) for _, first, last in held if last + 1 - first >= _LEAST_HOPS]
