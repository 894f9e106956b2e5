"""Transcripts as files - plain text, subtitles, JSON, TSV - and the words and times they rest on."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from studio.text.subtitles import UNSPACED, TimedWord, cues, to_srt, to_vtt

#: A silence this long begins a new line of the text, seconds.
_LINE_S = 2.0

#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_TOKEN = re.compile(rf"{UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})\S)+")


class ProbableWord(TimedWord, Protocol):
    """A word that says how sure it is, 0 to 1."""

    @property
    def probability(self) -> float | None: ...


class SpokenSegment(Protocol):
    """A stretch of speech; `start` and `end` in seconds."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def words(self) -> Sequence[ProbableWord]: ...
    @property
    def probability(self) -> float | None: ...
    @property
    def language(self) -> str: ...


@dataclass(frozen=True)
class Timed:
    """A word of a text, with its time in seconds, measured or spread over its segment."""

    text: str
    start: float
    end: float
    probability: float | None = None


def plain(segments: Sequence[SpokenSegment]) -> str:
    """The text alone; a pause of two seconds begins a new line."""
    made = ""
    for index, segment in enumerate(segments):
        text = " ".join(segment.text.split())
        if made and text:
            pause = segment.start - segments[index - 1].end
            made += "\n" if pause >= _LINE_S else _space(made[-1], text[0])
        made += text
    return made


def joined(words: Iterable[str]) -> str:
    """Words as one text, without spaces between them in the scripts that have none."""
    made = ""
    for word in words:
        made += (_space(made[-1], word[0]) if made and word else "") + word
    return made


def tokens(text: str) -> list[str]:
    """What counts as a word: what spaces part, and each character of scripts without spaces."""
    return _TOKEN.findall(text)


def timed_words(segment: SpokenSegment) -> tuple[Timed, ...]:
    """The words of the segment's text with their times.

    Words that were recognised keep theirs; what was changed by hand, and all where the recognizer
    told no times, is spread over the time that is left, longer words longer. In order, without
    overlap, within the segment.
    """
    old = list(segment.words)
    if joined(word.text for word in old) == " ".join(segment.text.split()):
        spoken = [Timed(word.text, word.start, word.end, word.probability) for word in old]
        return tuple(monotonic(spoken))
    new = tokens(segment.text)
    parts = [(token, word) for word in old for token in tokens(word.text)]
    matcher = difflib.SequenceMatcher(None, [part for part, _ in parts], new, autojunk=False)
    made: list[Timed] = []
    blocks = matcher.get_matching_blocks()  # the last one is empty and lies at both ends
    place, written = 0, 0
    for block in blocks:
        begin = parts[place - 1][1].end if place else segment.start
        end = parts[block.a][1].start if block.a < len(parts) else segment.end
        made += _spread(new[written : block.b], begin, max(begin, end))
        for index in range(block.size):
            word = parts[block.a + index][1]
            made.append(Timed(new[block.b + index], word.start, word.end, word.probability))
        place, written = block.a + block.size, block.b + block.size
    return tuple(monotonic(made))


def monotonic(words: Iterable[Timed], least: float = 0.0) -> Iterator[Timed]:
    """The words with times that never run backwards: none starts before the one before has ended."""
    for word in words:
        start = max(word.start, least)
        least = max(word.end, start)
        yield Timed(word.text, start, least, word.probability)


def as_srt(segments: Sequence[SpokenSegment]) -> str:
    """SubRip; lines, lengths and pace are those of studio.text.subtitles."""
    return to_srt(cues(_all_words(segments)))


def as_vtt(segments: Sequence[SpokenSegment]) -> str:
    """WebVTT, likewise."""
    return to_vtt(cues(_all_words(segments)))


def as_tsv(segments: Sequence[SpokenSegment]) -> str:
    """A line for each segment: start and end in milliseconds, probability, text.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    rows = ["start\tend\tprobability\ttext"]
    for segment in segments:
        probability = "" if segment.probability is None else f"{segment.probability:.3f}"
        text = " ".join(segment.text.split())
        if text.startswith(_FORMULA):
            text = f"'{text}"
        times = f"{round(segment.start * 1000)}\t{round(segment.end * 1000)}"
        rows.append(f"{times}\t{probability}\t{text}")
    return "\n".join(rows) + "\n"


def as_json(segments: Sequence[SpokenSegment], about: Mapping[str, Any]) -> str:
    """One object: what is in `about`, the text, and the segments with their words."""
    value = {**about, "text": plain(segments), "segments": [to_dict(segment) for segment in segments]}
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def to_dict(segment: SpokenSegment) -> dict[str, Any]:
    """The segment as JSON holds it; times in seconds, to the millisecond."""
    return {
        "text": segment.text,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "probability": _rounded(segment.probability),
        "language": segment.language,
        "words": [
            {
                "text": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "probability": _rounded(word.probability),
            }
            for word in segment.words
        ],
    }


def _all_words(segments: Sequence[SpokenSegment]) -> Iterator[Timed]:
    least = 0.0
    for segment in segments:
        for word in monotonic(timed_words(segment), least):
            least = word.end
            yield word


def _spread(words: Sequence[str], start: float, end: float) -> Iterator[Timed]:
    total = sum(map(len, words))
    for word in words:
        stop = start + (end - start) * len(word) / total
        yield Timed(word, start, stop)
        total -= len(word)
        start = stop


def _space(before: str, after: str) -> str:
    return "" if UNSPACED.match(before) and UNSPACED.match(after) else " "


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 4)
