"""Where the sound of a recording begins and ends, also when there is noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.audio.snr import pauses
from studio.audio.types import Audio

_FRAME_S = 0.01
#: The level is smoothed over so many frames.
_SMOOTH = 3
#: Sound is what is less than this below the loudest frame and more than that above the noise.
_BELOW_LOUDEST_DB, _ABOVE_NOISE_DB = 40.0, 6.0
#: The noise of what has no pauses is at most its quietest tenth, which may be speech. Never mind it, then,
#: nearer to the loudest than this.
_NEAREST_DB = 20.0
#: Pauses are judged by when they are that long together, seconds.
_LEARNED_S = 0.2
#: What is shorter is a click.
_SHORTEST_S = 0.06
#: Quieter than this, dBFS, is silence throughout.
_SILENCE_DBFS = -75.0


def sounding(audio: Audio) -> tuple[float, float] | None:
    """From the first sound to the last, in seconds; None for silence and for clicks alone."""
    size = max(1, round(_FRAME_S * audio.sample_rate))
    count = len(audio.samples) // size
    if count < _SMOOTH:
        return None
    centred = audio.samples[: count * size] - audio.samples.mean(dtype=np.float64).astype(np.float32)
    power = np.square(centred, dtype=np.float32).reshape(count, size).mean(axis=1, dtype=np.float64)
    power = np.convolve(power, np.ones(_SMOOTH) / _SMOOTH, "same")
    loudest = float(power.max())
    if loudest < _ratio(_SILENCE_DBFS):
        return None
    quiet = loudest * _ratio(-_BELOW_LOUDEST_DB)
    loud = power > max(quiet, _noise(audio, power, loudest) * _ratio(_ABOVE_NOISE_DB))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    lasting = ends - starts >= round(_SHORTEST_S / _FRAME_S)
    if not lasting.any():
        return None
    start, end = int(starts[lasting][0]), int(ends[lasting][-1])
    return start * _FRAME_S, audio.duration if end == count else end * _FRAME_S


def _noise(audio: Audio, power: npt.NDArray[np.float64], loudest: float) -> float:
    """Its power: that of the pauses, else no more than what surely is no speech."""
    frames = [
        power[round(start / _FRAME_S) : round(end / _FRAME_S)]
        for start, end in pauses(audio.samples, audio.sample_rate)
    ]
    silent = np.concatenate([np.zeros(0), *frames])
    if len(silent) * _FRAME_S >= _LEARNED_S:
        return float(np.median(silent))
    lowest = float(np.sort(power)[: max(1, len(power) // 10)].mean())
    return min(lowest, loudest * _ratio(-_NEAREST_DB - _ABOVE_NOISE_DB))


def _ratio(decibels: float) -> float:
    return float(10 ** (decibels / 10))
