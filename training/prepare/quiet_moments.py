"""The quiet moments of a recording, for speech in which the detector hears no pause."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from training.prepare.listening import Frames

#: Power is smoothed over this much, seconds, so that a cut does not fall between two glottal pulses.
_SMOOTH_S = 0.09
#: A frame is quiet this far below the speech around it, or this little above the noise where that is
#: at least so far below. Decibels.
_PAUSE_DB, _OVER_NOISE_DB, _LEAST_UNDER_DB = -25.0, 2.5, -6.0
#: Around it: this much on each side, seconds; the noise is the lowest percents of so many seconds.
_AROUND_S, _NOISE_S, _NOISE_PERCENTILE = 1.0, 10.0, 3
#: So many stretches of noise are judged at a time: memory does not grow with the recording.
_AT_A_TIME = 60
#: The detector holds on for a while after speech, seconds; what is quiet for longer may be soft speech.
_LONGEST_S = 0.5
#: What is shorter than this is a closure within a word, seconds.
_PAUSE_S = 0.15


def quiet_frames(frames: Frames) -> npt.NDArray[np.bool_]:
    """Which frames belong to pauses, although the detector may take them for speech: it hears nearly
    nothing of pauses under a third of a second."""
    if not len(frames.speech):
        return np.zeros(0, np.bool_)
    step = _AT_A_TIME * round(_NOISE_S / frames.seconds)
    low = [
        frames.power[first : first + step] <= _bound(frames, first, first + step)
        for first in range(0, len(frames.speech), step)
    ]
    held_on = np.concatenate(low) & frames.speech
    for first, last in runs_of(held_on):
        if (last - first) * frames.seconds > _LONGEST_S:
            held_on[first:last] = False
    return ~frames.speech | held_on


def runs_of(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """From where to where (excluded) `flags` are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def quiet_moment(frames: Frames, first: int, last: int) -> int:
    """The frame from `first` to `last`, both included, in front of which it is quietest; the middle of
    those that are alike."""
    if last <= first:
        return first
    smooth = _smoothed(frames, first, last)
    alike = np.flatnonzero(smooth <= smooth.min() * 1.05)
    return first + int(alike[len(alike) // 2])


def split_long(
    frames: Frames, quiet: npt.NDArray[np.bool_], first: int, last: int, room: int
) -> Iterator[tuple[int, int, bool, bool]]:
    """Speech from frame `first` to `last` in parts of at most `room` frames: from, to, and whether there
    is no pause before and after it.

    It is cut in the longest pause of its second two thirds, else where it is quietest.
    """
    least = math.ceil(_PAUSE_S / frames.seconds - 1e-6)
    cut_before = False
    while last - first > room:
        earliest = first + max(1, room // 3)
        pauses = [(b - a, -a) for a, b in runs_of(quiet[earliest : first + room]) if b - a >= least]
        if pauses:
            length, start = max(pauses)
            yield first, earliest - start, cut_before, False
            first, cut_before = earliest - start + length, False
            continue
        cut = min(quiet_moment(frames, earliest, first + room), last - 1)
        yield first, cut, cut_before, True
        first, cut_before = cut, True
    yield first, last, cut_before, False


def _bound(frames: Frames, first: int, last: int) -> npt.NDArray[np.float64]:
    """Up to which power each frame from `first`, where a stretch of noise begins, to `last` is quiet."""
    speech = _speech_around(frames, first, min(last, len(frames.power)))
    size = round(_NOISE_S / frames.seconds)
    starts = np.arange(first, first + len(speech), size)
    if len(frames.power) > size:
        starts = np.minimum(starts, len(frames.power) - size)  # the last one is as long as the others
    lowest = [np.percentile(frames.power[at : at + size], _NOISE_PERCENTILE) for at in starts.tolist()]
    noise = np.repeat(np.array(lowest, np.float64), size)[: len(speech)] * 10 ** (_OVER_NOISE_DB / 10)
    noise[noise > speech * 10 ** (_LEAST_UNDER_DB / 10)] = 0.0
    return np.maximum(speech * 10 ** (_PAUSE_DB / 10), noise)


def _speech_around(frames: Frames, first: int, last: int) -> npt.NDArray[np.float64]:
    """The mean power of the speech around each frame from `first` to `last`."""
    half = round(_AROUND_S / frames.seconds)
    part = slice(max(0, first - half), last + half)
    before, after = max(0, half - first), max(0, last + half - len(frames.power))
    speech = np.pad(frames.speech[part], (before, after))
    power = np.pad(frames.power[part].astype(np.float64), (before, after)) * speech
    sums, counts = (np.cumsum(np.pad(each, (1, 0)), dtype=np.float64) for each in (power, speech))
    width = 2 * half + 1
    return (sums[width:] - sums[:-width]) / np.maximum(counts[width:] - counts[:-width], 1)


def _smoothed(frames: Frames, first: int, last: int) -> npt.NDArray[np.float64]:
    """The mean power around the beginning of each frame from `first` to `last`, both included."""
    half = max(1, round(_SMOOTH_S / frames.seconds / 2))
    power = frames.power[max(0, first - half) : last + half].astype(np.float64)
    power = np.pad(power, (half - min(first, half), 0), mode="edge")
    missing = last - first + 2 * half - len(power)
    power = np.pad(power, (0, max(0, missing)), mode="edge")
    return np.convolve(power, np.ones(2 * half) / (2 * half), "valid")[: last - first + 1]
