"""Curves as SVG, drawn by the server; who cannot see them hears their figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

#: One point of a curve.
Point = tuple[float, float]

#: Points of a curve that are drawn; more than that nobody can tell apart.
MOST_POINTS = 240

#: In the drawing's own units, which are pixels at full size.
_WIDTH, _HEIGHT, _TOP, _LEFT, _RIGHT = 420, 200, 10, 46, 12
_FLOOR = _HEIGHT - 36


@dataclass(frozen=True)
class Curve:
    """A line of a plot."""

    label: str
    points: Sequence[Point]  # by x
    style: int = 1  # its colour: 1 to 4 (assets/training.css)
    faint: bool = False  # behind another one that says it better
    dots: bool = False  # each point is marked, and tells its figures under the pointer
    dashed: bool = False  # told from another one not by its colour alone


def plot(title: str, across: str, curves: Sequence[Curve]) -> str:
    """The curves over a common axis, `across` in words; nothing for nothing."""
    there = [curve for curve in curves if curve.points]
    if not there:
        return ""
    xs = [x for curve in there for x, _ in curve.points]
    ys = [y for curve in there for _, y in curve.points]
    frame = _Frame(*_span(xs), *_round_span(ys))
    drawn = "".join(_drawn(curve, frame, across) for curve in there)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>{_legend(there)}"
        f'<svg class="timbre-plot" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' aria-label="{escape(_said(title, there))}">{frame.axes(across)}{drawn}</svg></figure>'
    )


def condensed(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most so many points: the means of neighbours."""
    size = ceil(len(points) / most)
    if size <= 1:
        return list(points)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [
        (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group))
        for group in groups
    ]


def smoothed(points: Sequence[Point]) -> list[Point]:
    """The exponential mean over about a twentieth of the curve; it begins as the plain mean."""
    keep = 1 - 2 / (max(1, len(points) // 20) + 1)
    total = weight = 0.0
    found = []
    for x, y in points:
        total, weight = keep * total + y, keep * weight + 1
        found.append((x, total / weight))
    return found


@dataclass(frozen=True)
class _Frame:
    """Where values stand in the drawing."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        return _LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _FLOOR - (value - self.y_low) / (self.y_high - self.y_low) * (_FLOOR - _TOP)

    def axes(self, across: str) -> str:
        parts = []
        for value in _ticks(self.y_low, self.y_high):
            y = self.y(value)
            parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(
                f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_figure(value)}</text>'
            )
        for value in _ticks(self.x_low, self.x_high):
            parts.append(
                f'<text x="{self.x(value):.1f}" y="{_FLOOR + 15}" text-anchor="middle">'
                f"{_figure(value)}</text>"
            )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(
            f'<text x="{middle:.0f}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(across)}</text>'
        )
        return "".join(parts)


def _drawn(curve: Curve, frame: _Frame, across: str) -> str:
    kind = f"timbre-curve-{curve.style}"
    places = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in curve.points)
    drawn = f'<polyline class="{kind}{_look(curve)}" points="{places}"/>'
    if curve.dots or len(curve.points) == 1:
        drawn += "".join(
            f'<circle class="{kind}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3.5">'
            f"<title>{escape(f'{curve.label}, {across} {x:g}: {_figure(y)}')}</title></circle>"
            for x, y in curve.points
        )
    return drawn


def _legend(curves: Sequence[Curve]) -> str:
    keys = "".join(
        f'<span><i class="timbre-curve-{curve.style}{_look(curve)}"></i> {escape(curve.label)}</span>'
        for curve in curves
    )
    return f'<p class="timbre-legend">{keys}</p>'


def _look(curve: Curve) -> str:
    return f"{' timbre-faint' * curve.faint}{' timbre-dashed' * curve.dashed}"


def _said(title: str, curves: Sequence[Curve]) -> str:
    """The curves in words: where each begins and ends, and its lowest point."""
    told = [
        f"{curve.label} from {_figure(curve.points[0][1])} to {_figure(curve.points[-1][1])},"
        f" lowest {_figure(min(y for _, y in curve.points))}"
        for curve in curves
        if not curve.faint
    ]
    return f"{title}: {'; '.join(told)}"


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _round_span(values: Sequence[float]) -> tuple[float, float]:
    """A little more than the values, up to round figures; from 0 on where they are close to it."""
    low, high = min(values), max(values)
    if high - low < 1e-9 * max(abs(high), abs(low), 1e-12):
        room = abs(high) / 10 or 1.0
        low, high = low - room, high + room
    if 0 <= low < (high - low) / 2:
        low = 0.0
    step = _step(low, high)
    return floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step


def _ticks(low: float, high: float) -> Iterator[float]:
    step = _step(low, high)
    for place in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1):
        yield place * step


def _step(low: float, high: float) -> float:
    """1, 2 or 5 times a power of ten, for four to eight ticks."""
    rough = (high - low) / 5
    power: float = 10.0 ** floor(log10(rough))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.99)


def _figure(value: float) -> str:
    return f"{value:.3g}".replace("e-0", "e-") if abs(value) < 10_000 else f"{value:,.0f}"
