"""The sound as Wav2Lip takes it in: mel spectra in decibels, and the 0.2 s of them that belong to a picture.

Everything is read and calculated block by block, so that memory does not grow with the sound.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines.torchaudio_stand_in import provide_torchaudio
from engines.wav2lip.net import MEL_BANDS, MEL_FRAMES
from studio.audio import reading
from studio.audio.types import Samples

#: float32 [MEL_BANDS, n], from -LOUDEST to LOUDEST.
Mels: TypeAlias = npt.NDArray[np.float32]

RATE = 16_000  # Hz
HOP = 200  # samples between two spectra
MELS_PER_S = RATE // HOP

_WINDOW = 800  # samples
_MARGIN = _WINDOW // 2  # the first spectrum is centred on the first sample, the last near the last
_PRE_EMPHASIS = 0.97
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 7600.0
_FLOOR = 1e-5  # of a magnitude: what is less, such as digital silence, has no logarithm worth having
_REFERENCE_DB = 20.0
_RANGE_DB = 100.0  # below the reference, to which -LOUDEST to LOUDEST belong
LOUDEST = 4.0


def windows(sound: Path, fps: int, count: int) -> Iterator[Mels]:
    """For each of `count` pictures, `fps` a second, the MEL_FRAMES spectra from its moment on. Past the end
    the last ones are given. Raises BadInput where the file cannot be read."""
    return cut(mels(reading.blocks(sound, RATE)), fps, count)


def mels(blocks: Iterable[Samples]) -> Iterator[Mels]:
    """The spectra of sound at RATE Hz, as many at a time as a block brings; the same however it is cut."""
    held = np.zeros(0)
    begun, last = False, 0.0
    for block in blocks:
        before = np.concatenate(([last], block[:-1]))
        held = np.concatenate((held, block - _PRE_EMPHASIS * before))
        last = float(block[-1]) if len(block) else last
        if not begun and len(held) > _MARGIN:
            held, begun = np.concatenate((held[_MARGIN:0:-1], held)), True
        if begun and len(held) >= _WINDOW:
            yield _spectra(held)
            held = held[_whole(held) * HOP :]
    if begun:
        held = np.concatenate((held, held[-2 : -_MARGIN - 2 : -1]))
    elif len(held):
        held = np.pad(held, _MARGIN, mode="reflect")
    if len(held) >= _WINDOW:
        yield _spectra(held)


def cut(blocks: Iterable[Mels], fps: int, count: int) -> Iterator[Mels]:
    """`windows` of spectra that come in blocks. Fewer than MEL_FRAMES in all are followed by silence."""
    coming = iter(blocks)
    held = np.zeros((MEL_BANDS, 0), np.float32)
    first, ended = 0, False  # the number of the first one that is held
    for number in range(count):
        start = number * MELS_PER_S // fps
        while not ended and first + held.shape[1] < start + MEL_FRAMES:
            block = next(coming, None)
            if block is None:
                ended = True
                lacking = max(0, MEL_FRAMES - held.shape[1])
                held = np.pad(held, ((0, 0), (0, lacking)), constant_values=-LOUDEST)
            else:
                # As many stay as the last window needs, should there be no more.
                passed = max(0, min(start - first, held.shape[1] - MEL_FRAMES))
                held = np.concatenate((held[:, passed:], block), axis=1)
                first += passed
        at = min(start - first, held.shape[1] - MEL_FRAMES)
        yield held[:, at : at + MEL_FRAMES]


def _whole(samples: npt.NDArray[np.float64]) -> int:
    """How many spectra they are enough for."""
    return (len(samples) - _WINDOW) // HOP + 1


def _spectra(samples: npt.NDArray[np.float64]) -> Mels:
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::HOP]
    magnitudes = np.abs(np.fft.rfft(frames * _hann(), axis=1))
    decibels = 20.0 * np.log10(np.maximum(magnitudes @ _filters(), _FLOOR)) - _REFERENCE_DB
    scaled = 2 * LOUDEST * (decibels / _RANGE_DB + 1.0) - LOUDEST
    return np.ascontiguousarray(np.clip(scaled, -LOUDEST, LOUDEST).T, dtype=np.float32)


@functools.cache
def _hann() -> npt.NDArray[np.float64]:
    """Periodic, as spectra have it."""
    return np.hanning(_WINDOW + 1)[:-1]


@functools.cache
def _filters() -> npt.NDArray[np.float64]:
    """[bins, MEL_BANDS]: triangles of equal area on Slaney's scale."""
    provide_torchaudio()
    from torchaudio.functional import melscale_fbanks

    bins = _WINDOW // 2 + 1
    made: npt.NDArray[np.float32] = melscale_fbanks(
        bins, _LOWEST_HZ, _HIGHEST_HZ, MEL_BANDS, RATE, norm="slaney", mel_scale="slaney"
    ).numpy()
    return made.astype(np.float64)
