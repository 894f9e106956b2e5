"""Correcting a transcript: each function gives new segments and leaves the old ones as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines.recognition import Segment, Word
from studio.errors import BadInput
from studio.text.transcripts import joined, timed_words

Segments = tuple[Segment, ...]

MAX_TEXT = 5_000  # characters of one segment


def with_text(segments: Sequence[Segment], index: int, text: str) -> Segments:
    """Another text for a segment. Words that stay keep their times, new ones get what is left; an
    empty text removes the segment. Raises BadInput."""
    segment = _at(segments, index)
    text = " ".join(text.encode("utf-8", "ignore").decode().split())
    if len(text) > MAX_TEXT:
        raise BadInput(
            f"The text has {len(text)} characters.", f"Give a segment at most {MAX_TEXT}; split it."
        )
    return (*segments[:index], *([_retold(segment, text)] if text else []), *segments[index + 1 :])


def split_at_word(segments: Sequence[Segment], index: int, word: int) -> Segments:
    """Two segments of one: the second begins with its word number `word`, counted from 0. Raises
    BadInput where there is no such word, or nothing before it."""
    segment = _at(segments, index)
    words = tuple(
        Word(each.text, each.start, each.end, each.probability) for each in timed_words(segment)
    )
    if not 0 < word < len(words):
        raise BadInput("There is nothing to split there.", "Choose a word after the first one.")
    halves = (_of_words(segment, words[:word]), _of_words(segment, words[word:]))
    first = replace(halves[0], start=segment.start)
    second = replace(halves[1], end=max(segment.end, halves[1].end))
    return (*segments[:index], first, second, *segments[index + 1 :])


def split_at_character(segments: Sequence[Segment], index: int, position: int) -> Segments:
    """The same where the cursor stands: before character `position` of the text, or the beginning of
    the word that it is in."""
    segment = _at(segments, index)
    text = " ".join(segment.text.split())
    reached = 0
    for number, word in enumerate(timed_words(segment)):
        begin = text.index(word.text, reached)
        reached = begin + len(word.text)
        if position < reached:
            return split_at_word(segments, index, number)
    raise BadInput("There is nothing to split there.", "Place the cursor inside the text.")


def merged(segments: Sequence[Segment], index: int) -> Segments:
    """A segment and the one after it as one. Raises BadInput for the last one."""
    first = _at(segments, index)
    if index + 1 >= len(segments):
        raise BadInput("There is no segment after the last one.", "Choose another one to merge.")
    second = segments[index + 1]
    known = [each for each in (first, second) if each.probability is not None]
    weight = sum(len(each.text) for each in known)
    total = sum((each.probability or 0.0) * len(each.text) for each in known)
    words = first.words + second.words if first.words and second.words else ()
    made = Segment(
        text=joined((first.text, second.text)),
        start=first.start,
        end=max(first.end, second.end),
        words=words,
        probability=total / weight if weight else None,
        language=first.language,
    )
    return (*segments[:index], made, *segments[index + 2 :])


def _at(segments: Sequence[Segment], index: int) -> Segment:
    if not 0 <= index < len(segments):
        raise BadInput(f"There is no segment {index + 1}.", f"There are {len(segments)}.")
    return segments[index]


def _retold(segment: Segment, text: str) -> Segment:
    """The segment with another text; words only where it had some."""
    changed = replace(segment, text=text)
    if not segment.words:
        return changed
    words = timed_words(changed)
    return replace(
        changed, words=tuple(Word(each.text, each.start, each.end, each.probability) for each in words)
    )


def _of_words(segment: Segment, words: tuple[Word, ...]) -> Segment:
    known = [word.probability for word in words if word.probability is not None]
    return Segment(
        text=joined(word.text for word in words),
        start=words[0].start,
        end=words[-1].end,
        words=words if segment.words else (),
        probability=sum(known) / len(known) if known else segment.probability,
        language=segment.language,
    )
