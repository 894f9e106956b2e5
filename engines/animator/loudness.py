"""How the mouth moves when only the sound is known: by its energy, which says little of the lips.

Twice through the file: once for how loud it is, once for the frames. Memory is that of some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.animator.track import AT_REST, COARTICULATION_S, MouthState
from studio.audio.reading import blocks
from studio.audio.types import Samples
from studio.control import Control

_RATE = 16_000  # Hz
_HOP = 160  # samples: 10 ms
_HOPS = _RATE // _HOP  # a second
#: The levels that are told apart, dB of full scale.
_FLOOR_DB = -90
#: Quieter than this nothing is speech, dB of full scale.
_SILENCE_DB = -58.0
#: The mouth moves over so many dB below the loudest.
_RANGE_DB = 30.0
_LOUDEST = 95  # percentile
#: The lips are so far apart in the loudest sounds, and in a hiss, mouth widths.
_OPEN, _HISS = 0.25, 0.07
#: Below it are vowels, above it hisses; samples of the running mean, 1.6 kHz.
_SMOOTH = 5

_FloatArray = npt.NDArray[np.float64]


def heard(sound: Path, fps: int, count: int, control: Control) -> Iterator[MouthState]:
    """The mouth in each of `count` frames. Raises BadInput where the sound cannot be read."""
    loudest = _loudest(sound, control)
    made = 0
    if loudest > _SILENCE_DB:
        for state in _states(_levels(sound), loudest, fps):
            if made == count:
                return
            control.check()
            yield state
            made += 1
    for _ in range(count - made):
        yield AT_REST


def _levels(sound: Path) -> Iterator[_FloatArray]:
    """For each second the level of every 10 ms, dB, and how much of it is hiss, 0 to 1: [n, 2]."""
    for block in blocks(sound, _RATE, seconds=1.0):
        yield _measured(block)


def _measured(block: Samples) -> _FloatArray:
    whole = np.zeros(-(-len(block) // _HOP) * _HOP)
    whole[: len(block)] = block
    low = np.convolve(whole, np.ones(_SMOOTH) / _SMOOTH, "same")
    power, high = ((each.reshape(-1, _HOP) ** 2).mean(1) for each in (whole, whole - low))
    level = 10 * np.log10(power + 10 ** (_FLOOR_DB / 10))
    hiss = np.clip((high / (power + 1e-12) - 0.45) / 0.35, 0, 1)
    return np.stack([level, hiss], 1)


def _loudest(sound: Path, control: Control) -> float:
    """The level of the loudest sounds, dB."""
    counts = np.zeros(-_FLOOR_DB + 1, np.int64)
    for levels in _levels(sound):
        control.check()
        heard = levels[:, 0][levels[:, 0] > _SILENCE_DB]
        counts += np.bincount(
            np.clip(heard - _FLOOR_DB, 0, -_FLOOR_DB).astype(np.int64), minlength=len(counts)
        )
    if not counts.any():
        return float(_FLOOR_DB)
    return _FLOOR_DB + float(np.searchsorted(np.cumsum(counts), counts.sum() * _LOUDEST / 100))


def _states(levels: Iterator[_FloatArray], loudest: float, fps: int) -> Iterator[MouthState]:
    """The frames, as soon as the sound around each is known."""
    kernel = np.exp(-0.5 * (np.arange(-20, 21) / (COARTICULATION_S * _HOPS)) ** 2)
    kernel /= kernel.sum()
    reach = len(kernel) // 2
    known = np.tile([float(_FLOOR_DB), 0.0], (reach, 1))  # from the hop `first` on
    first, frame = -reach, 0
    for piece in _then_silence(levels, reach):
        known = np.concatenate([known, piece])
        targets = _targets(known, loudest)
        smooth = np.stack([np.convolve(column, kernel, "valid") for column in targets.T], 1)
        while (at := int((frame + 0.5) / fps * _HOPS) - first - reach) < len(smooth):
            yield MouthState(*smooth[at].tolist())
            frame += 1
        done = len(known) - 2 * reach
        if done > 0:
            known, first = known[done:], first + done


def _then_silence(levels: Iterator[_FloatArray], hops: int) -> Iterator[_FloatArray]:
    yield from levels
    yield np.tile([float(_FLOOR_DB), 0.0], (hops + _HOPS // 4, 1))


def _targets(levels: _FloatArray, loudest: float) -> _FloatArray:
    """The fields of MouthState for each 10 ms."""
    loud = np.clip((levels[:, 0] - loudest + _RANGE_DB) / _RANGE_DB, 0, 1)
    hiss = levels[:, 1]
    open_by_level = _OPEN * loud**1.5
    opening = open_by_level + hiss * (np.minimum(open_by_level, _HISS) - open_by_level)
    teeth = 0.5 + 0.5 * hiss
    width = 1 + 0.05 * hiss - 0.08 * loud * (1 - hiss)
    rest = np.clip(1 - loud / 0.15, 0, 1)
    return np.stack([opening, width, teeth, 0.3 * (1 - hiss), rest], 1)
