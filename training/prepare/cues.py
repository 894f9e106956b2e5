"""Cutting where the texts that came with a recording say: subtitles, or stretches with times.

Such times are read off a screen: they begin a little early or late. Each edge is led to the nearest pause,
subtitles that are short or share an edge without a pause are put together, and what is longer than a
segment may be is cut in its pauses, with its text left to recognition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.dataset.values import PrepareSettings
from training.prepare.listening import Frames
from training.prepare.quiet_moments import quiet_moment
from training.prepare.segmenting import (
    Run,
    Stretch,
    longest,
    padding,
    put_together,
    speech_runs,
)
from training.prepare.values import GivenText

#: How far an edge is moved into speech that goes on beyond it, and back out of speech of others, seconds.
_WIDENED_S, _NARROWED_S = 0.5, 0.3
#: Where there is no pause, the quietest moment this near, seconds.
_NEAR_S = 0.1
#: This much speech between two cues is somebody's whose words are in neither.
_UNTOLD_S = 0.2


@dataclass(frozen=True)
class _Cue:
    """A given text's frames, `first` to `last` (excluded)."""

    first: int
    last: int
    index: int  # of the given texts


def cue_stretches(
    frames: Frames, given: Sequence[GivenText], settings: PrepareSettings
) -> list[Stretch]:
    """Stretches for the texts that have times; `Stretch.given` says which they hold."""
    cues = _in_order(frames, given)
    found: list[Stretch] = []
    group: list[Run] = []
    for index, cue in enumerate(cues):
        before = cues[index - 1].last if index else 0
        after = cues[index + 1].first if index + 1 < len(cues) else len(frames.speech)
        run = _led_to_pauses(frames, cue, before, after, settings)
        too_long = run.last - run.first > longest(frames, settings) - 2 * padding(frames, settings)
        if group and (too_long or _apart(frames, group[-1], run)):
            found += put_together(frames, group, settings)
            group = []
        if too_long:
            parts = speech_runs(frames, settings, run.first, run.last)
            found += put_together(frames, parts, settings)
        else:
            group.append(run)
    return found + put_together(frames, group, settings)


def _in_order(frames: Frames, given: Sequence[GivenText]) -> list[_Cue]:
    """The texts with times, by time, within the recording, none over the next."""
    count = len(frames.speech)
    cues: list[_Cue] = []
    timed = [
        (each.start or 0.0, math.inf if each.end is None else each.end, index)
        for index, each in enumerate(given)
        if each.start is not None or each.end is not None
    ]
    for start, end, index in sorted(timed):
        if not start < end:  # also what is no number
            continue
        first = min(count, max(0, round(start / frames.seconds)))
        last = count if math.isinf(end) else min(count, round(end / frames.seconds))
        if cues and first < cues[-1].last:
            first = cues[-1].last
        if last > first:
            cues.append(_Cue(first, last, index))
    return cues


def _led_to_pauses(frames: Frames, cue: _Cue, before: int, after: int, settings: PrepareSettings) -> Run:
    """The speech of a cue, its edges led to pauses, but not beyond its neighbours."""
    voiced = np.flatnonzero(frames.speech[cue.first : cue.last])
    if not len(voiced):
        return Run(cue.first, cue.last, given=(cue.index,))
    first, cut_before = cue.first + int(voiced[0]), False
    if first == cue.first:
        first, cut_before = _edge(frames, cue.first, before, (cue.first + cue.last) // 2, -1)
    last, cut_after = cue.first + int(voiced[-1]) + 1, False
    if last == cue.last:
        last, cut_after = _edge(frames, cue.last, after, (cue.first + cue.last) // 2, 1)
    return Run(first, max(last, first + 1), cut_before, cut_after, (cue.index,))


def _edge(frames: Frames, at: int, beyond: int, within: int, way: int) -> tuple[int, bool]:
    """An edge at frame `at`, which lies in speech: where that speech ends, going out (`way`, at most to
    `beyond`) or back (at most to `within`), whichever is nearer; and whether it had to be cut."""
    out = _end_of_speech(frames, at, beyond, way, _WIDENED_S)
    back = _end_of_speech(frames, at, within, -way, _NARROWED_S)
    if out is not None and (back is None or abs(out - at) <= abs(back - at)):
        return out, False
    if back is not None:
        while back != within and not _voiced(frames, back, -way):
            back -= way
        return back, False
    near = round(_NEAR_S / frames.seconds)
    outermost = at + way * min(near, abs(beyond - at))
    return quiet_moment(frames, *sorted((outermost, at - way * min(near, abs(within - at))))), True


def _end_of_speech(frames: Frames, at: int, bound: int, way: int, most_s: float) -> int | None:
    """The first edge from `at` towards `bound` beyond which there is no speech, within `most_s`."""
    steps = min(round(most_s / frames.seconds), max(0, (bound - at) * way))
    for edge in range(at, at + way * (steps + 1), way):
        if not _voiced(frames, edge, way):
            return edge
    return None


def _voiced(frames: Frames, edge: int, way: int) -> bool:
    """Whether the frame beside `edge` is speech: the one after it where `way` is 1, else before it."""
    index = edge if way > 0 else edge - 1
    return 0 <= index < len(frames.speech) and bool(frames.speech[index])


def _apart(frames: Frames, left: Run, right: Run) -> bool:
    """Whether something is said between the two."""
    between = np.count_nonzero(frames.speech[left.last : right.first])
    return bool(between * frames.seconds >= _UNTOLD_S)
