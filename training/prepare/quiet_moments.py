"""The quiet moments of a recording, for speech in which the detector hears no pause."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from training.prepare.listening import Frames

#: Power is smoothed over this much, seconds, so that a cut does not fall between two glottal pulses.
_SMOOTH_S = 0.09
#: A pause is this quiet against the speech, or this close to the noise where that is louder than so, and
#: this long, seconds; what is shorter is a closure within a word.
_PAUSE_DB, _OVER_NOISE_DB, _LEAST_UNDER_DB = -25.0, 4.0, -8.0
_PAUSE_S = 0.15


def quiet_moment(frames: Frames, first: int, last: int) -> int:
    """The frame from `first` to `last`, both included, in front of which it is quietest; the middle of
    those that are alike."""
    if last <= first:
        return first
    smooth = _smoothed(frames, first, last)
    alike = np.flatnonzero(smooth <= smooth.min() * 1.05)
    return first + int(alike[len(alike) // 2])


def split_long(
    frames: Frames, first: int, last: int, room: int
) -> Iterator[tuple[int, int, bool, bool]]:
    """Speech from frame `first` to `last` in parts of at most `room` frames: from, to, and whether there
    is no pause before and after it.

    It is cut in the longest pause of its second two thirds, else where it is quietest.
    """
    cut_before = False
    while last - first > room:
        earliest = first + max(1, room // 3)
        pause = _longest_pause(frames, first, earliest, first + room)
        if pause is not None:
            yield first, pause[0], cut_before, False
            first, cut_before = pause[1], False
            continue
        cut = min(quiet_moment(frames, earliest, first + room), last - 1)
        yield first, cut, cut_before, True
        first, cut_before = cut, True
    yield first, last, cut_before, False


def _longest_pause(frames: Frames, first: int, earliest: int, latest: int) -> tuple[int, int] | None:
    """From which to which frame the longest pause goes, between `earliest` and `latest`."""
    power = frames.power[first:latest].astype(np.float64)
    speech, noise = float(np.mean(power)), float(np.percentile(power, 3))
    bound = speech * 10 ** (_PAUSE_DB / 10)
    near_noise = noise * 10 ** (_OVER_NOISE_DB / 10)
    if near_noise <= speech * 10 ** (_LEAST_UNDER_DB / 10):
        bound = max(bound, near_noise)
    quiet = frames.power[earliest:latest] <= bound
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    runs = [(int(b - a), -int(a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    if not runs:
        return None
    length, start = max(runs)
    if length < math.ceil(_PAUSE_S / frames.seconds - 1e-6):
        return None
    return earliest - start, earliest - start + length


def _smoothed(frames: Frames, first: int, last: int) -> npt.NDArray[np.float64]:
    """The mean power around the beginning of each frame from `first` to `last`, both included."""
    half = max(1, round(_SMOOTH_S / frames.seconds / 2))
    power = frames.power[max(0, first - half) : last + half].astype(np.float64)
    power = np.pad(power, (half - min(first, half), 0), mode="edge")
    missing = last - first + 2 * half - len(power)
    power = np.pad(power, (0, max(0, missing)), mode="edge")
    return np.convolve(power, np.ones(2 * half) / (2 * half), "valid")[: last - first + 1]
