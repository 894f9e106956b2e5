"""Where a recording is cut: in pauses, into stretches that a model can be trained on.

What the detector takes for speech comes in runs with pauses between. Neighbouring runs are put together
into stretches, nothing left out inside; which ones is the cheapest way through all of them (dynamic
programming), where stretches that are short, pauses that are long inside of one, and cuts in short pauses
cost. Speech without a pause is cut where it is quietest, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.audio.vad import MIN_SPEECH_S
from studio.dataset.values import PrepareSettings
from training.prepare.listening import Frames
from training.prepare.quiet_moments import quiet_frames, quiet_moment, runs_of, split_long

#: A pause in which a cut is considered, seconds; shorter ones are closures of the mouth within words.
_MIN_PAUSE_S = 0.2
#: Runs further apart than this are never put together, and from which length on a pause inside costs.
_LONGEST_INSIDE_S, _USUAL_INSIDE_S = 1.5, 0.5
#: The detector takes the first moments of hiss for speech: up to so many seconds, at most this much louder
#: than the pause after them, of which so much is heard, seconds.
_SETTLING_S, _AS_LOUD, _AFTER_S = 0.5, 2.0, 1.0
#: Shorter stretches cost, the more the shorter; those under the minimum are lost.
_SHORT_S = 3.0
_SHORT_COST, _LOST_COST = 1.5, 5.0
_INSIDE_COST, _CUT_COST, _CUT_IN_SPEECH_COST = 2.0, 2.0, 5.0


@dataclass(frozen=True)
class Stretch:
    """A part of the recording that becomes a segment, in seconds."""

    start: float
    end: float
    cut_in_speech: bool = False  # no pause at its start or end
    given: tuple[int, ...] = ()  # which of the given texts it holds


@dataclass(frozen=True)
class Run:
    """Speech in frames `first` to `last` (excluded), with the edges it would have as a stretch."""

    first: int
    last: int
    cut_before: bool = False  # no pause in front
    cut_after: bool = False
    given: tuple[int, ...] = ()


def stretches(frames: Frames, settings: PrepareSettings) -> list[Stretch]:
    """All that is speech in `frames`, in order; none is longer than `max_s`.

    Clicks of less than MIN_SPEECH_S of voiced sound are left out.
    """
    return put_together(frames, speech_runs(frames, settings, 0, len(frames.speech)), settings)


def as_one(frames: Frames, duration: float, settings: PrepareSettings) -> list[Stretch]:
    """All that is speech in one stretch, as long as `max_s` allows it; the whole recording where nobody
    is heard to speak. Else nothing."""
    voiced = np.flatnonzero(frames.speech)
    if not len(voiced):
        return [Stretch(0.0, duration)] if duration <= settings.max_s else []
    start = max(0.0, voiced[0] * frames.seconds - settings.padding_s)
    end = min(duration, (voiced[-1] + 1) * frames.seconds + settings.padding_s)
    if end - start > settings.max_s and duration <= settings.max_s:
        start, end = 0.0, duration
    return [Stretch(start, end)] if end - start <= settings.max_s else []


def padding(frames: Frames, settings: PrepareSettings) -> int:
    """Frames of the pause that stay on each side, at most an eighth of the longest stretch."""
    return min(round(settings.padding_s / frames.seconds), longest(frames, settings) // 8)


def longest(frames: Frames, settings: PrepareSettings) -> int:
    """Frames of the longest stretch."""
    return int(settings.max_s / frames.seconds + 1e-6)


def speech_runs(frames: Frames, settings: PrepareSettings, first: int, last: int) -> list[Run]:
    """The speech from frame `first` to `last`, without the clicks, each run short enough for a stretch."""
    quiet = quiet_frames(frames)
    pause = math.ceil(_MIN_PAUSE_S / frames.seconds - 1e-6)
    joined: list[tuple[int, int]] = []
    for start, end in runs_of(~quiet[first:last]):
        if joined and first + start - joined[-1][1] < pause:
            joined[-1] = (joined[-1][0], first + end)
        else:
            joined.append((first + start, first + end))
    least = math.ceil(MIN_SPEECH_S / frames.seconds - 1e-6)
    room = longest(frames, settings) - 2 * padding(frames, settings)
    runs: list[Run] = []
    for start, end in joined:
        if np.count_nonzero(frames.speech[start:end]) < least or _settling(frames, quiet, start, end):
            continue
        if end - start <= room:
            runs.append(Run(start, end))
        else:
            parts = split_long(frames, quiet, start, end, room)
            runs += (Run(a, b, before, after) for a, b, before, after in parts)
    return runs


def _settling(frames: Frames, quiet: npt.NDArray[np.bool_], start: int, end: int) -> bool:
    """Whether frames `start` to `end` are no speech but the noise with which the recording begins."""
    if start or end * frames.seconds > _SETTLING_S:
        return False
    after = slice(end, end + round(_AFTER_S / frames.seconds))
    noise = frames.power[after][quiet[after]]
    return bool(len(noise) and frames.power[:end].mean() <= _AS_LOUD * np.median(noise))


def put_together(frames: Frames, runs: Sequence[Run], settings: PrepareSettings) -> list[Stretch]:
    """Neighbouring runs in stretches, the cheapest way through all of them."""
    edges = _edges(frames, runs, settings)
    most = longest(frames, settings)
    costs, choices = [0.0], [0]
    for after in range(1, len(runs) + 1):  # the stretch ends with run `after` - 1
        best, chosen, inside = math.inf, after - 1, 0.0
        for first in range(after - 1, -1, -1):
            if first < after - 1:
                inside += _inside_cost(frames, runs[first], runs[first + 1])
            length = edges[after - 1][1] - edges[first][0]
            if first < after - 1 and (length > most or math.isinf(inside)):
                break
            cut = _cut_cost(frames, runs[first - 1], runs[first]) if first else 0.0
            cost = costs[first] + inside + cut + _length_cost(length * frames.seconds, settings)
            if cost < best:
                best, chosen = cost, first
        costs.append(best)
        choices.append(chosen)
    found: list[Stretch] = []
    after = len(runs)
    while after:
        first = choices[after]
        group = runs[first:after]
        found.append(
            Stretch(
                round(edges[first][0] * frames.seconds, 3),
                round(edges[after - 1][1] * frames.seconds, 3),
                group[0].cut_before or group[-1].cut_after,
                tuple(index for run in group for index in run.given),
            )
        )
        after = first
    return found[::-1]


def _edges(frames: Frames, runs: Sequence[Run], settings: PrepareSettings) -> list[tuple[int, int]]:
    """From which to which frame each run goes with its padding; where the pause is too short for the
    padding of both, they meet in its quietest moment."""
    pad, count = padding(frames, settings), len(frames.speech)
    starts = [max(0, run.first - pad) for run in runs]
    ends = [min(count, run.last + pad) for run in runs]
    for index in range(1, len(runs)):
        before, after = runs[index - 1].last, runs[index].first
        if ends[index - 1] > starts[index]:
            meet = quiet_moment(frames, before, after)
            ends[index - 1] = min(meet, before + pad)
            starts[index] = max(meet, after - pad)
    return list(zip(starts, ends, strict=True))


def _inside_cost(frames: Frames, left: Run, right: Run) -> float:
    pause = (right.first - left.last) * frames.seconds
    if pause > _LONGEST_INSIDE_S:
        return math.inf
    return _INSIDE_COST * max(0.0, pause - _USUAL_INSIDE_S)


def _cut_cost(frames: Frames, left: Run, right: Run) -> float:
    if left.cut_after or right.cut_before:
        return _CUT_IN_SPEECH_COST
    pause = (right.first - left.last) * frames.seconds
    return _CUT_COST * max(0.0, _USUAL_INSIDE_S - pause)


def _length_cost(seconds: float, settings: PrepareSettings) -> float:
    if seconds < settings.min_s:
        return _LOST_COST
    return _SHORT_COST * max(0.0, 1 - seconds / _SHORT_S)
