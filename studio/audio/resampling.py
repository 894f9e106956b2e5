"""Changing the sample rate, at once or as a stream, by soxr."""

from __future__ import annotations

import numpy as np
import soxr

from studio.audio.types import Audio, Samples

_NOTHING: Samples = np.zeros(0, np.float32)


class Resampler:
    """Resamples a stream. What it gives is, joined, what resampling at once gives."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Both rates in Hz; raises ValueError unless both are positive."""
        if from_rate <= 0 or to_rate <= 0:
            raise ValueError(f"Sample rates must be positive, not {from_rate} and {to_rate}.")
        self._stream = (
            None if from_rate == to_rate else soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
        )

    def push(self, samples: Samples) -> Samples:
        """Take float32 [n]; give what is ready, float32 [m] in [-1, 1], perhaps nothing."""
        if self._stream is None:
            return samples
        return self._clipped(self._stream.resample_chunk(np.ascontiguousarray(samples)))

    def finish(self) -> Samples:
        """The rest, once everything was pushed. The resampler cannot be used afterwards."""
        if self._stream is None:
            return _NOTHING
        return self._clipped(self._stream.resample_chunk(_NOTHING, last=True))

    @staticmethod
    def _clipped(samples: Samples) -> Samples:
        # The filter overshoots a little at steps of full scale.
        return np.clip(samples, -1.0, 1.0, out=samples)


def resample(audio: Audio, sample_rate: int) -> Audio:
    """`audio` at `sample_rate` Hz; the same object when it has that rate already."""
    if sample_rate == audio.sample_rate:
        return audio
    resampler = Resampler(audio.sample_rate, sample_rate)
    return Audio(np.concatenate([resampler.push(audio.samples), resampler.finish()]), sample_rate)
