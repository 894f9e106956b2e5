"""Loudness after ITU-R BS.1770-4, of a clip and of files of any length."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.audio import reading
from studio.audio.types import Audio, Samples
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.files import publishing

#: The gating block of BS.1770; anything shorter has no loudness.
_GATE_S = 0.4
#: The absolute gate of BS.1770: what is quieter counts as silence.
_SILENT_LUFS = -70.0
#: What is added to a mean square in dB (BS.1770, equation 2), and the relative gate (equation 6).
_OFFSET_DB = -0.691
_RELATIVE_GATE_LU = -10.0
#: A gating block moves on by a quarter of itself.
_STEPS = 4
_BLOCK_S = 10.0


@dataclass(frozen=True)
class Measured:
    """A file's level."""

    lufs: float | None  # None: shorter than 0.4 s, or silent
    peak: float  # the largest sample's absolute value, 1.0 is full scale


@dataclass(frozen=True)
class Normalised:
    """What normalising has done."""

    before_lufs: float | None  # None: shorter than 0.4 s, or silent
    gain_db: float  # 0 where there was no loudness to correct
    limited: bool  # the peak did not allow the whole gain


def loudness(audio: Audio) -> float | None:
    """Integrated loudness in LUFS.

    None for what has none: clips shorter than a gating block of 0.4 s, and silence, which is all
    below -70 LUFS.
    """
    meter = StreamMeter(audio.sample_rate)
    meter.push(audio.samples)
    return meter.loudness()


def measure(path: Path, control: Control | None = None) -> Measured:
    """Loudness and sample peak of a recording of any length, in flat memory.

    The same as `loudness` of the whole: the filters keep their state between blocks, and only ten
    numbers a second are kept for the gates.
    """
    control = control or Control()
    facts = reading.probe(path)
    meter = StreamMeter(facts.sample_rate)
    peak = 0.0
    for number, block in enumerate(reading.blocks(path, None, _BLOCK_S)):
        control.progress("Measuring the loudness", min(1.0, number * _BLOCK_S / facts.duration))
        peak = max(peak, float(np.abs(block).max()))
        meter.push(block)
    return Measured(meter.loudness(), peak)


def normalise_file(
    path_in: Path,
    path_out: Path,
    target_lufs: float,
    peak_dbfs: float = -1.0,
    control: Control | None = None,
) -> Normalised:
    """Write `path_in` to `path_out`, a 16-bit mono WAV of the same rate, at `target_lufs`.

    One gain for the whole, in two passes with flat memory; it is reduced where the largest sample
    would pass `peak_dbfs` (a sample peak; the true peak may lie a little above). What has no
    loudness keeps its level, within the peak. `path_out` appears when it is complete and may be
    `path_in`. Raises BadInput as reading does, StorageFailed, Cancelled.
    """
    control = control or Control()
    facts = reading.probe(path_in)
    before = measure(path_in, control)
    wanted = 0.0 if before.lufs is None else target_lufs - before.lufs
    room = peak_dbfs - 20 * np.log10(before.peak) if before.peak else 0.0
    gain_db = float(min(wanted, room))
    gain = np.float32(10 ** (gain_db / 20))
    with publishing(path_out) as partial, WavWriter(partial, facts.sample_rate) as writer:
        for block in reading.blocks(path_in, None, _BLOCK_S):
            control.progress("Setting the loudness", min(1.0, writer.seconds / facts.duration))
            writer.append(block * gain)
    return Normalised(before.lufs, gain_db, gain_db < wanted)


class StreamMeter:
    """BS.1770 for one channel that arrives in blocks; pyloudnorm, whose filters these are, wants
    the whole at once. Unlike there an incomplete last gating block does not count, as the standard
    says, which changes clips of a second or two by up to 0.3 LU and longer ones by nothing."""

    def __init__(self, sample_rate: int) -> None:
        from pyloudnorm.iirfilter import IIRfilter

        # The two stages of the K-weighting with the values that pyloudnorm.Meter takes, as one filter,
        # which is twice as quick.
        shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, sample_rate, "high_shelf")
        high_pass = IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass")
        self._b = np.convolve(shelf.b, high_pass.b)
        self._a = np.convolve(shelf.a, high_pass.a)
        self._state = np.zeros(len(self._a) - 1)
        self._step = _GATE_S / _STEPS * sample_rate  # samples, not always whole
        self._sums = array("d")  # of the squares, a step each
        self._rest = np.zeros(0)

    def push(self, block: Samples) -> None:
        from scipy.signal import lfilter

        if not len(block):  # lfilter answers with a state that was never set
            return
        weighted, self._state = lfilter(self._b, self._a, block.astype(np.float64), zi=self._state)
        pending = np.square(weighted, out=weighted)
        if len(self._rest):
            pending = np.concatenate([self._rest, pending])
        # Steps begin at whole samples nearest below their time, so that none drifts.
        done = len(self._sums)
        origin = int(done * self._step)
        count = 0
        while int((done + count + 1) * self._step) - origin <= len(pending):
            count += 1
        if count:
            edges = [int((done + index) * self._step) - origin for index in range(count + 1)]
            self._sums.extend(np.add.reduceat(pending[: edges[-1]], edges[:-1]))
            pending = pending[edges[-1] :].copy()
        self._rest = pending

    def loudness(self, start: float = 0.0, end: float | None = None) -> float | None:
        """LUFS of everything pushed, or of it from `start` to `end` seconds (to 0.1 s), gated; None
        where there is none."""
        step_s = _GATE_S / _STEPS
        sums = self._sums[round(start / step_s) : None if end is None else round(end / step_s)]
        if len(sums) < _STEPS:
            return None
        power = np.convolve(sums, np.ones(_STEPS), "valid") / (self._step * _STEPS)
        power = power[power >= _power(_SILENT_LUFS)]
        if not len(power):
            return None
        loud = power[power > power.mean() * 10 ** (_RELATIVE_GATE_LU / 10)]
        return _lufs(float(loud.mean()))


def _lufs(power: float) -> float:
    return _OFFSET_DB + 10 * float(np.log10(power))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_DB) / 10))
