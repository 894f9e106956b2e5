"""A voice made by numbers instead of after a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.world.spectra import mel_power, warped
from engines.world.vocoder import (
    F0_CEILING,
    FREQUENCIES,
    Floats,
    Frames,
    analyse,
    synthesise,
)

#: At this much breath nothing is voiced any more.
WHISPER = 6.0
#: The level of loud speech that gives the studio's usual loudness, dB as Frames.level.
_LOUD_DB = 35.0
_TARGET_DB = 12.0


@dataclass(frozen=True)
class DesignedVoice:
    """How a source voice is changed."""

    source_log_f0: float  # median of ln Hz
    source_level: float  # dB, as VoiceProfile.speech_level
    f0: float  # Hz, the new median
    f0_range: float  # factor on the source's
    tract: float  # factor on the resonances
    tilt: float  # dB an octave, around 1 kHz
    breath: float  # 0 to WHISPER
    creak: float  # deviation of ln F0 from frame to frame

    @property
    def gain(self) -> float:
        """The fixed factor that brings the voice to the studio's level."""
        return float(10 ** ((_TARGET_DB - self.source_level - _LOUD_DB) / 20))

    def convert(self, samples: Floats, noise: np.random.Generator) -> Floats:
        """The source's `samples` [n] in this voice, float64 [n], before the gain. `noise` draws the
        creak."""
        return synthesise(self.apply(analyse(samples), noise), len(samples))

    def apply(self, frames: Frames, noise: np.random.Generator) -> Frames:
        """The source's `frames` in this voice; each keeps its energy."""
        voiced = frames.voiced
        f0 = frames.f0.copy()
        log_f0 = (np.log(f0[voiced]) - self.source_log_f0) * self.f0_range + np.log(self.f0)
        log_f0 += noise.normal(0, 1, len(log_f0)) * self.creak
        f0[voiced] = np.clip(np.exp(log_f0), 40, F0_CEILING)
        envelope = warped(frames.log_envelope, self.tract)
        octaves = np.log2(np.maximum(FREQUENCIES, 200) / 1000)
        envelope = envelope + self.tilt / 4.343 * octaves
        aperiodicity = frames.aperiodicity.copy()
        if self.breath >= WHISPER:
            f0[:] = 0
            aperiodicity[:] = 1
            # Without a voice there is little below the first resonance.
            envelope = envelope + 12 / 4.343 * np.log2(np.clip(FREQUENCIES, 60, 500) / 500)
        elif self.breath > 0:
            share = np.clip(aperiodicity[voiced], 1e-4, 0.9999)
            logit = np.log(share / (1 - share)) + self.breath * np.clip(FREQUENCIES / 2000, 0, 1.5)
            aperiodicity[voiced] = 1 / (1 + np.exp(-logit))
        energy = np.log(mel_power(frames.log_envelope).sum(1) + 1e-12)
        energy -= np.log(mel_power(envelope).sum(1) + 1e-12)
        return Frames(f0, envelope + energy[:, None], aperiodicity)
