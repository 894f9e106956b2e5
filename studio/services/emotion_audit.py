"""How a personality's emotions differ, measured: pitch, range, energy and rate of each reference."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EmotionMeasure:
    """One reference in numbers; None for what cannot be measured in it."""

    tag: str
    f0_hz: float | None  # median pitch
    f0_range_st: float | None  # semitones between its 5th and 95th percentile
    energy_db: float | None  # RMS of the speech, dB of full scale
    rate_syl_s: float | None  # syllables a second of speech, pauses left out
    duration: float  # s
    missing: tuple[str, ...] = ()  # what could not be measured and why, in sentences


@dataclass(frozen=True)
class Audit:
    """The emotions side by side, in their order."""

    measures: tuple[EmotionMeasure, ...]
    warnings: tuple[str, ...]  # emotions that measure alike, and what could not be measured
