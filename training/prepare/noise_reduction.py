"""Less of a recording's steady noise, learned from its own pauses."""

from __future__ import annotations

import numpy as np

from studio.audio import snr, vad
from studio.audio.types import Samples
from training.prepare.standardising import Standardised

#: What has to be heard of the noise alone, and how much of it is enough, seconds.
_LEAST_S, _ENOUGH_S = 0.2, 10.0


def noise_of(recording: Standardised, frames: snr.Frames) -> Samples | None:
    """What is heard in the pauses of `recording`, spread over all of it; None where there is too little.

    Without pauses the noise would have to be learned from the speech, which then went with it.
    """
    silent = np.flatnonzero(frames.sounding_pauses())
    seconds = snr.FRAME / vad.SAMPLE_RATE
    if len(silent) * seconds < _LEAST_S:
        return None
    chosen = silent[:: max(1, round(len(silent) * seconds / _ENOUGH_S))]
    size = round(seconds * recording.sample_rate)
    starts = (chosen * seconds * recording.sample_rate).astype(int)
    return np.concatenate([recording.read(int(start), int(start) + size) for start in starts])


def reduced(samples: Samples, rate: int, noise: Samples, strength: float) -> Samples:
    """`samples`, mono float32 [n] at `rate` Hz, with `strength` (0 to 1) of the noise taken away."""
    import noisereduce

    made = noisereduce.reduce_noise(
        y=samples, sr=rate, stationary=True, y_noise=noise, prop_decrease=strength
    )
    return np.clip(made, -1.0, 1.0).astype(np.float32)
