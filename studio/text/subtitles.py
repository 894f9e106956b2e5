"""Subtitles from word timings, after the usual rules of broadcasters, as SRT and WebVTT."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

LINE_COLUMNS = 42  # a wide character, such as a Chinese one, takes two
MAX_LINES = 2
MAX_COLUMNS_PER_S = 17  # what people read comfortably
MIN_CUE_S = 1.0
MAX_CUE_S = 7.0
#: A silence this long ends a cue, seconds.
_SILENCE_S = 1.0
#: The least that a cue lasts where the timings leave no room, seconds.
_LEAST_S = 0.04

_CLOSING = "\"'”’»)]」』）"
_SENTENCE_END = re.compile(rf"[.!?…。！？।॥؟۔။።][{re.escape(_CLOSING)}]*$")
_CLAUSE_END = re.compile(rf"[,;:–—、，；：،؛][{re.escape(_CLOSING)}]*$")
#: Scripts that put no space between words: kana, Chinese characters, Thai, Lao, Burmese, Khmer.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65]"
)


class TimedWord(Protocol):
    """A word with its punctuation; `start` and `end` in seconds."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


@dataclass(frozen=True)
class Cue:
    """What is shown at once: one or two `lines`, from `start` to `end` seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Piece:
    text: str
    start: float
    end: float
    spaced: bool  # a space stands before it


def cues(words: Iterable[TimedWord]) -> tuple[Cue, ...]:
    """Cues for `words`, which are in order of time.

    At most two lines of 42 columns; a cue ends with a sentence, else with a clause, else where it
    is full or a silence follows. Each lasts at least MIN_CUE_S and long enough to be read, as far
    as the next one leaves room; none overlap.
    """
    groups = _groups(list(_pieces(words)))
    made: list[Cue] = []
    starts: list[float] = []
    for group in groups:
        starts.append(max(group[0].start, starts[-1] + _LEAST_S if starts else 0.0))
    for index, group in enumerate(groups):
        lines = _lines(group)
        reading = sum(map(_columns, lines)) / MAX_COLUMNS_PER_S
        end = max(group[-1].end, starts[index] + max(MIN_CUE_S, reading))
        if index + 1 < len(groups):
            end = min(end, starts[index + 1])
        made.append(Cue(starts[index], end, lines))
    return tuple(made)


def to_srt(cues: Sequence[Cue]) -> str:
    """The cues as a SubRip file."""
    blocks = [
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n"
        + "\n".join(line.replace("-->", "→") for line in cue.lines)
        for number, cue in enumerate(cues, 1)
    ]
    return "".join(f"{block}\n\n" for block in blocks)


def to_vtt(cues: Sequence[Cue]) -> str:
    """The cues as a WebVTT file."""
    blocks = [
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n"
        + "\n".join(
            line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in cue.lines
        )
        for cue in cues
    ]
    return "WEBVTT\n\n" + "".join(f"{block}\n\n" for block in blocks)


def _pieces(words: Iterable[TimedWord]) -> Iterator[_Piece]:
    """The words, those too long for a line cut up, each knowing whether a space precedes it."""
    last = ""
    for word in words:
        text = " ".join(word.text.split())
        if not text:
            continue
        spaced = bool(last) and not (UNSPACED.match(last[-1]) and UNSPACED.match(text[0]))
        chunks = list(_chunks(text))
        share = max(word.end - word.start, 0.0) / len(chunks)
        for index, chunk in enumerate(chunks):
            start = word.start + index * share
            yield _Piece(chunk, start, start + share, spaced and index == 0)
        last = text


def _chunks(text: str) -> Iterator[str]:
    held, columns = "", 0
    for char in text:
        width = _columns(char)
        if columns + width > LINE_COLUMNS:
            yield held
            held, columns = "", 0
        held, columns = held + char, columns + width
    yield held


def _groups(pieces: list[_Piece]) -> list[list[_Piece]]:
    """The pieces of each cue."""
    groups: list[list[_Piece]] = []
    held: list[_Piece] = []
    for piece in pieces:
        if held and _ends_before(held, piece):
            groups.append(held)
            held = []
        held.append(piece)
        if not _fits(held):
            cut = _clause_cut(held)
            groups.append(held[:cut])
            held = held[cut:]
    return [*groups, held] if held else groups


def _ends_before(held: list[_Piece], following: _Piece) -> bool:
    """Whether the cue is over before `following` although there may be room for it."""
    if following.start - held[-1].end >= _SILENCE_S or following.end - held[0].start > MAX_CUE_S:
        return True
    if not following.spaced and not UNSPACED.match(held[-1].text[-1]):
        return False  # within a long word
    # A sentence too short to be read waits for the next one.
    return bool(_SENTENCE_END.search(held[-1].text)) and following.start - held[0].start >= MIN_CUE_S


def _clause_cut(held: list[_Piece]) -> int:
    """Where to end a cue that has become too full by its last piece: after the last clause of its
    second half, else before that piece."""
    for index in range(len(held) - 1, len(held) // 2, -1):
        if _CLAUSE_END.search(held[index - 1].text) or _SENTENCE_END.search(held[index - 1].text):
            return index
    return len(held) - 1


def _fits(pieces: list[_Piece]) -> bool:
    if _columns(_text(pieces)) > LINE_COLUMNS * MAX_LINES + 1:
        return False
    return all(_columns(line) <= LINE_COLUMNS for line in _lines(pieces))


def _lines(pieces: list[_Piece]) -> tuple[str, ...]:
    """One line, or two: of those that fit the most even ones, better after a clause."""
    whole = _text(pieces)
    if _columns(whole) <= LINE_COLUMNS or len(pieces) == 1:
        return (whole,)

    def badness(cut: int) -> tuple[bool, int]:
        first, second = _columns(_text(pieces[:cut])), _columns(_text(pieces[cut:]))
        clause = bool(_CLAUSE_END.search(pieces[cut - 1].text))
        return max(first, second) > LINE_COLUMNS, abs(first - second) - (12 if clause else 0)

    cut = min(range(1, len(pieces)), key=badness)
    return _text(pieces[:cut]), _text(pieces[cut:])


def _text(pieces: Sequence[_Piece]) -> str:
    return "".join(
        f" {piece.text}" if piece.spaced and index else piece.text for index, piece in enumerate(pieces)
    )


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _clock(seconds: float, point: str) -> str:
    milliseconds = max(0, round(seconds * 1000))
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return (
        f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"
    )
