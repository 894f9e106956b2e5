"""What the limits keep, in words and as bar charts that follow the sliders."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.dataset.outlook import Drop, Histogram, Outlook
from studio.dataset.values import Limits
from tabs.datasets.tab import ID
from tabs.datasets.view import minutes
from tabs.speech.view import line

#: Of a histogram, in its own units, which are pixels at full size.
_WIDTH, _HEIGHT, _TOP, _LEFT, _RIGHT = 320, 132, 10, 34, 14
_FLOOR = _HEIGHT - 22

#: The limits that are drawn into a histogram, by its measure.
_LIMITS = {
    "snr_db": ("min_snr_db",),
    "duration": ("min_s", "max_s"),
    "words_per_s": ("min_words_per_s", "max_words_per_s"),
}


def outlook(found: Outlook, saved: Outlook | None) -> str:
    """The verdict with its advice. `saved`: what the set keeps now, where the limits are others."""
    if not found.segments:
        return line(found.words)
    share = found.kept_s / found.total_s if found.total_s else 0.0
    facts = [
        f"{found.kept:,} of {found.segments:,} segments",
        f"{minutes(found.kept_s)} of {minutes(found.total_s)} of speech",
        f"SNR {found.mean_snr_db:.0f} dB on average" if found.mean_snr_db is not None else "",
        f"{minutes(found.waiting_s)} without a text" if found.waiting_s else "",
    ]
    told = " · ".join(fact for fact in facts if fact)
    advice = "".join(f"<li>{escape(sentence)}</li>" for sentence in found.advice)
    return (
        f'<div class="timbre-outlook"><p class="timbre-verdict-words" role="status">{escape(found.words)}</p>'
        f'<div class="timbre-share timbre-share-wide" role="img" aria-label="{share:.0%} kept">'
        f'<i style="width:{100 * share:.1f}%"></i></div>{line(told)}{_change(found, saved)}'
        f'{f"""<ul class="timbre-list">{advice}</ul>""" if advice else ""}</div>'
    )


def charts(found: Outlook, limits: Limits) -> str:
    """Histograms of the measures, and what each reason costs. Who cannot see them hears the figures."""
    if not found.segments:
        return ""
    drawn = "".join(_histogram(each, _marks(each, limits)) for each in found.histograms)
    return (
        '<p class="timbre-legend"><span><i class="timbre-kept"></i> kept</span>'
        '<span><i class="timbre-dropped"></i> dropped</span>'
        '<span><i class="timbre-limit"></i> limit</span></p>'
        f'<div class="timbre-charts">{drawn}{_drops(found.drops, found.total_s)}</div>'
    )


def _change(found: Outlook, saved: Outlook | None) -> str:
    if saved is None:
        return ""
    more = found.kept_s - saved.kept_s
    moved = f"{minutes(abs(more))} {'more' if more >= 0 else 'less'}" if abs(more) >= 0.05 else "as much"
    return (
        f'<p class="timbre-note" role="status">With these limits {minutes(found.kept_s)} would be kept, '
        f"{moved} than now ({minutes(saved.kept_s)}). Nothing has changed yet.</p>"
        if moved != "as much"
        else f'<p class="timbre-note" role="status">With these limits as much would be kept as now '
        f"({minutes(saved.kept_s)}). Nothing has changed yet.</p>"
    )


def _marks(histogram: Histogram, limits: Limits) -> list[float]:
    values = [getattr(limits, name) for name in _LIMITS.get(histogram.key, ())]
    return [value for value in values if value is not None]


def _histogram(histogram: Histogram, limits: Sequence[float]) -> str:
    title = histogram.label
    if histogram.unit.partition("/")[0] not in title.lower():
        title = f"{title}, {histogram.unit}"
    if not histogram.edges:
        said = "was not measured"
        return f"<figure><figcaption>{escape(title)}</figcaption>{line(f'It {said}.')}</figure>"
    low, high = histogram.edges[0], histogram.edges[-1]
    most = max(kept + dropped for kept, dropped in zip(histogram.kept, histogram.dropped, strict=True))
    wide = (_WIDTH - _LEFT - _RIGHT) / len(histogram.kept)
    tall = (_FLOOR - _TOP) / max(most, 1)
    bars = []
    for place, (kept, dropped) in enumerate(zip(histogram.kept, histogram.dropped, strict=True)):
        x, floor = _LEFT + place * wide, float(_FLOOR)
        span = f"{histogram.edges[place]:g} to {histogram.edges[place + 1]:g} {histogram.unit}"
        told = escape(f"{span}: {kept:,} kept, {dropped:,} dropped")
        for number, kind in ((kept, "kept"), (dropped, "dropped")):
            if number:
                height = number * tall
                floor -= height
                bars.append(
                    f'<rect class="timbre-{kind}" x="{x + 0.75:.1f}" y="{floor:.1f}"'
                    f' width="{max(wide - 1.5, 1):.1f}" height="{height:.1f}"><title>{told}</title></rect>'
                )
    scale = (_WIDTH - _LEFT - _RIGHT) / (high - low)
    lines = "".join(
        f'<line class="timbre-limit" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{_FLOOR}"/>'
        for value in limits
        if low <= value <= high
        for x in (_LEFT + (value - low) * scale,)
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg class="timbre-chart" role="img"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-label="{escape(_said(title, histogram))}">'
        f'<text x="{_LEFT - 5}" y="{_TOP + 4}" text-anchor="end">{most:,}</text>'
        f'<text x="{_LEFT - 5}" y="{_FLOOR}" text-anchor="end">0</text>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_FLOOR}" y2="{_FLOOR}"/>{"".join(bars)}{lines}'
        f"{_ticks(low, high, scale)}</svg></figure>"
    )


def _ticks(low: float, high: float, scale: float) -> str:
    places = [low + (high - low) * step / 4 for step in range(5)]
    return "".join(
        f'<text x="{_LEFT + (value - low) * scale:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{value:.3g}</text>"
        for value in places
    )


def _said(title: str, histogram: Histogram) -> str:
    """The bars in words: where most lie, and the whole span."""
    totals = [kept + dropped for kept, dropped in zip(histogram.kept, histogram.dropped, strict=True)]
    place = totals.index(max(totals))
    low, high = histogram.edges[place], histogram.edges[place + 1]
    return (
        f"{title}: from {histogram.edges[0]:g} to {histogram.edges[-1]:g}, most often {low:g} to {high:g};"
        f" {sum(histogram.kept):,} kept, {sum(histogram.dropped):,} dropped"
    )


def _drops(drops: Sequence[Drop], total_s: float) -> str:
    if not drops:
        return (
            f"<figure><figcaption>Dropped, by reason</figcaption>{line('Nothing is dropped.')}</figure>"
        )
    most = max(drop.seconds for drop in drops) or 1.0
    rows = "".join(
        f'<tr><th scope="row"><button type="button" class="timbre-pick" data-into="{ID}-reason-picked"'
        f' data-value="{escape(drop.code)}" data-view="segments">'
        f"{escape(drop.label)}</button></th>"
        f'<td class="timbre-bar"><i style="width:{100 * drop.seconds / most:.1f}%"></i></td>'
        f"<td>{minutes(drop.seconds)}</td><td>{drop.segments:,}</td></tr>"
        for drop in drops
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Reason", "", "Time", "Segments"))
    return (
        '<figure class="timbre-drops"><figcaption>Dropped, by reason; press one to see its segments'
        f"</figcaption><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></figure>"
    )
