"""Where somebody speaks in a recording, frame by frame, as the voice detector hears it."""

from __future__ import annotations

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


def listen(recording: Standardised, aggressiveness: int, frame_ms: int, control: Control) -> Heard:
    """Judge all of `recording`. Raises Cancelled."""
    loudness = recording.meter.loudness()
    gain_db = 0.0 if loudness is None else min(max(0.0, _SHOWN_LUFS - loudness), _MOST_GAIN_DB)
    gain = np.float32(10 ** (gain_db / 20))
    strict = _Judge(snr.FRAME, snr.MODE)
    size = vad.SAMPLE_RATE * frame_ms // 1000
    same = (size, aggressiveness) == (snr.FRAME, snr.MODE)
    judges = (strict,) if same else (strict, _Judge(size, aggressiveness))
    for block in regroup(_resampled(recording, control), _BLOCK):
        shown = pcm16(block * gain).astype("<i2", copy=False).tobytes()
        for judge in judges:
            judge.push(block, shown)
    power, speech = judges[-1].found()
    of_snr, speech_of_snr = strict.found()
    return Heard(
        Frames(frame_ms / 1000, power, speech), snr.Frames(of_snr.astype(np.float64), speech_of_snr)
    )


class _Judge:
    """The detector in one mode, over frames of one size; an incomplete last frame does not count."""

    def __init__(self, size: int, mode: int) -> None:
        import webrtcvad

        self._size = size
        self._is_speech = webrtcvad.Vad(mode).is_speech
        self._power, self._speech = array("f"), bytearray()

    def push(self, block: Samples, shown: bytes) -> None:
        """Take whole frames, and the same as 16-bit samples for the detector."""
        count = len(block) // self._size
        frames = block[: count * self._size].reshape(count, self._size)
        self._power.frombytes((np.einsum("ij,ij->i", frames, frames) / self._size).tobytes())
        step = 2 * self._size
        starts = range(0, count * step, step)
        self._speech.extend(self._is_speech(shown[at : at + step], vad.SAMPLE_RATE) for at in starts)

    def found(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """The mean square of each frame, and whether it is speech."""
        return np.array(self._power, np.float32), np.frombuffer(bytes(self._speech), np.bool_)


def _resampled(recording: Standardised, control: Control) -> Iterator[Samples]:
    resampler = Resampler(recording.sample_rate, vad.SAMPLE_RATE)
    done = 0
    for block in recording.blocks():
        control.progress("Finding the speech", min(1.0, done / recording.size))
        done += len(block)
        yield resampler.push(block)
    yield resampler.finish()
