"""How loud the noise is in each part of a recording.

It is heard in the pauses: in the segment's own where there are enough, else in those nearby, else in all of
the recording. Where the noise comes and goes, pauses elsewhere say nothing of a segment; then it is told
by what is quietest in the segment itself, provided that its amplitudes are distributed like those of noisy
speech.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import cache

import numpy as np

from studio.audio import snr, vad
from studio.audio.types import Samples

#: So many frames of pauses tell the noise, the nearest ones up to so many, no further away than this.
_ENOUGH_FRAMES, _MOST_FRAMES, _NEAR_S = 12, 20, 5.0
#: The quietest frames of a segment: a little louder than its noise, by this factor, since speech seldom
#: stops for long enough; and quieter than the noise's median where there are many pauses.
_LOWEST_PERCENTILE, _ABOVE_NOISE = 5, 1.3
#: The pauses' noise is not the segment's if it is that much louder, or quieter, than these frames.
_TOO_LOUD, _TOO_QUIET = 3.0, 2.0
#: Above this ratio of the mean to the quietest frames (15 dB) speech itself may lack quiet moments.
_NOISY = 31.6
#: The noise may change within a segment: it is told for so many frames at a time (2 s).
_WINDOW_FRAMES = 66


class NoiseFloors:
    """The noise of any part of one recording, as a mean square up to 8 kHz."""

    def __init__(self, frames: snr.Frames) -> None:
        self._frames = frames
        self._whole = frames.noise()
        self._pauses = np.flatnonzero(frames.sounding_pauses())

    def snr(self, start: float, end: float, heard: Callable[[], Samples]) -> snr.Snr:
        """The signal-to-noise ratio from `start` to `end` seconds. `heard` gives the sound of that part,
        mono float32 [n] at vad.SAMPLE_RATE without an offset, where it is needed."""
        first, last = (round(seconds * vad.SAMPLE_RATE / snr.FRAME) for seconds in (start, end))
        frames = snr.Frames(self._frames.power[first:last], self._frames.speech[first:last])
        floor = self._in_pauses(first, last)
        if floor is None or not frames.speech.any():
            return snr.of_frames(frames, heard, floor)
        sound = cache(heard)
        edges = np.linspace(0, last - first, max(1, round((last - first) / _WINDOW_FRAMES)) + 1).astype(
            int
        )
        noise = [
            _in_window(frames, floor, sound, begin, end)
            for begin, end in itertools.pairwise(edges.tolist())
        ]
        return snr.of_frames(frames, heard, float(np.mean(noise)))

    def _in_pauses(self, first: int, last: int) -> float | None:
        """The noise in the pauses of frames `first` to `last`, or nearby, or anywhere."""
        near = math.ceil(_NEAR_S * vad.SAMPLE_RATE / snr.FRAME)
        within = slice(*np.searchsorted(self._pauses, (first - near, last + near)))
        pauses = self._pauses[within]
        distance = np.maximum(np.maximum(first - pauses, pauses - (last - 1)), 0)
        own = np.count_nonzero(distance == 0)
        order = np.argsort(distance, kind="stable")[: max(own, _MOST_FRAMES)]
        chosen = pauses[order[:own]] if own >= _ENOUGH_FRAMES else pauses[order]
        if len(chosen) < _ENOUGH_FRAMES:
            return self._whole
        return float(np.median(self._frames.power[chosen]))


def _in_window(
    frames: snr.Frames, floor: float, heard: Callable[[], Samples], first: int, last: int
) -> float:
    """The noise in frames `first` to `last`, which is `floor` unless they show that it is not."""
    power = frames.power[first:last]
    ordered = np.sort(power)  # np.percentile takes ten times as long
    lowest = float(
        np.interp((len(power) - 1) * _LOWEST_PERCENTILE / 100, np.arange(len(power)), ordered)
    )
    if floor > _TOO_LOUD * lowest:
        return lowest * _ABOVE_NOISE
    if lowest <= _TOO_QUIET * floor or power.mean() > _NOISY * lowest:
        return floor
    sound = heard()[first * snr.FRAME : last * snr.FRAME]
    noisy = len(sound) > 0 and snr.without_pauses(sound).db is not None
    return lowest / _ABOVE_NOISE if noisy else floor
