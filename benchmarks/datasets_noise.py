"""The noise that is measured of segments, against the formula with noisereduce."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.datasets_run import prepared, task_of
from benchmarks.report import Options, Table, figures
from studio.audio.types import Samples
from studio.dataset.values import HYBRID, NOISEREDUCE, Segment

RATE = 16_000
_RATIOS = tuple(range(0, 31, 5))
_KINDS = ("white", "pink")


def ratios(options: Options, folder: Path, speech: Samples) -> tuple[Table, float]:
    """Mean errors by the true ratio, and that of all of the hybrid; `speech` is at RATE."""
    rows, errors = [], []
    for decibels in _RATIOS[2:3] if options.quick else _RATIOS:
        found: dict[str, list[float]] = {HYBRID: [], NOISEREDUCE: []}
        for kind, method in itertools.product(_KINDS[:1] if options.quick else _KINDS, found):
            gain = np.sqrt(_level(speech) / 10 ** (decibels / 10))
            noise = gain * _noise(kind, len(speech))
            path = folder / f"{kind}-{decibels}.wav"
            scale = 0.9 / float(np.abs(speech + noise).max())
            soundfile.write(path, (speech + noise) * np.float32(scale), RATE)
            made = prepared(task_of(path, folder / "noisy", snr_method=method))
            found[method] += _errors(made.segments, speech, noise)
        errors += found[HYBRID]
        rows.append((f"{decibels} dB", *figures((float(np.mean(each)) for each in found.values()), 1)))
    return Table(("SNR: mean error, dB", "hybrid", "noisereduce"), tuple(rows)), float(np.mean(errors))


def _errors(segments: Sequence[Segment], speech: Samples, noise: Samples) -> list[float]:
    found = []
    for segment in segments:
        part = slice(round(segment.start * RATE), round(segment.end * RATE))
        true = 10 * np.log10(_level(speech[part]) / np.mean(noise[part] ** 2))
        if segment.snr_db is not None:
            found.append(abs(segment.snr_db - float(true)))
    return found


def _level(samples: Samples) -> float:
    power = np.square(samples[: len(samples) // 480 * 480].reshape(-1, 480)).mean(axis=1)
    return float(power[power > power.max() * 1e-4].mean())


def _noise(kind: str, count: int) -> Samples:
    bins = np.fft.rfft(np.random.default_rng(1).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    bins[hertz < 20] = 0
    if kind == "pink":
        bins /= np.sqrt(np.maximum(hertz, 20))
    drawn = np.fft.irfft(bins, count)
    made: Samples = (drawn / np.sqrt(np.mean(drawn**2))).astype(np.float32)
    return made
