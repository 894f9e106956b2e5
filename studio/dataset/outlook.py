"""What a training set would be under given limits: how much is kept, and what the rest is lost to.

All of it comes from stored measures, so that it can follow a slider.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from studio.dataset import advice
from studio.dataset.judging import REASONS, judge_all
from studio.dataset.ledger import Ledger
from studio.dataset.targets import Target
from studio.dataset.values import Limits, Review, Segment, Verdict

_NO_TEXT = "no_text"


@dataclass(frozen=True)
class Histogram:
    """How often a measure has which value. Segments without it are not counted."""

    key: str  # the measure, as `Segment` calls it
    label: str
    unit: str
    edges: tuple[float, ...]  # one more than bins; () where nothing was measured
    kept: tuple[int, ...]  # segments by bin; values beyond the edges count in the outermost bins
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class Drop:
    """What one reason costs. Each dropped segment counts for its first reason only, so that the drops
    add up to what is not kept."""

    code: str  # of judging.REASONS
    label: str
    segments: int
    seconds: float


@dataclass(frozen=True)
class Outlook:
    """A training set in figures and words."""

    segments: int
    kept: int
    total_s: float  # of all segments
    kept_s: float
    waiting_s: float  # nothing speaks against its sound, and it has no text; among the drops as well
    source_s: float  # of the recordings, pauses and all
    drops: tuple[Drop, ...]  # the costliest first
    histograms: tuple[Histogram, ...]
    mean_snr_db: float | None  # of the kept segments that have one, by their seconds
    speakers: Mapping[str, float]  # kept seconds, the most first
    language: str
    words: str  # the verdict
    advice: tuple[str, ...]  # sentences: what to do about it


@dataclass(frozen=True)
class _Axis:
    key: str
    label: str
    unit: str
    lowest: float
    highest: float
    step: float


#: Beyond these ends a value is an outlier that would squeeze the others together.
_AXES = (
    _Axis("snr_db", "SNR", "dB", -10, 60, 2),
    _Axis("duration", "Duration", "s", 0, 30, 0.5),
    _Axis("words_per_s", "Words a second", "words/s", 0, 10, 0.25),
)
#: More bars than this are hard to tell apart.
_MOST_BINS = 30


def outlook(ledger: Ledger, reviews: Mapping[str, Review], limits: Limits, target: Target) -> Outlook:
    """The set that `limits` would make of `ledger`; nothing on the disk is touched or read."""
    segments = ledger.segments
    verdicts = judge_all(segments, limits, target, reviews, ledger.language)
    kept = np.array([verdict.kept for verdict in verdicts], dtype=bool)
    seconds = np.array([segment.duration for segment in segments], dtype=float)
    drops, waiting_s = _drops(segments, verdicts)
    found = Outlook(
        segments=len(segments),
        kept=int(kept.sum()),
        total_s=float(seconds.sum()),
        kept_s=float(seconds[kept].sum()),
        waiting_s=waiting_s,
        source_s=math.fsum(source.duration for source in ledger.sources),
        drops=drops,
        histograms=tuple(
            _histogram(axis, np.array([_value(each, axis.key) for each in segments]), kept)
            for axis in _AXES
        ),
        mean_snr_db=_mean_snr(segments, seconds, kept),
        speakers=_speakers(segments, kept),
        language=ledger.language,
        words="",
        advice=(),
    )
    return replace(
        found,
        words=advice.verdict(found, len(ledger.sources)),
        advice=advice.advice(found, ledger.sources, target),
    )


def _drops(segments: Sequence[Segment], verdicts: Sequence[Verdict]) -> tuple[tuple[Drop, ...], float]:
    """The drops, and the seconds that wait for a text."""
    number: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    waiting = 0.0
    for segment, verdict in zip(segments, verdicts, strict=True):
        if verdict.kept:
            continue
        # What a person wants to keep lacks nothing but a text.
        code = verdict.reasons[0].code
        if verdict.by_hand and code != "by_hand":
            code = _NO_TEXT
        if code == _NO_TEXT:
            waiting += segment.duration
        number[code] += 1
        seconds[code] += segment.duration
    drops = (Drop(code, REASONS[code], number[code], seconds[code]) for code in number)
    return tuple(sorted(drops, key=lambda drop: (-drop.seconds, drop.code))), waiting


def _value(segment: Segment, key: str) -> float:
    value = getattr(segment, key)
    return math.nan if value is None else value


def _histogram(axis: _Axis, values: np.ndarray, kept: np.ndarray) -> Histogram:
    """Its edges depend on the segments alone, so that the picture stands still while limits move."""
    known = ~np.isnan(values)
    if not known.any():
        return Histogram(axis.key, axis.label, axis.unit, (), (), ())
    inside = np.clip(values[known], axis.lowest, axis.highest)
    step = axis.step
    while (inside.max() - inside.min()) / step > _MOST_BINS - 2:
        step *= 2
    first = math.floor(inside.min() / step)
    last = max(math.floor(inside.max() / step), first)
    place = (np.floor(inside / step) - first).astype(int)
    bins = last - first + 1
    return Histogram(
        axis.key,
        axis.label,
        axis.unit,
        tuple(step * (first + index) for index in range(bins + 1)),
        tuple(np.bincount(place[kept[known]], minlength=bins).tolist()),
        tuple(np.bincount(place[~kept[known]], minlength=bins).tolist()),
    )


def _mean_snr(segments: Sequence[Segment], seconds: np.ndarray, kept: np.ndarray) -> float | None:
    snr = np.array([_value(segment, "snr_db") for segment in segments])
    told = kept & ~np.isnan(snr) & (seconds > 0)
    return float(np.average(snr[told], weights=seconds[told])) if told.any() else None


def _speakers(segments: Sequence[Segment], kept: np.ndarray) -> Mapping[str, float]:
    seconds: defaultdict[str, float] = defaultdict(float)
    for segment, stays in zip(segments, kept.tolist(), strict=True):
        if stays:
            seconds[segment.speaker] += segment.duration
    return dict(sorted(seconds.items(), key=lambda each: (-each[1], each[0])))
