"""What is done to the sound of every segment of a recording alike: its level, its noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.audio.types import Samples
from studio.dataset.values import PrepareSettings
from training.prepare.listening import Heard
from training.prepare.noise_reduction import noise_of, reduced
from training.prepare.segmenting import Stretch
from training.prepare.standardising import Standardised

#: No sample passes this, dBFS.
PEAK_DBFS = -1.0
_NO_NOISE = "The noise was left as it is, for there is no pause to learn it from."


@dataclass(frozen=True, eq=False)
class Finish:
    """One gain for all, so that loud and quiet words keep their distance."""

    gain: float
    noise: Samples | None = None  # None: no noise reduction
    strength: float = 0.0
    notes: tuple[str, ...] = ()

    def apply(self, samples: Samples, rate: int) -> Samples:
        """`samples`, mono float32 [n] at `rate` Hz, as they go into the set."""
        if self.noise is not None:
            samples = reduced(samples, rate, self.noise, self.strength)
        return samples * np.float32(self.gain)


def finish_for(
    recording: Standardised, heard: Heard, found: Sequence[Stretch], settings: PrepareSettings
) -> Finish:
    """The gain that brings the recording to its loudness, as far as the peak of what is used of it
    allows; and its noise, where that is to be reduced."""
    gain = _gain(recording, heard, found, settings.loudness_lufs)
    if not settings.denoise:
        return Finish(gain)
    noise = noise_of(recording, heard.for_snr)
    if noise is None:
        return Finish(gain, notes=(_NO_NOISE,))
    return Finish(gain, noise, settings.denoise_strength)


def _gain(recording: Standardised, heard: Heard, found: Sequence[Stretch], lufs: float | None) -> float:
    now = recording.meter.loudness()
    if lufs is None or now is None:
        return 1.0
    peak = max((heard.peak(stretch.start, stretch.end) for stretch in found), default=0.0)
    gain_db = lufs - now
    if peak > 0:
        gain_db = min(gain_db, PEAK_DBFS - 20 * float(np.log10(peak)))
    return float(10 ** (gain_db / 20))
