"""What is measured of a segment, at the level and with the noise with which it came."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from studio.audio import snr, vad
from studio.audio.bandwidth import bandwidth_of, spectrum
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples
from studio.dataset.values import NOISEREDUCE
from training.prepare.listening import Heard
from training.prepare.noise_floors import NoiseFloors
from training.prepare.sound_prints import sound_print
from training.prepare.standardising import Standardised


@dataclass(frozen=True)
class Measures:
    """Named as in studio.dataset.values.Segment."""

    snr_db: float | None
    snr_note: str
    clipped: float
    loudness_lufs: float | None
    speech_share: float
    bandwidth_hz: float | None
    sound: str


class Measuring:
    """The measures of any part of one recording."""

    def __init__(self, recording: Standardised, heard: Heard, snr_method: str) -> None:
        self._recording, self._heard, self._method = recording, heard, snr_method
        self._floors = NoiseFloors(heard.for_snr)

    def measure(self, samples: Samples, start: float, end: float) -> Measures:
        """Those of `samples`, which are the recording's from `start` to `end` seconds."""
        recording, frames = self._recording, self._heard.frames
        loudness = recording.meter.loudness(start, end)
        speech = frames.speech[frames.part(start, end)]
        ratio = self._snr(samples, start, end)
        power = spectrum(samples, recording.sample_rate)
        return Measures(
            snr_db=None if ratio.db is None else round(ratio.db, 2),
            snr_note=ratio.method or ratio.reason,
            clipped=round(recording.clipping.share(start, end), 6),
            loudness_lufs=None if loudness is None else round(loudness, 2),
            speech_share=round(float(speech.mean()), 4) if len(speech) else 0.0,
            bandwidth_hz=bandwidth_of(power, recording.sample_rate),
            sound=sound_print(power, recording.sample_rate),
        )

    def _snr(self, samples: Samples, start: float, end: float) -> snr.Snr:
        rate = self._recording.sample_rate
        if self._method == NOISEREDUCE:
            return residual_snr(samples, rate)
        return self._floors.snr(
            start, end, lambda: resample(Audio(samples, rate), vad.SAMPLE_RATE).samples
        )


def residual_snr(samples: Samples, rate: int) -> snr.Snr:
    """10 log10(P(x) / P(x - y)), where y is what noisereduce leaves of x; saturates near 4 dB, see
    docs/benchmarks.md."""
    import noisereduce

    if not np.any(samples):
        return snr.Snr(None, reason=snr.NO_SOUND)
    left = samples - noisereduce.reduce_noise(y=samples, sr=rate)
    power, rest = (float(np.mean(np.square(each, dtype=np.float64))) for each in (samples, left))
    if not (rest > 0 and math.isfinite(rest)):
        return snr.Snr(None, reason="noisereduce found no noise in it.")
    return snr.Snr(10 * math.log10(power / rest), NOISEREDUCE)
