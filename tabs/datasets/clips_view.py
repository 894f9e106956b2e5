"""A page of a data set's segments, as HTML; assets/datasets.js brings it to life."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from studio.dataset.values import Segment
from studio.errors import StudioError
from studio.services.dataset_values import SegmentPage, SegmentRow
from tabs.datasets.view import minutes
from tabs.speech.view import line
from tabs.waveform import drawn, peaks_of

#: Columns of a row's waveform.
_BINS = 160

#: Where a segment's sound lies, and where it can be heard: (path, address).
Sound = Callable[[str], tuple[Path, str]]

_KEYS = (
    ("Space", "plays"),
    ("↑ ↓", "move"),
    ("K", "keeps"),
    ("D", "drops"),
    ("U", "leaves it to the limits"),
    ("E", "edits the text, Esc leaves it"),
    ("X", "ticks"),
)


def clips(page: SegmentPage, dataset_id: str, sound: Sound) -> str:
    """The rows, one of them in the tab order."""
    if not page.rows:
        return line("No segment is like this. Choose other filters to see more.")
    rows = "".join(clip(row, sound, number == 0) for number, row in enumerate(page.rows))
    keys = "".join(f"<span><kbd>{key}</kbd> {does}</span>" for key, does in _KEYS)
    return (
        f'<p class="timbre-line timbre-keys">{keys}'
        '<label><input type="checkbox" class="timbre-clip-flow"> play what I move to</label>'
        '<label><input type="checkbox" class="timbre-clip-all"> tick this page</label><b class="timbre-ticked" role="status"></b></p>'
        f'<div class="timbre-clips" role="list" aria-label="Segments"'
        f' data-dataset="{escape(dataset_id)}">{rows}</div>'
    )


def pages(page: SegmentPage) -> str:
    """Which of how many are shown."""
    if not page.total:
        return line("0 segments")
    last = page.offset + len(page.rows)
    return line(
        f"{page.offset + 1:,} to {last:,} of {page.total:,} segments, {minutes(page.seconds)} in all"
    )


def receipt(sequence: int, rows: Sequence[SegmentRow], sound: Sound) -> str:
    """The rows as they are after what was done to them; the page puts them in place of the old."""
    drawn_anew = "".join(clip(row, sound, False) for row in rows)
    return f'<div class="timbre-clip-receipt" data-sequence="{sequence}">{drawn_anew}</div>'


def clip(row: SegmentRow, sound: Sound, reachable: bool) -> str:
    """One segment: its sound, its text, what was measured, and why it is kept or not."""
    segment, verdict = row.segment, row.verdict
    name = f"{_spot(segment.start)} of {row.source_name}"
    state = "kept" if verdict.kept else "dropped"
    said = _state(row)
    text = (
        f'<textarea rows="2" maxlength="2000" aria-label="Text of {escape(name)}"'
        f' data-text="{escape(row.text)}">\n{escape(row.text)}</textarea>'
    )
    undo = (
        '<button type="button" class="timbre-small" data-act="text-undo">Back to what was heard</button>'
        if row.edited
        else ""
    )
    reasons = "".join(f"<li>{escape(reason.words)}</li>" for reason in verdict.reasons)
    return (
        f'<div class="timbre-clip" role="listitem" tabindex="{0 if reachable else -1}"'
        f' data-id="{escape(segment.id)}" data-state="{state}"'
        f' data-hand="{int(verdict.by_hand)}" aria-label="{escape(f"{name}: {said}")}">'
        f'<div class="timbre-clip-head"><input type="checkbox" class="timbre-clip-tick" tabindex="-1"'
        f' aria-label="Tick {escape(name)}"><span class="timbre-clip-state">{escape(said)}</span>'
        f'<span class="timbre-clip-where" title="{escape(row.source_name)}">{escape(row.source_name)}</span>'
        f'<span class="timbre-when">{_spot(segment.start)}–{_spot(segment.end)}</span></div>'
        f'<div class="timbre-clip-sound">{_wave(segment, name, sound)}{_decisions(row)}</div>'
        f'<div class="timbre-clip-text">{text}<p class="timbre-clip-saved" role="status"></p>{undo}'
        f'<p class="timbre-line">{" · ".join(map(escape, measures(row)))}</p>'
        f'<ul class="timbre-clip-reasons">{reasons}</ul>{_note(row)}</div></div>'
    )


def measures(row: SegmentRow) -> list[str]:
    """What was measured, with units; what could not be told says so where it matters."""
    segment = row.segment
    facts = [
        f"SNR {segment.snr_db:.1f} dB" if segment.snr_db is not None else _no_snr(segment),
        f"{segment.duration:.1f} s",
        _told(segment.words_per_s, "{:.1f} words/s"),
        _told(segment.confidence, "{:.0%} sure"),
        _told(segment.given_error, "{:.0%} of the given text heard otherwise"),
        _told(segment.loudness_lufs, "{:.0f} LUFS"),
        f"{segment.speech_share:.0%} speech",
        _told(segment.bandwidth_hz and segment.bandwidth_hz / 1000, "up to {:.1f} kHz"),
        f"{segment.clipped:.2%} clipped" if segment.clipped >= 0.00005 else "",
        _told(segment.speaker_similarity, "{:.2f} alike its speaker"),
        segment.language,
        segment.speaker,
        {"eval": "to evaluate", "train": "to train"}.get(row.split, ""),
    ]
    return [fact for fact in facts if fact]


def _wave(segment: Segment, name: str, sound: Sound) -> str:
    try:
        path, address = sound(segment.id)
        peaks = peaks_of(path, _BINS)
    except (StudioError, OSError) as error:
        missing = error.message if isinstance(error, StudioError) else "Its sound is not there."
        return f'<p class="timbre-bad">{escape(missing)}</p>'
    return drawn(peaks, segment.duration, address, name)


def _decisions(row: SegmentRow) -> str:
    verdict = row.verdict
    dropped = any(reason.code == "by_hand" for reason in verdict.reasons)
    pressed = {"keep": verdict.by_hand and not dropped, "drop": dropped}
    buttons = (("keep", "Keep", "k"), ("drop", "Drop", "d"), ("limits", "By the limits", "u"))
    return (
        '<div class="timbre-clip-decide">'
        + "".join(
            f'<button type="button" class="timbre-small" data-act="{act}" aria-keyshortcuts="{key}"'
            + (f' aria-pressed="{str(pressed[act]).lower()}"' if act in pressed else "")
            + (" disabled" if act == "limits" and not verdict.by_hand else "")
            + f">{label}</button>"
            for act, label, key in buttons
        )
        + "</div>"
    )


def _state(row: SegmentRow) -> str:
    verdict = row.verdict
    if verdict.kept:
        return "Kept by hand" if verdict.by_hand else "Kept"
    if verdict.by_hand and not any(reason.code == "by_hand" for reason in verdict.reasons):
        return "Kept once it has a text"
    return "Dropped by hand" if verdict.by_hand else "Dropped"


def _note(row: SegmentRow) -> str:
    told = [row.segment.text_note] if row.text else []
    if row.edited and row.segment.text:
        told.append(f"Heard: {row.segment.text}")
    elif row.segment.given and row.segment.given_error:
        told.append(f"Heard: {row.segment.recognised or 'nothing'}")
    return "".join(line(each) for each in told)


def _no_snr(segment: Segment) -> str:
    return f"no SNR: {segment.snr_note.rstrip('.')}" if segment.snr_note else "no SNR"


def _told(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _spot(seconds: float) -> str:
    """A place in a recording: "0:03.2", "1:02:03.4"."""
    tenths = round(seconds * 10)
    whole, tenth = divmod(tenths, 10)
    hours, rest = divmod(whole, 3600)
    minutes_, secs = divmod(rest, 60)
    return (f"{hours}:{minutes_:02}" if hours else f"{minutes_}") + f":{secs:02}.{tenth}"
