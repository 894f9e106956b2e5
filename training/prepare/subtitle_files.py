"""Subtitles that came with a recording."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from studio.audio.opening import shown
from studio.errors import BadInput
from studio.text.sentences import clean
from training.prepare.tables import read_text
from training.prepare.values import GivenText

#: Positions, as SubStation Alpha has them and SubRip files borrow.
_OVERRIDE = re.compile(r"\{\\[^}]*\}")


def read_subtitles(path: Path) -> tuple[GivenText, ...]:
    """The cues of an SRT or WebVTT file, by `path`'s suffix, in order of time, with their markup taken
    off; those that say nothing or end before they begin are left out.

    Raises BadInput for what is no such file.
    """
    import webvtt
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    kind = path.suffix.lower().removeprefix(".")
    try:
        read = webvtt.from_buffer(io.StringIO(read_text(path).lstrip()), format=kind)
    except (MalformedFileError, MalformedCaptionError) as error:
        raise BadInput(
            f"{shown(path)} holds no subtitles that can be read.", f"Export it again as {kind.upper()}."
        ) from error
    cues = []
    for caption in read.captions:
        text = " ".join(clean(_OVERRIDE.sub("", html.unescape(caption.text))).split())
        start, end = _seconds(caption.start_time), _seconds(caption.end_time)
        if text and start < end:
            cues.append(GivenText(text, start, end))
    return tuple(sorted(cues, key=lambda cue: (cue.start, cue.end)))


def _seconds(time: object) -> float:
    hours, minutes, seconds, milliseconds = time.to_tuple()  # type: ignore[attr-defined]
    return float(hours * 3600 + minutes * 60 + seconds + milliseconds / 1000)
