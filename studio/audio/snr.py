"""The signal-to-noise ratio of speech, estimated from the recording alone.

Where there are pauses, the noise is heard in them: the voice detector tells them from the speech, and
the ratio is that of the speech's mean power, less the noise, to the noise's median power. Where there
are none, the distribution of the amplitudes tells it (WADA: Kim and Stern, "Robust signal-to-noise
ratio estimation based on waveform amplitude distribution analysis", Interspeech 2008), which holds
for noisy speech only. All is of the band up to 8 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.audio import vad
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples

#: Samples of what is judged at once: 30 ms.
FRAME = vad.SAMPLE_RATE * 30 // 1000
#: The detector's strictest mode: what it lets through as noise is none for sure.
MODE = 3
#: A quiet recording is shown to the detector with its loudest tenth at this RMS (-20 dBFS), since it takes
#: quiet speech for silence.
_SHOWN_RMS = 0.1
#: Fewer frames of speech, or of noise, are no ground for a figure.
_LEAST_FRAMES = 5
#: A pause has at least so many frames, without one on each side where speech begins or fades away.
_PAUSE_FRAMES = 5
#: Below this mean square (-100 dBFS, the last bit of 16) a frame holds no sound: the pause was muted.
_MUTED = 1e-10
#: If the "pauses" are that much louder than the quietest tenth of all frames, speech was taken for
#: noise, which happens to short clips of soft sounds. Decibels.
_PAUSES_OVER_LOWEST_DB = 18.0

NO_SOUND = "There is no sound."
NO_SPEECH = "Nothing in it sounds like speech."
NO_PAUSE = "There is no pause in which the noise could be heard."
MUTED = "The pauses are muted, so that no noise is heard in them."
LOUD = "The noise is as loud as the speech."
DROWNED = "The noise drowns whatever is said."

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
    reason: str = ""  # why there is no figure: one of the sentences above


def estimate(samples: Samples, rate: int, noise_floor: float | None = None) -> Snr:
    """The ratio in `samples`, mono float32 [n] at `rate` Hz.

    `noise_floor` is the noise's mean square where it is known better than a short clip tells: that of
    the whole recording, from `noise_floor`. Within 1.5 dB on average from 0 to 30 dB, for steady
    noise; what cannot be told has no figure but a reason.
    """
    if not len(samples) or not np.any(samples):
        return Snr(None, reason=NO_SOUND)
    heard = _heard(samples, rate)
    return of_frames(_of_clip(heard), lambda: heard, noise_floor)


def of_frames(frames: Frames, heard: Callable[[], Samples], noise_floor: float | None = None) -> Snr:
    """The same for frames that have been judged already. `heard` gives their sound, mono float32 [n]
    at vad.SAMPLE_RATE without an offset; it is asked for where there are no pauses."""
    if not frames.power.any():
        return Snr(None, reason=NO_SOUND)
    if frames.speech.sum() < _LEAST_FRAMES:
        return Snr(None, reason=NO_SPEECH)
    noise = noise_floor if noise_floor is not None else frames.noise()
    if noise is None:
        return Snr(None, reason=MUTED) if frames.muted() else without_pauses(heard())
    speech = float(frames.power[frames.speech].mean()) - noise
    if speech <= 0:
        return Snr(None, reason=LOUD)
    return Snr(10 * math.log10(speech / max(noise, _MUTED)), "vad")


def noise_floor(blocks: Iterable[Samples]) -> float | None:
    """The mean square of the noise in the pauses of a recording of any length, given in blocks at
    vad.SAMPLE_RATE; None where it has no pauses, or muted ones."""
    return _measured(blocks).noise()


def pauses(samples: Samples, rate: int) -> list[tuple[float, float]]:
    """From when to when, in seconds, nobody speaks and only the noise is heard."""
    if not len(samples) or not np.any(samples):
        return []
    silent = _of_clip(_heard(samples, rate)).sounding_pauses()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    seconds = edges * FRAME / vad.SAMPLE_RATE
    return [(float(start), float(end)) for start, end in zip(seconds[::2], seconds[1::2], strict=True)]


def _heard(samples: Samples, rate: int) -> Samples:
    """Without an offset, which is not heard; the median leaves muted pauses at zero."""
    heard = resample(Audio(samples, rate), vad.SAMPLE_RATE).samples
    return heard - np.median(heard) if len(heard) else heard


def _of_clip(heard: Samples) -> Frames:
    shown = _shown_gain(heard)
    return _measured([heard * shown], 1 / shown**2)


def _shown_gain(samples: Samples) -> float:
    whole = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(whole):
        return 1.0
    loudest = float(np.sqrt(np.percentile(np.square(whole).mean(axis=1), 90)))
    return max(1.0, _SHOWN_RMS / loudest) if loudest > 0 else 1.0


@dataclass(frozen=True, eq=False)
class Frames:
    """FRAME samples at vad.SAMPLE_RATE each, and whether the detector at MODE takes them for speech."""

    power: npt.NDArray[np.float64]  # mean square
    speech: npt.NDArray[np.bool_]

    def noise(self) -> float | None:
        """Its mean square; None without pauses, and with muted ones."""
        pauses = self.power[self.in_pauses()]
        sounding = pauses[pauses > _MUTED]
        if len(sounding) < _LEAST_FRAMES or self.muted():
            return None
        noise = float(np.median(sounding))
        lowest = np.sort(self.sounding())
        lowest = lowest[: max(3, len(lowest) // 10)]
        if noise > lowest.mean() * 10 ** (_PAUSES_OVER_LOWEST_DB / 10):
            return None
        return noise

    def muted(self) -> bool:
        """Whether most of the pauses are; what an editor has put around the recording aside."""
        heard = np.flatnonzero(self.power > _MUTED)
        if not len(heard):
            return True
        within = slice(heard[0], heard[-1] + 1)
        pauses = self.power[within][self.in_pauses()[within]]
        around = len(self.power) - (heard[-1] + 1 - heard[0])
        if len(pauses) < _LEAST_FRAMES:
            return around >= _LEAST_FRAMES
        return bool((pauses <= _MUTED).mean() > 0.5)

    def sounding(self) -> npt.NDArray[np.float64]:
        """The power of those that are not muted."""
        return self.power[self.power > _MUTED]

    def sounding_pauses(self) -> npt.NDArray[np.bool_]:
        """Frames in pauses in which the noise is heard."""
        return self.in_pauses() & (self.power > _MUTED)

    def in_pauses(self) -> npt.NDArray[np.bool_]:
        """Frames in pauses, without those beside speech, into which it fades."""
        inside = np.zeros(len(self.speech), bool)
        edges = np.flatnonzero(np.diff(np.concatenate([[True], self.speech, [True]]).astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start >= _PAUSE_FRAMES:
                first = start if start == 0 else start + 1
                inside[first : end if end == len(inside) else end - 1] = True
        return inside


def _measured(blocks: Iterable[Samples], scale: float = 1.0) -> Frames:
    """`scale` leads back from what the detector is shown to the recording's mean squares."""
    judged = [
        (scale * float(np.mean(np.square(frame, dtype=np.float64))), speaks)
        for frame, speaks in vad.judged_frames(blocks, FRAME, MODE)
        if len(frame) == FRAME
    ]
    powers, flags = zip(*judged, strict=True) if judged else ((), ())
    return Frames(np.array(powers, np.float64), np.array(flags, bool))


def without_pauses(heard: Samples) -> Snr:
    """The ratio by the amplitudes alone (WADA), mono float32 [n] without an offset. No figure where they
    are those of speech without much noise, or of noise alone."""
    amplitude = np.abs(heard[heard != 0]).astype(np.float64)
    value = math.log(amplitude.mean()) - float(np.log(amplitude).mean())
    if value < _WADA[0]:
        return Snr(None, reason=DROWNED)
    decibels = _WADA_FIRST_DB + _WADA_STEP_DB * float(np.interp(value, _WADA, range(len(_WADA))))
    if decibels > _WADA_HIGHEST_DB:
        return Snr(None, reason=NO_PAUSE)
    return Snr(decibels, "wada")
