"""The signal-to-noise ratio of speech, estimated from the recording alone.

Where there are pauses, the noise is heard in them: the voice detector tells them from the speech, and
the ratio is that of the speech's mean power, less the noise, to the noise's median power. Where there
are none, the distribution of the amplitudes tells it (WADA: Kim and Stern, "Robust signal-to-noise
ratio estimation based on waveform amplitude distribution analysis", Interspeech 2008), which holds
for noisy speech only. All is of the band up to 8 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.audio import vad
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples

_FRAME = vad.SAMPLE_RATE * 30 // 1000
#: The detector's strictest mode: what it lets through as noise is none for sure.
_MODE = 3
#: Fewer frames of speech, or of noise, are no ground for a figure.
_LEAST_FRAMES = 5
#: A pause has at least so many frames, without one on each side where speech begins or fades away.
_PAUSE_FRAMES = 5
#: Below this mean square (-100 dBFS, the last bit of 16) a frame holds no sound: the pause was muted.
_MUTED = 1e-10
#: If the "pauses" are that much louder than the quietest tenth of all frames, speech was taken for
#: noise, which happens to short clips of soft sounds. Decibels.
_PAUSES_OVER_LOWEST_DB = 18.0

#: WADA: log of the mean less mean of the log of the amplitudes, by dB from _WADA_FIRST_DB on in steps of
#: _WADA_STEP_DB, for speech as a gamma distribution of shape 0.4 (the paper's) and white noise; drawn
#: with eight million samples.
_WADA_FIRST_DB, _WADA_STEP_DB = -4.0, 2.0
_WADA = (0.4288, 0.4421, 0.4618, 0.4887, 0.5235, 0.5657, 0.614, 0.6673, 0.7241, 0.7829, 0.8417)
#: Above it the pauses that are lacking weigh more than the noise. Decibels.
_WADA_HIGHEST_DB = 15.0


@dataclass(frozen=True)
class Snr:
    """An estimate, or why there is none."""

    db: float | None  # None: it cannot be told
    method: str = ""  # "vad": from the pauses; "wada": rougher, without pauses; "" where there is none
    reason: str = ""  # why there is no figure, a sentence


def estimate(samples: Samples, rate: int, noise_floor: float | None = None) -> Snr:
    """The ratio in `samples`, mono float32 [n] at `rate` Hz.

    `noise_floor` is the noise's mean square where it is known better than a short clip tells: that of
    the whole recording, from `noise_floor`. Within 1.5 dB on average from 0 to 30 dB, for steady
    noise; what cannot be told has no figure but a reason.
    """
    heard = resample(Audio(samples, rate), vad.SAMPLE_RATE).samples
    if not len(heard) or not np.any(heard):
        return Snr(None, reason="There is no sound.")
    heard = heard - heard.mean(dtype=np.float64).astype(np.float32)  # an offset is not heard
    frames = _measured([heard])
    if frames.speech.sum() < _LEAST_FRAMES:
        return Snr(None, reason="Nothing in it sounds like speech.")
    noise = noise_floor
    if noise is None:
        found = frames.noise()
        if isinstance(found, Snr):
            return found
        noise = found
    if noise is None:
        return _wada(heard)
    if noise <= _MUTED:
        return _muted()
    speech = float(frames.power[frames.speech].mean()) - noise
    if speech <= 0:
        return Snr(None, reason="The noise is as loud as the speech.")
    return Snr(10 * math.log10(speech / noise), "vad")


def noise_floor(blocks: Iterable[Samples]) -> float | None:
    """The mean square of the noise in the pauses of a recording of any length, given in blocks at
    vad.SAMPLE_RATE; None where it has no pauses, or muted ones."""
    found = _measured(blocks).noise()
    return None if isinstance(found, Snr) else found


@dataclass(frozen=True, eq=False)
class _Frames:
    """30 ms each."""

    power: npt.NDArray[np.float64]  # mean square
    speech: npt.NDArray[np.bool_]

    def noise(self) -> float | Snr | None:
        """Its mean square; an Snr that says why where the pauses are muted, None without pauses."""
        pauses = self.power[self._in_pauses()]
        sounding = pauses[pauses > _MUTED]
        if len(sounding) < _LEAST_FRAMES:
            return _muted() if len(pauses) - len(sounding) >= _LEAST_FRAMES else None
        noise = float(np.median(sounding))
        lowest = np.sort(self.power[self.power > _MUTED])
        lowest = lowest[: max(3, len(lowest) // 10)]
        if noise > lowest.mean() * 10 ** (_PAUSES_OVER_LOWEST_DB / 10):
            return None
        return noise

    def _in_pauses(self) -> npt.NDArray[np.bool_]:
        """Frames in pauses, without those beside speech, into which it fades."""
        inside = np.zeros(len(self.speech), bool)
        edges = np.flatnonzero(np.diff(np.concatenate([[True], self.speech, [True]]).astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start >= _PAUSE_FRAMES:
                first = start if start == 0 else start + 1
                inside[first : end if end == len(inside) else end - 1] = True
        return inside


def _measured(blocks: Iterable[Samples]) -> _Frames:
    judged = [
        (float(np.mean(np.square(frame, dtype=np.float64))), speaks)
        for frame, speaks in vad.judged_frames(blocks, _FRAME, _MODE)
        if len(frame) == _FRAME
    ]
    powers, flags = zip(*judged, strict=True) if judged else ((), ())
    return _Frames(np.array(powers, np.float64), np.array(flags, bool))


def _wada(heard: Samples) -> Snr:
    amplitude = np.abs(heard[heard != 0]).astype(np.float64)
    value = math.log(amplitude.mean()) - float(np.log(amplitude).mean())
    if value < _WADA[0]:
        return Snr(None, reason="The noise drowns whatever is said.")
    decibels = _WADA_FIRST_DB + _WADA_STEP_DB * float(np.interp(value, _WADA, range(len(_WADA))))
    if decibels > _WADA_HIGHEST_DB:
        return Snr(None, reason="There is no pause in which the noise could be heard.")
    return Snr(decibels, "wada")


def _muted() -> Snr:
    return Snr(None, reason="The pauses are muted, so that no noise is heard in them.")
