"""How the mouth moves while phonemes are spoken: positions blended as in coarticulation, and firm closures.

Each position of the mouth holds for its stretch of time; what is seen at a moment is the mean of the stretches
around it under a Gaussian, weighted by their dominance (a simple form of Cohen and Massaro, 1993).
Closed lips and the lip at the teeth are reached whatever stands beside them.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engines.animator.visemes import REST, Viseme, visemes_of
from engines.base import PhonemeTiming

#: Of the Gaussian, seconds.
COARTICULATION_S = 0.030
#: How soon the mouth opens after a closure, and begins to close before it, seconds.
_RELEASE_S = 0.022
#: A pause shorter than this is no rest: the mouth stays as it was, seconds.
_SHORT_PAUSE_S = 0.08
#: Frames that are made at once.
_WINDOW = 256
_REACH_S = 4 * COARTICULATION_S + _RELEASE_S

_FloatArray = npt.NDArray[np.float64]


class MouthState(NamedTuple):
    """What the mouth does in one frame."""

    opening: float  # between the lips, in mouth widths
    width: float = 1.0  # in times of its width at rest
    teeth: float = 0.0
    tongue: float = 0.0
    rest: float = 1.0  # how far it is as in the picture; the lips' own distance there counts so much


AT_REST = MouthState(0.0)


class _Stretch(NamedTuple):
    start: float  # seconds
    end: float
    viseme: Viseme


def spoken(phonemes: Sequence[PhonemeTiming], fps: int, count: int) -> Iterator[MouthState]:
    """The mouth in each of `count` frames, in its middle; made some seconds at a time."""
    timeline = _Timeline(phonemes)
    for first in range(0, count, _WINDOW):
        times = (np.arange(first, min(first + _WINDOW, count)) + 0.5) / fps
        stretches = timeline.around(times[0] - _REACH_S, times[-1] + _REACH_S)
        yield from _states(stretches, times, 1 / fps)


class _Timeline:
    """The phonemes in order, and the rests between them."""

    def __init__(self, phonemes: Sequence[PhonemeTiming]) -> None:
        self._phonemes = sorted(
            (each for each in phonemes if each.end > each.start), key=lambda each: each.start
        )
        self._starts = [each.start for each in self._phonemes]

    def around(self, start: float, end: float) -> list[_Stretch]:
        """What is said from `start` to `end` seconds, without a gap."""
        # A phoneme that began before the window may reach into it.
        first = max(0, bisect.bisect_right(self._starts, start) - 1)
        last = bisect.bisect_left(self._starts, end)
        found: list[_Stretch] = []
        at = min(start, self._starts[first] if self._starts else start)
        for phoneme in self._phonemes[first:last]:
            if phoneme.start - at > _SHORT_PAUSE_S or not found:
                if phoneme.start > at:
                    found.append(_Stretch(at, phoneme.start, REST))
            elif phoneme.start > at:
                found[-1] = found[-1]._replace(end=phoneme.start)
            at = phoneme.start
            for viseme, share in visemes_of(phoneme.symbol):
                until = at + share * (phoneme.end - phoneme.start)
                found.append(_Stretch(at, until, viseme))
                at = until
        if at < end:
            found.append(_Stretch(at, end, REST))
        return found


def _states(stretches: list[_Stretch], times: _FloatArray, frame_s: float) -> Iterator[MouthState]:
    starts = np.array([each.start for each in stretches])
    ends = np.array([each.end for each in stretches])
    values = np.array(
        [
            (v.opening, v.width, v.teeth, v.tongue, float(v.rest))
            for v in (each.viseme for each in stretches)
        ]
    )
    dominance = np.array([each.viseme.dominance for each in stretches])
    weights = (_cumulative(ends - times[:, None]) - _cumulative(starts - times[:, None])) * dominance
    blended = weights @ values / np.maximum(weights.sum(1, keepdims=True), 1e-9)
    for stretch in stretches:
        if stretch.viseme.firm:
            _enforce(blended, stretch, times, frame_s)
    for row in blended.tolist():
        yield MouthState(*row)


def _enforce(blended: _FloatArray, stretch: _Stretch, times: _FloatArray, frame_s: float) -> None:
    """Bring the opening down to that of a firm position, with at least one frame fully there."""
    away = np.maximum(0, np.maximum(stretch.start - times, times - stretch.end))
    away[np.abs(times - (stretch.start + stretch.end) / 2) <= frame_s / 2 + 1e-9] = 0
    near = away < _RELEASE_S
    free = _smooth(away[near] / _RELEASE_S)
    limit = stretch.viseme.opening
    opening = blended[near, 0]
    blended[near, 0] = np.where(opening > limit, limit + (opening - limit) * free, opening)
    blended[near, 4] *= free


def _smooth(x: _FloatArray) -> _FloatArray:
    """0 to 1 with flat ends, for 0 to 1."""
    return x * x * (3 - 2 * x)


_Z = np.linspace(-5, 5, 1001)
_PHI = np.cumsum(np.exp(-0.5 * _Z**2))
_PHI /= _PHI[-1]


def _cumulative(seconds: _FloatArray) -> _FloatArray:
    """The share of the Gaussian that lies before `seconds` from its middle."""
    return np.interp(seconds / COARTICULATION_S, _Z, _PHI)
