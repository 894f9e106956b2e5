"""How good a recording is as a voice's reference, in figures and in words with their remedies."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from studio.audio import snr
from studio.audio.bandwidth import bandwidth
from studio.audio.clipping import clipped_share
from studio.audio.ends import sounding
from studio.audio.findings import Company, Measures, judge
from studio.audio.loudness import loudness
from studio.audio.reading import DEFAULT_LIMITS, Limits, read
from studio.audio.reference_report import Finding, Level, ReferenceReport, report_lines
from studio.audio.steady_tones import steady_share
from studio.audio.types import Audio, Samples
from studio.audio.voice_change import voice_change
from studio.control import Control

__all__ = [
    "Finding", "Level", "ReferenceReport", "measure", "measure_audio", "report_lines",
]  # fmt: skip

#: Nobody clones from more, and looking for music and voices takes time.
_MOST_JUDGED_S = 60.0
#: The loudness of BS.1770 needs at least that much, seconds.
_GATED_S = 0.4
#: The ends, when it is asked whether a sound was cut, seconds.
_EDGE_S = 0.02
_SILENCE_DB = -120.0


def measure(
    path: Path,
    start: float | None = None,
    end: float | None = None,
    transcript: str = "",
    language: str = "",
    limits: Limits = DEFAULT_LIMITS,
    control: Control | None = None,
) -> ReferenceReport:
    """Judge the recording at `path`, or its part from `start` to `end` seconds.

    `transcript` is what is said in that part, `language` (BCP 47) what it is in, where that is known.
    Silence is a finding and no error. Raises BadInput as reading does, Cancelled.
    """
    control = control or Control()
    control.progress("reading the recording")
    return measure_audio(read(path, limits=limits, start=start, end=end), transcript, language, control)


def measure_audio(
    audio: Audio, transcript: str = "", language: str = "", control: Control | None = None
) -> ReferenceReport:
    """The same of sound in memory."""
    control = control or Control()
    control.progress("measuring", 0.1)
    found = sounding(audio)
    start, end = found or (audio.duration, audio.duration)
    lufs = loudness(audio)
    measures = Measures(
        duration=audio.duration,
        leading_s=start,
        trailing_s=audio.duration - end,
        edge_db=_edge_levels(audio, start, end),
        lufs=lufs,
        clipped_share=clipped_share(audio.samples),
        snr=snr.estimate(audio.samples, audio.sample_rate),
        sample_rate=audio.sample_rate,
        bandwidth_hz=bandwidth(audio.samples, audio.sample_rate),
        silent=found is None or (lufs is None and audio.duration >= _GATED_S),
    )
    company = None
    if not measures.silent and audio.duration <= _MOST_JUDGED_S:
        control.progress("looking for music", 0.4)
        steady = steady_share(audio)
        control.progress("looking for other voices", 0.7)
        company = Company(steady, voice_change(audio))
    peak = float(np.abs(audio.samples).max(initial=0.0))
    return ReferenceReport(
        duration=measures.duration,
        leading_s=measures.leading_s,
        trailing_s=measures.trailing_s,
        lufs=lufs,
        peak_dbfs=20 * math.log10(peak) if peak else None,
        clipped_share=measures.clipped_share,
        snr=measures.snr,
        sample_rate=audio.sample_rate,
        bandwidth_hz=measures.bandwidth_hz,
        findings=judge(measures, company, transcript.strip(), language),
    )


def _edge_levels(audio: Audio, start: float, end: float) -> tuple[float, float]:
    """How far the first and the last moment lie from the level of the sound, dB."""
    edge = round(_EDGE_S * audio.sample_rate)
    inside = audio.samples[round(start * audio.sample_rate) : round(end * audio.sample_rate)]
    whole = _power(inside)
    ends = audio.samples[:edge], audio.samples[-edge:]
    first, last = (
        10 * math.log10(_power(piece) / whole) if whole and _power(piece) else _SILENCE_DB
        for piece in ends
    )
    return first, last


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
