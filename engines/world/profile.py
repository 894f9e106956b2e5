"""What makes a voice, in numbers averaged over some seconds of its speech."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from engines.world.spectra import centred
from engines.world.vocoder import FRAME_S, FREQUENCIES, SAMPLE_RATE, Floats, Frames

#: Frames count as speech down to this far below the loud ones, dB.
_SPEECH_BELOW_DB = 35.0
_VOICED_BELOW_DB = 20.0
#: log F0 further from the median than this is an octave error of the pitch tracker.
_OCTAVE_ERROR = 0.7


@dataclass(frozen=True, eq=False)
class VoiceProfile:
    """The statistics of one voice; envelopes are of voiced frames, natural log, without level."""

    log_f0: float  # median of ln Hz
    log_f0_deviation: float
    envelope: Floats  # [BINS], mean
    envelope_deviation: Floats  # [BINS]
    aperiodicity: Floats  # [BINS], mean
    syllables: float  # a second of speech
    speech_s: float  # seconds of speech, pauses left out
    voiced_s: float
    speech_level: float  # dB; frames below are pauses
    bandwidth: float  # Hz; above it the recording holds nothing

    @property
    def f0(self) -> float:
        """Median pitch in Hz."""
        return float(np.exp(self.log_f0))


def clearly_voiced(frames: Frames) -> npt.NDArray[np.bool_]:
    """Frames that are voiced and not at the edge of hearing, [t]."""
    voiced, level = frames.voiced, frames.level
    if not voiced.any():
        return voiced
    return np.asarray(voiced & (level > np.median(level[voiced]) - _VOICED_BELOW_DB))


def measure(frames: Frames, sample_rate: int = SAMPLE_RATE) -> VoiceProfile:
    """The profile of the speech in `frames`, recorded at `sample_rate` Hz.

    There must be voiced speech; callers check `clearly_voiced` first.
    """
    voiced = clearly_voiced(frames)
    envelopes = centred(frames.log_envelope[voiced])
    log_f0 = np.log(frames.f0[voiced])
    median = float(np.median(log_f0))
    log_f0 = log_f0[np.abs(log_f0 - median) < _OCTAVE_ERROR]
    median = float(np.median(log_f0))
    # Half the robust, half the plain deviation: the first alone ignores lively peaks.
    spread = 1.4826 * float(np.median(np.abs(log_f0 - median)))
    level = frames.level
    speech_level = float(np.percentile(level, 97)) - _SPEECH_BELOW_DB
    speech = level > speech_level
    return VoiceProfile(
        log_f0=median,
        log_f0_deviation=0.5 * spread + 0.5 * float(log_f0.std()),
        envelope=envelopes.mean(0),
        envelope_deviation=envelopes.std(0),
        aperiodicity=frames.aperiodicity[voiced].mean(0),
        syllables=_syllables(frames) / max(float(speech.sum()) * FRAME_S, 0.1),
        speech_s=float(speech.sum()) * FRAME_S,
        voiced_s=float(voiced.sum()) * FRAME_S,
        speech_level=speech_level,
        bandwidth=_bandwidth(frames, speech, sample_rate),
    )


def _syllables(frames: Frames) -> int:
    """Syllable nuclei: peaks of the energy between 300 and 3000 Hz that stand out by 2 dB, after
    N. de Jong, T. Wempe: Praat script to detect syllable nuclei (2009)."""
    band = (FREQUENCIES > 300) & (FREQUENCIES < 3000)
    energy = 10 * np.log10(np.exp(frames.log_envelope[:, band]).sum(1) + 1e-12)
    energy = gaussian_filter1d(energy, 5.0)
    floor = np.percentile(energy, 99) - 25
    # Only the highest within 80 ms either side.
    peaks = np.flatnonzero((energy == maximum_filter1d(energy, 17)) & (energy > floor) & frames.voiced)
    count, previous = 0, -1
    for peak in peaks:
        dip = energy[previous : peak + 1].min() if previous >= 0 else -np.inf
        if dip < min(energy[peak], energy[previous] if previous >= 0 else np.inf) - 2.0:
            count, previous = count + 1, int(peak)
        elif energy[peak] > energy[previous]:
            previous = int(peak)
    return count


def _bandwidth(frames: Frames, speech: npt.NDArray[np.bool_], sample_rate: int) -> float:
    """The frequency above which there is nothing but the resampler's skirt, Hz: a telephone's
    recording stays one however it was saved."""
    if not speech.any():
        return sample_rate / 2
    spectrum = 4.343 * np.log(np.exp(frames.log_envelope[speech]).mean(0))
    filled = np.flatnonzero(spectrum > spectrum.max() - 65)
    return float(min(sample_rate / 2, FREQUENCIES[filled[-1]] + 100, SAMPLE_RATE / 2))
