"""Bringing a recording of any kind to what a target is trained on: mono, its rate, no offset.

It is decoded once, into a file of plain samples that every later stage reads by stretches, so that an
hour takes no more memory than a minute.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.audio import reading
from studio.audio.clipping import FlatTops
from studio.audio.loudness import StreamMeter
from studio.audio.resampling import Resampler
from studio.audio.types import Samples
from studio.control import Control
from studio.files import storage_errors

#: An offset below the last bit of 16 is none; a muted pause stays muted.
_LEAST_OFFSET = 1 / 32_768
_BLOCK_S = 2.0


@dataclass(frozen=True, eq=False)
class Standardised:
    """A recording as plain float32 in `path`, at the level at which it came."""

    path: Path
    sample_rate: int  # Hz
    size: int  # samples
    offset: float  # that was in it; `read` takes it away
    meter: StreamMeter  # its loudness, of the whole and of any part
    clipping: FlatTops

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.size / self.sample_rate

    def read(self, first: int, last: int) -> Samples:
        """Samples `first` to `last`, without the offset."""
        count = min(last, self.size) - first
        samples: Samples = np.empty(max(0, count), np.float32)
        with self.path.open("rb", buffering=0) as file:
            file.seek(4 * first)
            file.readinto(samples.data)
        if self.offset:
            samples -= np.float32(self.offset)
        return samples

    def blocks(self) -> Iterator[Samples]:
        """All of it, a few seconds at a time."""
        step = round(_BLOCK_S * self.sample_rate)
        for first in range(0, self.size, step):
            yield self.read(first, first + step)


def standardise(path: Path, sample_rate: int, target: Path, control: Control) -> Standardised:
    """Decode `path` to `target` at `sample_rate` Hz and measure its level on the way.

    Raises BadInput as reading does, StorageFailed, Cancelled.
    """
    facts = reading.probe(path)
    meter, clipping = StreamMeter(sample_rate), FlatTops(facts.sample_rate)
    offsets, size, read = array("f"), 0, 0

    def decoded() -> Iterator[Samples]:
        nonlocal read
        resampler = Resampler(facts.sample_rate, sample_rate)
        for block in reading.blocks(path, None, _BLOCK_S):
            control.progress("Reading the sound", min(1.0, read / facts.sample_rate / facts.duration))
            read += len(block)
            offsets.extend(_means(block, facts.sample_rate // 10))
            clipping.push(block)
            yield resampler.push(block)
        yield resampler.finish()

    with storage_errors(target), target.open("wb") as file:
        for block in decoded():
            meter.push(block)
            file.write(np.ascontiguousarray(block).data)
            size += len(block)
    # The median: what was muted has no offset, whatever is said between.
    offset = float(np.median(offsets)) if offsets else 0.0
    if abs(offset) < _LEAST_OFFSET:
        offset = 0.0
    return Standardised(target, sample_rate, size, offset, meter, clipping)


def _means(block: Samples, size: int) -> list[float]:
    whole = block[: len(block) // size * size].reshape(-1, size)
    means: list[float] = whole.mean(axis=1).tolist()
    return means
