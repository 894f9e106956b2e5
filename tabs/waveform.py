"""A recording's waveform with a part to choose, and marks; assets/waveform.js brings it to life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import quote

from studio.audio.peaks import waveform_peaks
from studio.audio.reading import DEFAULT_LIMITS, Limits, probe
from studio.errors import BadInput

#: Columns that are drawn: enough for a laptop's width, and 3 KB in the page.
_BINS = 400


@dataclass(frozen=True)
class Mark:
    """A place worth seeing, such as where two recordings are joined."""

    label: str
    start: float  # s
    end: float  # s; the same as `start` for a line


@dataclass(frozen=True)
class Boxes:
    """The elem_ids of the two text boxes that hold the chosen part, seconds as text: what the handles
    do is written there, and typing there moves the handles. Their values come with the waveform, see
    `seconds`; a handler reads them with `part_of`."""

    start: str
    end: str


def waveform(
    recording: Path,
    label: str,
    boxes: Boxes | None = None,
    part: tuple[float | None, float | None] = (None, None),
    marks: Sequence[Mark] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> str:
    """HTML of the recording's outline, to be heard and, with `boxes`, a part of it chosen by pointer or
    keyboard. `recording`: a file that Gradio may serve, such as an upload or `edge.for_the_page`.

    Put it into a gr.HTML. Raises BadInput as reading does.
    """
    duration = probe(recording, limits).duration
    peaks = (waveform_peaks(recording, _BINS, limits).clip(-1, 1) * 100).round().astype(int)
    start, end = part[0] or 0.0, duration if part[1] is None else min(part[1], duration)
    source = escape(file_url(recording))
    held = f' data-start-box="{escape(boxes.start)}" data-end-box="{escape(boxes.end)}"' if boxes else ""
    shades = '<i class="timbre-wave-before"></i><i class="timbre-wave-after"></i>' if boxes else ""
    handles = "".join(
        f'<span role="slider" tabindex="0" class="timbre-wave-handle" data-edge="{edge}"'
        f' aria-label="{name} of the part of {escape(label)}" aria-valuemin="0"'
        f' aria-valuemax="{duration:.2f}" aria-valuenow="{at:.2f}"></span>'
        for edge, name, at in (("start", "Start", start), ("end", "End", end))
        if boxes
    )
    play = "Play the part" if boxes else "Play"
    return (
        f'<div class="timbre-waveform" role="group" aria-label="{escape(label)}"'
        f' data-duration="{duration:.4f}" data-start="{start:.4f}" data-end="{end:.4f}"'
        f' data-peaks="{",".join(map(str, peaks.ravel()))}" data-src="{source}"{held}>'
        f'<div class="timbre-wave-stage"><canvas aria-hidden="true"></canvas>{shades}'
        f"{''.join(_band(mark, duration) for mark in marks)}"
        f'<i class="timbre-wave-cursor" hidden></i>{handles}</div>'
        f'<div class="timbre-wave-foot"><button type="button" class="timbre-wave-play"'
        f' data-label="{play}">{play}</button><span class="timbre-line timbre-wave-part"></span></div>'
        f"{_legend(marks)}</div>"
    )


def drawn(peaks: Sequence[int], duration: float, address: str, label: str) -> str:
    """The same of a sound with known `peaks` (lowest and highest of each column, percent), which can be
    heard at `address` and nothing of it chosen."""
    return (
        f'<div class="timbre-waveform" role="group" aria-label="{escape(label)}"'
        f' data-duration="{duration:.4f}" data-start="0" data-end="{duration:.4f}"'
        f' data-peaks="{",".join(map(str, peaks))}" data-src="{escape(address)}">'
        '<div class="timbre-wave-stage"><canvas aria-hidden="true"></canvas>'
        '<i class="timbre-wave-cursor" hidden></i></div><div class="timbre-wave-foot">'
        '<button type="button" class="timbre-wave-play" data-label="Play">Play</button></div></div>'
    )


def peaks_of(path: Path, bins: int) -> tuple[int, ...]:
    """The peaks that `drawn` takes, of a file; read once as long as it stays as it is. Raises BadInput,
    OSError."""
    stamp = path.stat()
    return _peaks(path, bins, stamp.st_mtime_ns, stamp.st_size)


def seconds(value: float | None) -> str:
    """What stands in a box for a place in the recording; None, an end that is left open, is empty."""
    return "" if value is None else f"{value:.2f}"


def part_of(start: str, end: str, duration: float | None = None) -> tuple[float | None, float | None]:
    """The part that the boxes tell, None for its ends where they are those of the recording, which lasts
    `duration` seconds. Raises BadInput where one is no number or the part is empty."""
    begin, stop = _number(start), _number(end)
    begin = begin or None
    if stop is not None and duration is not None and stop >= duration - 0.01:
        stop = None
    if stop is not None and stop <= (begin or 0.0):
        raise BadInput(
            "The part ends before it starts.", "Move its handles on the waveform, or empty both boxes."
        )
    return begin, stop


def file_url(path: Path) -> str:
    """The address of a file that Gradio may serve, from the page."""
    return f"gradio_api/file={quote(str(path))}"


@lru_cache(maxsize=2_000)
def _peaks(path: Path, bins: int, changed: int, size: int) -> tuple[int, ...]:
    """Of a file as it was at that time, in percent."""
    peaks = (waveform_peaks(path, bins).clip(-1, 1) * 100).round().astype(int)
    return tuple(peaks.ravel().tolist())


def _number(text: str) -> float | None:
    typed = (text or "").strip().replace(",", ".")
    if not typed:
        return None
    try:
        value = float(typed)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:  # NaN is neither
        raise BadInput(
            f"“{typed[:20]}” is no place in the recording.", "Give it in seconds, such as 2.5."
        )
    return value


def _band(mark: Mark, duration: float) -> str:
    left, width = 100 * mark.start / duration, 100 * max(0.0, mark.end - mark.start) / duration
    return (
        f'<i class="timbre-wave-mark" style="left:{left:.3f}%;width:{width:.3f}%"'
        f' title="{escape(mark.label)}"></i>'
    )


def _legend(marks: Sequence[Mark]) -> str:
    rows = "".join(f"<li>{escape(mark.label)}: {_where(mark.start, mark.end)}</li>" for mark in marks)
    return f'<ul class="timbre-list timbre-wave-legend">{rows}</ul>' if rows else ""


def _where(start: float, end: float) -> str:
    return f"{start:.2f} s" if end <= start else f"{start:.2f} s to {end:.2f} s"
