"""Loudness after ITU-R BS.1770-4, of a clip and of files of any length."""

from __future__ import annotations

from array import array
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from studio.audio import reading
from studio.audio.types import Audio, Samples
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.files import publishing

Floats: TypeAlias = npt.NDArray[np.float64]

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
    """BS.1770 for one channel that arrives in blocks, by FFmpeg's filter ebur128. An incomplete last gating block
    does not count, as the standard says."""

    def __init__(self, sample_rate: int) -> None:
        from studio.audio.pyav import av

        self._graph = av.filter.Graph()  # in which the others live
        self._source = self._graph.add_abuffer(sample_rate=sample_rate, format="flt", layout="mono")
        meter = self._graph.add("ebur128", "metadata=1")
        self._sink = self._graph.add("abuffersink")
        self._source.link_to(meter)
        meter.link_to(self._sink)
        self._graph.configure()
        self._rate, self._pushed = sample_rate, 0
        self._step_s = sample_rate * _GATE_S // _STEPS / sample_rate  # of whole samples
        #: LUFS of the gating block that ends with each step; those of the first three steps are not whole.
        self._levels = array("d")

    def push(self, block: Samples) -> None:
        from studio.audio.pyav import av

        if not len(block):
            return
        samples = np.ascontiguousarray(block[None], np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate, frame.pts = self._rate, self._pushed
        self._pushed += len(block)
        self._source.push(frame)
        with suppress(BlockingIOError):  # it wants more
            while True:
                self._levels.append(float(self._sink.pull().metadata["lavfi.r128.M"]))

    def loudness(self, start: float = 0.0, end: float | None = None) -> float | None:
        """LUFS of everything pushed, or of it from `start` to `end` seconds (to 0.1 s), gated; None
        where there is none."""
        first = round(start / self._step_s) + _STEPS - 1
        last = None if end is None else round(end / self._step_s)
        levels = np.array(self._levels[first:last])
        power = _power(levels[levels >= _SILENT_LUFS])
        if not len(power):
            return None
        loud = power[power > power.mean() * 10 ** (_RELATIVE_GATE_LU / 10)]
        return _OFFSET_DB + 10 * float(np.log10(loud.mean()))


def _power(lufs: Floats) -> Floats:
    return np.asarray(10 ** ((lufs - _OFFSET_DB) / 10), np.float64)
