"""Where a recording of speech can be cut: in a pause, between two words, at a zero crossing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.audio.types import Audio, Samples
from studio.text.subtitles import TimedWord

#: The step in which cuts are looked for, seconds.
_STEP_S = 0.005
#: What is this far below the loud speech counts as a pause, dB.
_PAUSE_DB = 40.0
#: A cut this deep in a word is as bad as one in its middle, seconds.
_DEEP_S = 0.05
#: What a cut costs, against the full level of speech under it, which costs 1: to lie in a word, and
#: to lie as far from the place asked for as is allowed.
_IN_WORD, _FAR = 1.0, 0.25
#: How far a cut moves to a zero crossing, seconds.
_CROSSING_S = 0.003


@dataclass(frozen=True, eq=False)
class CutFinder:
    """Finds cuts in one recording of `duration` seconds."""

    duration: float
    loudness: npt.NDArray[np.float64]  # of each step: 0 pause to 1 loud speech
    words: Sequence[tuple[float, float]]  # start and end of each, seconds

    @classmethod
    def of(cls, audio: Audio, words: Sequence[TimedWord] = (), offset: float = 0.0) -> CutFinder:
        """`words` are those of the recording, where they are known, `offset` seconds too early."""
        size = max(1, round(_STEP_S * audio.sample_rate))
        padded = np.pad(audio.samples, (0, -len(audio.samples) % size)).astype(np.float64)
        power = np.square(padded).reshape(-1, size).mean(1)
        decibels = 10 * np.log10(power + 1e-12)
        loud = float(np.percentile(decibels, 95)) if len(decibels) else 0.0
        loudness = np.clip((decibels - loud) / _PAUSE_DB + 1, 0, 1)
        spans = tuple((word.start + offset, word.end + offset) for word in words)
        return cls(audio.duration, loudness, spans)

    def sounding(self) -> tuple[float, float]:
        """From the first sound to the last, seconds; the whole where nothing sounds."""
        found = np.flatnonzero(self.loudness > 0)
        if not len(found):
            return 0.0, self.duration
        return float(found[0] * _STEP_S), min(self.duration, float((found[-1] + 1) * _STEP_S))

    def best(self, wanted: float, reach: float, width: float, low: float, high: float) -> float:
        """The best cut within `reach` of `wanted`, all in seconds. `low` and `high` are the first and
        the last one that the recording allows, and as good as a pause. `width` is how much sound
        around the cut is affected by it."""
        wanted = min(max(wanted, low), high)
        first, last = max(low, wanted - reach), min(high, wanted + reach)
        places = np.append(np.arange(first, last, _STEP_S), [wanted, last])
        costs = [
            # Where the recording itself begins or ends, nothing is cut off.
            (self._cost(float(place), width) if low < place < high else 0.0)
            + _FAR * abs(place - wanted) / max(reach, _STEP_S)
            for place in places
        ]
        return float(places[int(np.argmin(costs))])

    def _cost(self, place: float, width: float) -> float:
        begin, end = (round((place + side * width / 2) / _STEP_S) for side in (-1, 1))
        around = self.loudness[max(0, begin) : max(0, end, begin + 1)]
        level = float(around.sum()) / max(end - begin, 1)  # beyond the ends there is silence
        return level + _IN_WORD * self._depth(place)

    def _depth(self, place: float) -> float:
        """How deep in a word: 0 outside to 1."""
        depths = [min(place - start, end - place) for start, end in self.words]
        return min(1.0, max([0.0, *depths]) / _DEEP_S)


def at_crossing(samples: Samples, index: int, sample_rate: int) -> int:
    """The zero crossing nearest to `index` within 3 ms; `index` itself where there is none."""
    reach = round(_CROSSING_S * sample_rate)
    first = max(1, index - reach)
    near = samples[first - 1 : index + reach + 1]
    crossings = np.flatnonzero((near[:-1] <= 0) != (near[1:] <= 0)) + first
    if not len(crossings):
        return index
    return int(crossings[np.argmin(np.abs(crossings - index))])
