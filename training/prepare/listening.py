"""Where somebody speaks in a recording, frame by frame, as the voice detector hears it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.audio import snr, vad
from studio.audio.reading import regroup
from studio.audio.resampling import Resampler
from studio.audio.types import Samples
from studio.audio.wav import pcm16
from studio.control import Control
from training.prepare.standardising import Standardised

#: The detector takes quiet speech for silence, so it is shown a quiet recording at this loudness, LUFS,
#: and none that was made louder than by this, dB.
_SHOWN_LUFS, _MOST_GAIN_DB = -23.0, 40.0
#: Whole frames of 10, 20 and 30 ms.
_BLOCK = 3 * vad.SAMPLE_RATE // 2
#: Resolution of the peaks; every rate of a target has whole samples of it.
PEAK_S = 0.02


@dataclass(frozen=True, eq=False)
class Frames:
    """Consecutive frames of a recording, from its start."""

    seconds: float  # of each
    power: npt.NDArray[np.float32]  # mean square up to 8 kHz, at the level at which it came
    speech: npt.NDArray[np.bool_]

    def part(self, start: float, end: float) -> slice:
        """Those from `start` to `end` seconds."""
        return slice(round(start / self.seconds), round(end / self.seconds))

    @property
    def speech_s(self) -> float:
        return float(np.count_nonzero(self.speech) * self.seconds)


@dataclass(frozen=True, eq=False)
class Heard:
    """A recording, judged for cutting and for its signal-to-noise ratio."""

    frames: Frames
    for_snr: snr.Frames
    peaks: npt.NDArray[np.float32]  # the largest absolute value of each PEAK_S

    def peak(self, start: float, end: float) -> float:
        """The largest absolute value from `start` to `end` seconds, and a little around them."""
        part = self.peaks[int(start / PEAK_S) : math.ceil(end / PEAK_S)]
        return float(part.max(initial=0.0))


def listen(recording: Standardised, aggressiveness: int, frame_ms: int, control: Control) -> Heard:
    """Judge all of `recording`. Raises Cancelled."""
    loudness = recording.meter.loudness()
    gain_db = 0.0 if loudness is None else min(max(0.0, _SHOWN_LUFS - loudness), _MOST_GAIN_DB)
    gain = np.float32(10 ** (gain_db / 20))
    strict = _Judge(snr.FRAME, snr.MODE)
    size = vad.SAMPLE_RATE * frame_ms // 1000
    same = (size, aggressiveness) == (snr.FRAME, snr.MODE)
    chosen = strict if same else _Judge(size, aggressiveness)
    peaks = array("f")
    powers = {each.size: array("f") for each in (strict, chosen)}
    for block in regroup(_resampled(recording, peaks, control), _BLOCK):
        shown = pcm16(block * gain).astype("<i2", copy=False).tobytes()
        for frame, found in powers.items():
            found.frombytes(_mean_squares(block, frame).tobytes())
        for judge in {strict, chosen}:
            judge.push(shown)
    power, of_snr = (np.array(powers[each.size], np.float32) for each in (chosen, strict))
    return Heard(
        Frames(frame_ms / 1000, power, chosen.speech()),
        snr.Frames(of_snr.astype(np.float64), strict.speech()),
        np.array(peaks, np.float32),
    )


class _Judge:
    """The detector in one mode, over frames of one size; an incomplete last frame does not count."""

    def __init__(self, size: int, mode: int) -> None:
        import webrtcvad

        self.size = size
        self._is_speech = webrtcvad.Vad(mode).is_speech
        self._speech = bytearray()

    def push(self, shown: bytes) -> None:
        """Take whole frames of 16-bit samples."""
        judge, size, step = self._is_speech, self.size, 2 * self.size
        ends = range(step, len(shown) + 1, step)
        self._speech.extend([judge(shown[end - step : end], vad.SAMPLE_RATE, size) for end in ends])

    def speech(self) -> npt.NDArray[np.bool_]:
        """Whether each frame is speech."""
        return np.frombuffer(bytes(self._speech), np.bool_)


def _mean_squares(block: Samples, size: int) -> npt.NDArray[np.float32]:
    frames = block[: len(block) // size * size].reshape(-1, size)
    return np.asarray(np.einsum("ij,ij->i", frames, frames) / size, np.float32)


def _resampled(recording: Standardised, peaks: array[float], control: Control) -> Iterator[Samples]:
    """The recording as the detector takes it, its peaks noted on the way."""
    resampler = Resampler(recording.sample_rate, vad.SAMPLE_RATE)
    size = round(PEAK_S * recording.sample_rate)
    done = 0
    for block in recording.blocks():
        control.progress("Finding the speech", min(1.0, done / recording.size))
        done += len(block)
        peaks.frombytes(_peaks(block, size).tobytes())
        yield resampler.push(block)
    yield resampler.finish()


def _peaks(block: Samples, size: int) -> npt.NDArray[np.float32]:
    starts = np.arange(0, len(block), size)
    return np.maximum(np.maximum.reduceat(block, starts), -np.minimum.reduceat(block, starts))
