"""The comparison of a personality's emotions: a table, a plot of the same figures, and warnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from studio.services.emotion_audit import Audit, EmotionMeasure
from tabs.speech.view import line

#: Of the plot, in its own units, which are pixels at full size.
_WIDTH, _ROW, _HEAD, _FOOT = 300, 22, 20, 18
_LEFT, _RIGHT = 96, 244  # where the scale begins and ends; names stand before it, figures after it
_LONGEST_TAG = 13  # characters that fit before the scale


@dataclass(frozen=True)
class _Scale:
    """One figure of an emotion as the table and the plot show it."""

    title: str
    unit: str
    digits: int
    least: float  # the scale spans at least this much, so that a hair's breadth looks like one
    value: Callable[[EmotionMeasure], float | None]

    def figure(self, measure: EmotionMeasure) -> str:
        """With its unit, or a dash where it cannot be told."""
        value = self.value(measure)
        return "–" if value is None else f"{value:.{self.digits}f} {self.unit}"


_SCALES = (
    _Scale("Pitch", "Hz", 0, 20.0, lambda measure: measure.f0_hz),
    _Scale("Range", "st", 1, 2.0, lambda measure: measure.f0_range_st),
    _Scale("Energy", "dB", 1, 6.0, lambda measure: measure.energy_db),
    _Scale("Rate", "syl/s", 1, 1.0, lambda measure: measure.rate_syl_s),
)

_LEGEND = (
    "Pitch is the middle of the voice's fundamental frequency, range how far it moves (semitones),"
    " energy its level, rate the syllables in a second."
)


def audit(found: Audit) -> str:
    """Everything that was measured, and which emotions measure alike."""
    warnings = "".join(
        f'<p class="timbre-note" role="alert">{escape(said)}</p>' for said in found.warnings
    )
    if not found.measures:
        return warnings + line("There is nothing to compare yet: add an emotion.")
    if not warnings and len(found.measures) > 1:
        warnings = line("No two emotions measure alike.")
    return warnings + _table(found.measures) + plot(found.measures) + line(_LEGEND)


def plot(measures: Sequence[EmotionMeasure]) -> str:
    """A small plot for each figure, a row for each emotion. Who cannot see it hears its figures."""
    return f'<div class="timbre-plots">{"".join(_plot(scale, measures) for scale in _SCALES)}</div>'


def _table(measures: Sequence[EmotionMeasure]) -> str:
    heads = ("Emotion", *(scale.title for scale in _SCALES), "Length")
    rows = []
    for measure in measures:
        figures = [*(scale.figure(measure) for scale in _SCALES), f"{measure.duration:.1f} s"]
        cells = "".join(
            f'<td data-head="{head}">{figure}</td>'
            for head, figure in zip(heads[1:], figures, strict=True)
        )
        rows.append(f'<tr><th scope="row">{escape(measure.tag)}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{title}</th>' for title in heads)
    return (
        '<table class="timbre-table timbre-cards"><caption class="timbre-hidden">The emotions side by side'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _plot(scale: _Scale, measures: Sequence[EmotionMeasure]) -> str:
    known = [value for measure in measures if (value := scale.value(measure)) is not None]
    if not known:
        return ""
    low, high = _span(known, scale.least)
    height = _HEAD + _ROW * len(measures) + _FOOT
    told = ", ".join(f"{measure.tag} {scale.figure(measure)}" for measure in measures)
    foot = height - 5
    parts = [
        f'<text class="timbre-plot-title" x="0" y="13">{scale.title}, {scale.unit}</text>',
        f'<text class="timbre-plot-scale" x="{_LEFT}" y="{foot}">{low:.{scale.digits}f}</text>',
        f'<text class="timbre-plot-scale" x="{_RIGHT}" y="{foot}" text-anchor="end">'
        f"{high:.{scale.digits}f}</text>",
    ]
    for number, measure in enumerate(measures):
        y = _HEAD + _ROW * number + _ROW / 2
        parts.append(
            f'<text x="0" y="{y + 4:.0f}">{escape(_short(measure.tag))}</text>'
            f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.0f}" y2="{y:.0f}"/>'
        )
        value = scale.value(measure)
        if value is not None:
            x = _LEFT + (_RIGHT - _LEFT) * (value - low) / (high - low)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.0f}" r="5"/>')
        figure = "–" if value is None else f"{value:.{scale.digits}f}"
        parts.append(f'<text x="{_RIGHT + 12}" y="{y + 4:.0f}">{figure}</text>')
    return (
        f'<svg class="timbre-plot" role="img" viewBox="0 0 {_WIDTH} {height}"'
        f' aria-label="{escape(f"{scale.title}: {told}")}">{"".join(parts)}</svg>'
    )


def _span(values: Sequence[float], least: float) -> tuple[float, float]:
    """Where the scale begins and ends: all values inside with some air, at least `least` apart."""
    low, high = min(values), max(values)
    air = max((high - low) * 0.12, (least - (high - low)) / 2)
    return low - air, high + air


def _short(tag: str) -> str:
    return tag if len(tag) <= _LONGEST_TAG else f"{tag[: _LONGEST_TAG - 1]}…"
