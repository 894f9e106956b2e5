"""Dividing a text into parts that an engine speaks one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import regex  # type: ignore[import-untyped]

from studio.text.notation import Marks
from studio.text.sentences import Span, has_words, paragraphs, sentences

Pause = Literal["none", "sentence", "paragraph"]

#: Where an overlong sentence may be divided, best first: after a clause, then at a space. Western
#: commas and colons need a space, for they also stand in numbers and times.
_CLAUSE = regex.compile(r"""[,;:]["'”’»)]*\s+|\s[–—-]\s+|—|[、，；：،؛、][”’」』）]*\s*""")
_SPACE = regex.compile(r"\s+|\u200b")
#: What people see as one character: a letter with its marks, a flag, a family of emoji.
_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True)
class Part:
    """What is spoken at once: `text` is source[start:end], without spaces around it."""

    text: str
    start: int
    end: int
    pause: Pause  # the silence that belongs after it; "none" within a sentence and at the end


def parts(text: str, language: str, limit: int = 400, packed: bool = True) -> tuple[Part, ...]:
    """`text` in parts of at most `limit` characters, in order, with sentences kept whole.

    Sentences of one paragraph share a part as far as they fit, unless they are not to be `packed`. A
    sentence that is too long is
    divided after a clause, else at a space, else between two characters, but never inside one
    that has combining marks nor inside [tags] and [[phonemes]], unless such a one is longer than
    the limit itself. What lies between two parts, and what is left out, has nothing to speak in it.
    """
    if limit < 1:
        raise ValueError(f"A part needs at least one character, not {limit}.")
    made: list[Part] = []
    for paragraph in paragraphs(text):
        spans = list(_spans(paragraph, language, limit, packed))
        for index, (span, whole) in enumerate(spans):
            pause: Pause = "none" if not whole else "sentence"
            if index == len(spans) - 1:
                pause = "paragraph"
            stripped = span.text.strip()
            start = span.start + len(span.text) - len(span.text.lstrip())
            made.append(Part(stripped, start, start + len(stripped), pause))
    if made:
        last = made[-1]
        made[-1] = Part(last.text, last.start, last.end, "none")
    return tuple(made)


def _spans(paragraph: Span, language: str, limit: int, packed: bool) -> Iterator[tuple[Span, bool]]:
    """Spans that fit and are spoken, each with whether a sentence ends with it."""
    held: Span | None = None
    for sentence in sentences(paragraph.text, language):
        joined = sentence if held is None else Span(held.text + sentence.text, held.start, sentence.end)
        if len(joined.text.strip()) <= limit and (packed or held is None):
            held = joined
            continue
        if held is not None:
            yield from _placed(held, paragraph, True)
        held = None
        *firsts, rest = _divided(sentence, limit)
        for piece in firsts:
            yield from _placed(piece, paragraph, False)
        held = rest
    if held is not None:
        yield from _placed(held, paragraph, True)


def _placed(span: Span, paragraph: Span, whole: bool) -> Iterator[tuple[Span, bool]]:
    if has_words(span.text):
        offset = paragraph.start
        yield Span(span.text, span.start + offset, span.end + offset), whole


def _divided(sentence: Span, limit: int) -> list[Span]:
    """An overlong sentence in pieces of at most `limit` characters, spaces around not counted."""
    text = sentence.text
    marks = Marks(text, limit)
    pieces = []
    begin = 0
    while len(text[begin:].strip()) > limit:
        begin_of_words = begin + len(text[begin:]) - len(text[begin:].lstrip())
        end = _cut(text, begin_of_words, limit, marks)
        pieces.append(Span(text[begin:end], sentence.start + begin, sentence.start + end))
        begin = end
    pieces.append(Span(text[begin:], sentence.start + begin, sentence.end))
    return pieces


def _cut(text: str, begin: int, limit: int, marks: Marks) -> int:
    """The best place to cut text[begin:], at most `limit` characters on. Both kinds of separator
    go to the piece before them; a clause must fill half of the limit, or pieces get too short."""
    stop = begin + limit
    reach = text[begin : stop + 1]
    for separator, least in ((_CLAUSE, limit // 2), (_SPACE, 1)):
        for match in reversed(list(separator.finditer(reach))):
            content = begin + len(reach[: match.end()].rstrip())
            end = begin + match.end()
            if match.end() >= least and content <= stop and marks.may_cut(end) and end > begin:
                return end
    return _between_characters(text, begin, stop, marks)


def _between_characters(text: str, begin: int, stop: int, marks: Marks) -> int:
    end = begin
    for match in _GRAPHEME.finditer(text, begin, min(len(text), stop + 64)):
        if match.end() > stop:
            break
        if marks.may_cut(match.end()):
            end = match.end()
    # One character with more marks than the limit allows is cut: the limit is a promise.
    return end if end > begin else stop
