"""Where the sound of a recording begins and ends, also when there is noise."""

from __future__ import annotations

import numpy as np

from studio.audio.types import Audio

_FRAME_S = 0.01
#: The level is smoothed over so many frames.
_SMOOTH = 3
#: Sound is what is less than this below the loudest frame, or more than that above the noise, which is
#: the quietest tenth; but without a pause that tenth is speech, so never much nearer to the loudest.
_BELOW_LOUDEST_DB, _ABOVE_NOISE_DB, _NEAREST_DB = 40.0, 6.0, 20.0
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
    noise = float(np.sort(power)[: max(1, count // 10)].mean())
    threshold = max(loudest * _ratio(-_BELOW_LOUDEST_DB), noise * _ratio(_ABOVE_NOISE_DB))
    loud = power > min(threshold, loudest * _ratio(-_NEAREST_DB))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    lasting = ends - starts >= round(_SHORTEST_S / _FRAME_S)
    if not lasting.any():
        return None
    start, end = int(starts[lasting][0]), int(ends[lasting][-1])
    return start * _FRAME_S, audio.duration if end == count else end * _FRAME_S


def _ratio(decibels: float) -> float:
    return float(10 ** (decibels / 10))
