"""The outline of a recording, for drawing its waveform."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.audio import reading
from studio.audio.types import Samples

#: Fine steps kept for each bin, at first and at most; they are halved when there are too many.
_FINE = 16
_MOST = 4 * _FINE


def waveform_peaks(
    path: Path, bins: int, limits: reading.Limits = reading.DEFAULT_LIMITS
) -> npt.NDArray[np.float32]:
    """The smallest and the largest sample in each of `bins` equal stretches: float32 [bins, 2].

    Read as a stream; memory grows with `bins` and not with the recording. One with fewer samples
    than bins repeats them. Raises BadInput as reading does.
    """
    if bins < 1:
        raise ValueError(f"A waveform needs at least one bin, not {bins}.")
    facts = reading.probe(path, limits)
    step = max(1, int(facts.duration * facts.sample_rate / (bins * _FINE)))
    outline = _Outline(step, bins * _MOST)
    for block in reading.blocks(path, None, 10.0, limits):
        outline.push(block)
    return outline.reduced(bins)


class _Outline:
    """Smallest and largest samples of equal steps; at most `most` steps, which grow when the
    header promised less than there is."""

    def __init__(self, step: int, most: int) -> None:
        self._step, self._most = step, most
        self._total = 0
        self._waiting: Samples = np.zeros(0, np.float32)  # less than a step
        self._cells: Samples = np.zeros((0, 2), np.float32)

    def push(self, block: Samples) -> None:
        self._total += len(block)
        samples = np.concatenate([self._waiting, block])
        whole = len(samples) // self._step * self._step
        self._waiting = samples[whole:]
        self._cells = np.concatenate([self._cells, _extremes(samples[:whole].reshape(-1, self._step))])
        while len(self._cells) > self._most:
            self._widen()

    def reduced(self, bins: int) -> npt.NDArray[np.float32]:
        cells = self._cells
        if len(self._waiting):
            cells = np.concatenate([cells, _extremes(self._waiting[np.newaxis])])
        # Counted in samples rather than steps, for the last step is shorter.
        edges = np.minimum(np.arange(bins) * self._total // bins // self._step, len(cells) - 1)
        low = np.minimum.reduceat(cells[:, 0], edges)
        return np.stack([low, np.maximum.reduceat(cells[:, 1], edges)], axis=1)

    def _widen(self) -> None:
        """Make one step of every two. An odd last one becomes samples again: any with its
        extremes will do."""
        if len(self._cells) % 2:
            samples = np.resize(self._cells[-1], self._step)
            self._waiting = np.concatenate([samples, self._waiting])
        self._cells = _extremes(self._cells[: len(self._cells) // 2 * 2].reshape(-1, 4))
        self._step *= 2


def _extremes(grid: Samples) -> Samples:
    return np.stack([grid.min(axis=1), grid.max(axis=1)], axis=1)
