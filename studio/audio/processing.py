"""The operations on sound that several features share: level, trimming, joining."""

from __future__ import annotations

import numpy as np

from studio.audio.loudness import Normalised, loudness, measure, normalise_file
from studio.audio.resampling import Resampler, resample
from studio.audio.types import Audio, Samples
from studio.errors import BadInput

__all__ = [
    "Normalised", "Resampler", "crossfade", "fade", "loudness", "measure", "normalise_file",
    "peak_normalise", "resample", "sounding", "trim_silence",
]  # fmt: skip

#: The step in which trimming looks for sound, seconds.
_FRAME_S = 0.010


def peak_normalise(audio: Audio, peak_dbfs: float = -1.0) -> Audio:
    """`audio` with its loudest sample at `peak_dbfs` (dB of full scale); silence stays as it is."""
    peak = float(np.abs(audio.samples).max(initial=0.0))
    if peak == 0.0:
        return audio
    gain = np.float32(10 ** (peak_dbfs / 20) / peak)
    return Audio(np.clip(audio.samples * gain, -1.0, 1.0), audio.sample_rate)


def trim_silence(audio: Audio, threshold_db: float = -40.0, keep_s: float = 0.1) -> Audio:
    """`audio` without the silence at its ends, of which `keep_s` seconds are kept.

    Silent is a stretch of 10 ms whose RMS lies more than `-threshold_db` dB below that of the
    loudest stretch, so that a quiet recording is not eaten up. Silence throughout is returned as
    it is.
    """
    start, end = sounding(audio, threshold_db, keep_s)
    if (start, end) == (0, len(audio.samples)):
        return audio
    return Audio(audio.samples[start:end].copy(), audio.sample_rate)


def sounding(audio: Audio, threshold_db: float = -40.0, keep_s: float = 0.1) -> tuple[int, int]:
    """The samples that `trim_silence` keeps: start and end."""
    frame = max(1, round(_FRAME_S * audio.sample_rate))
    count = len(audio.samples) // frame
    whole = 0, len(audio.samples)
    if count < 2:
        return whole
    squares = np.square(audio.samples[: count * frame], dtype=np.float32).reshape(count, frame)
    power = squares.mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (threshold_db / 10))
    if not len(loud):
        return whole
    keep = round(keep_s * audio.sample_rate)
    start = max(0, int(loud[0]) * frame - keep)
    end = min(len(audio.samples), (int(loud[-1]) + 1) * frame + keep)
    if int(loud[-1]) == count - 1:  # the last stretch may be shorter than a frame
        end = len(audio.samples)
    return start, end


def fade(audio: Audio, in_s: float = 0.01, out_s: float = 0.01) -> Audio:
    """`audio` with a raised-cosine fade of `in_s` and `out_s` seconds at its ends, each at most as
    long as the sound."""
    samples = audio.samples.copy()
    first = min(len(samples), round(in_s * audio.sample_rate))
    last = min(len(samples), round(out_s * audio.sample_rate))
    samples[:first] *= _rise(first) ** 2
    samples[len(samples) - last :] *= _rise(last)[::-1] ** 2
    return Audio(samples, audio.sample_rate)


def crossfade(a: Audio, b: Audio, seconds: float) -> Audio:
    """`a` passing into `b` over `seconds`, at most over the shorter one, at equal power.

    Raises BadInput when their sample rates differ.
    """
    if a.sample_rate != b.sample_rate:
        raise BadInput(
            f"Sound at {a.sample_rate} Hz and at {b.sample_rate} Hz cannot be joined.",
            "Resample one of them first.",
        )
    overlap = min(round(seconds * a.sample_rate), len(a.samples), len(b.samples))
    rise = _rise(overlap)
    split = len(a.samples) - overlap
    mixed = a.samples[split:] * rise[::-1] + b.samples[:overlap] * rise
    joined = np.concatenate([a.samples[:split], np.clip(mixed, -1.0, 1.0), b.samples[overlap:]])
    return Audio(joined, a.sample_rate)


def _rise(count: int) -> Samples:
    """`count` values rising from 0 to 1 as a sine; with its mirror image their squares add to 1."""
    return np.sin((np.arange(count, dtype=np.float32) + 0.5) * (np.pi / 2 / max(count, 1))).astype(
        np.float32
    )
