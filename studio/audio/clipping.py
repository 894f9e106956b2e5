"""How much of a recording was cut off because it was too loud for whatever recorded it."""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt

from studio.audio.types import Samples

#: A clipped peak is flat: at least so many samples beside one another at the limit.
_FLAT = 3
#: At the limit is what comes this close to the largest sample of its sign.
_CLOSE = 0.9995
#: One flat top may be chance; a limit is met again and again.
_LEAST_TOPS = 3
#: Quieter than this the steps of 16 bits make tops flat by themselves.
_LEAST_PEAK = 0.02


def clipped_share(samples: Samples) -> float:
    """Which part of `samples`, mono float32 [n], lies in flattened peaks: 0 to 1.

    Also finds what was clipped first and made quieter afterwards; not what was compressed to MP3 or
    resampled after it had been clipped, for that has no flat tops any more.
    """
    if not len(samples):
        return 0.0
    flat = sum(_flattened(side) for side in (samples, -samples))
    return flat / len(samples)


class FlatTops:
    """The same for any part of a recording that arrives in blocks, in little memory: the limit is found
    among a tenth of a second at a time, and only those at the limit of the whole part count."""

    def __init__(self, sample_rate: int) -> None:
        """`sample_rate` in Hz."""
        self._size = max(1, sample_rate // 10)
        self._step_s = self._size / sample_rate
        self._rest: Samples = np.zeros(0, np.float32)
        # For the upper and the lower side: the limit of each piece, and the samples and tops at it.
        self._found = [(array("f"), array("i"), array("i")) for _ in range(2)]

    def push(self, block: Samples) -> None:
        """Take mono float32 [n]."""
        if len(self._rest):
            block = np.concatenate([self._rest, block])
        whole = len(block) // self._size * self._size
        self._rest = block[whole:].copy()
        pieces = block[:whole].reshape(-1, self._size)
        if len(pieces):
            self._note(0, pieces, pieces.max(axis=1), 1)
            self._note(1, pieces, -pieces.min(axis=1), -1)

    def share(self, start: float, end: float) -> float:
        """Which part of the samples from `start` to `end` seconds lies in flattened peaks: 0 to 1."""
        part = slice(int(start / self._step_s), int(np.ceil(end / self._step_s)))
        flat = 0
        for limits, samples, tops in self._found:
            limit = np.asarray(limits[part])
            counts = limit >= limit.max(initial=_LEAST_PEAK) * _CLOSE
            if np.asarray(tops[part])[counts].sum() >= _LEAST_TOPS:
                flat += int(np.asarray(samples[part])[counts].sum())
        return min(1.0, flat * self._step_s / self._size / max(end - start, self._step_s))

    def _note(self, side: int, pieces: Samples, limits: Samples, sign: int) -> None:
        limits = np.asarray(limits, np.float32)
        close = limits[:, None] * np.float32(_CLOSE)
        at_limit = pieces >= close if sign > 0 else pieces <= -close
        may_be_flat = (np.count_nonzero(at_limit, axis=1) >= _FLAT) & (limits >= _LEAST_PEAK)
        counts, tops = np.zeros(len(pieces), np.int32), np.zeros(len(pieces), np.int32)
        for row in np.flatnonzero(may_be_flat):
            lengths = _runs(at_limit[row])
            flat = lengths[lengths >= _FLAT]
            counts[row], tops[row] = flat.sum(), len(flat)
        kept = self._found[side]
        kept[0].extend(limits.tolist())
        kept[1].extend(counts.tolist())
        kept[2].extend(tops.tolist())


def _runs(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges[1::2] - edges[::2]


def _flattened(samples: Samples) -> int:
    """How many samples lie in flattened upper peaks."""
    limit = float(samples.max())
    if limit < _LEAST_PEAK:
        return 0
    lengths = _runs(samples >= limit * _CLOSE)
    flat = lengths[lengths >= _FLAT]
    return int(flat.sum()) if len(flat) >= _LEAST_TOPS else 0
