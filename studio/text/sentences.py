"""Cleaning a text and finding its sentences, without losing a character."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]
import sentencex

from studio.errors import BadInput
from studio.text.notation import Marks, words_only

#: sentencex takes time that grows with the square of its text, so it gets this much at a time.
_WINDOW = 3_000
#: A longer sentence is cut here; nothing sensible is that long.
_MAX_SENTENCE = 48_000
#: A line this short that ends without punctuation is a heading or a verse, not a wrapped line.
_SHORT_LINE = 50

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
#: A piece that is no sentence by itself: a list's number, or what ends in an initial ("Ch. M. ").
_ALONE = regex.compile(r"^\(?\d{1,3}[.)]$|(?:^|\s)\p{Lu}\.$")
#: Full stops that sentencex passes over: Khmer, Tibetan, Armenian.
_MORE_ENDS = re.compile(r"[។៕།༎։]+\s*")
_WORD = regex.compile(r"[\p{L}\p{N}]")
_LINE_END = re.compile(r"\n\s*")


@dataclass(frozen=True)
class Span:
    """A stretch of a text: `text` is source[start:end], spaces at its end included."""

    text: str
    start: int
    end: int


def clean(text: str) -> str:
    """`text` as the studio speaks and keeps it.

    NFC, every kind of line end as a newline, tabs and odd spaces as a space, no control or
    direction-changing characters, no lone surrogates. The joiners that emoji and Indic, Persian
    and Khmer spelling need are kept. Spaces around the whole are dropped.
    """
    text = re.sub(r"\r\n?|[\u2028\x85\x0b\x0c]", "\n", text).replace("\u2029", "\n\n")
    return unicodedata.normalize("NFC", "".join(map(_kept, text))).strip()


def _kept(char: str) -> str:
    if char == "\n" or "!" <= char <= "~":
        return char
    category = unicodedata.category(char)
    if char == "\t" or category == "Zs":
        return " "
    # U+200B to U+200D: the zero-width space that divides Khmer words, and the two joiners; the
    # E0020 range spells the flags of England, Scotland and Wales.
    if category == "Cf" and not ("\u200b" <= char <= "\u200d" or "\U000e0020" <= char <= "\U000e007f"):
        return ""
    return "" if category in ("Cc", "Cs") else char


def speakable(text: str) -> None:
    """Raise BadInput unless there is a letter, a number or a [[phoneme]] to speak."""
    if not has_words(text):
        raise BadInput("There is nothing to speak.", "Write at least one word or number.")


def has_words(text: str) -> bool:
    """Whether anything in `text` is spoken: tags, punctuation and emoji alone are not."""
    return _WORD.search(words_only(text)) is not None


def paragraphs(text: str) -> list[Span]:
    """The paragraphs, divided at empty lines, each with the space after it; joined, they are the
    text."""
    cuts = [match.end() for match in _PARAGRAPH_BREAK.finditer(text)]
    return _spans(text, 0, [*cuts, len(text)])


def sentences(text: str, language: str) -> list[Span]:
    """The sentences of `text` in `language` (BCP 47), each with the space after it; joined, they
    are the text.

    The rules of about 240 languages are sentencex's (Wikimedia). Beyond them: nothing is cut
    inside a tag or phonemes, a tag stays with the sentence it stands before, a list's number or
    an initial is no sentence, and a short line that is not continued in lower case is one.
    """
    found: list[Span] = []
    for paragraph in paragraphs(text):
        found += _spans(text, paragraph.start, _ends(paragraph, language.split("-")[0].lower()))
    return found


def _spans(text: str, start: int, ends: list[int]) -> list[Span]:
    spans = []
    for end in ends:
        if end > start:
            spans.append(Span(text[start:end], start, end))
        start = max(start, end)
    return spans


def _ends(paragraph: Span, language: str) -> list[int]:
    """Where the sentences of a paragraph end, in the whole text's characters, rising."""
    text = paragraph.text
    more = (match.end() for match in _MORE_ENDS.finditer(text))
    marks, words = Marks(text), words_only(text)
    kept: list[int] = []
    begin = 0
    word = _WORD.search(words)  # the first one from `begin` on
    for end in sorted({*_split(text, language), *_line_ends(text), *more}):
        if not marks.may_cut(end) or word is None or word.start() >= end:
            continue
        # The longest of what _ALONE finds has five characters and a space before it.
        if end < len(text) and _ALONE.search(text[max(begin, end - 40) : end].strip()[-8:]):
            continue
        kept.append(end)
        begin = end
        word = _WORD.search(words, begin)
    if begin < len(text):  # the rest belongs to the last sentence when it has no words
        if kept and word is None:
            kept.pop()
        kept.append(len(text))
    return [paragraph.start + end for end in kept]


def _line_ends(text: str) -> list[int]:
    """The ends of short lines. "Chapter One\\nIt was" are two sentences; a wrapped line is none."""
    ends = []
    begin = 0
    for match in _LINE_END.finditer(text):
        following = text[match.end() : match.end() + 1]
        if match.start() - begin < _SHORT_LINE and not following.islower():
            ends.append(match.end())
        begin = match.end()
    return ends


def _split(text: str, language: str) -> list[int]:
    """sentencex's sentence ends, found in windows that each begin where a sentence does."""
    ends: list[int] = []
    begin, window = 0, _WINDOW
    while begin < len(text):
        stop = min(begin + window, len(text))
        position = begin
        pieces = sentencex.segment(language, text[begin:stop])
        for piece in pieces if stop == len(text) else pieces[:-1]:
            position += len(piece)
            ends.append(position)
        if stop == len(text):
            break
        if position > begin:
            begin, window = position, _WINDOW
        elif window < _MAX_SENTENCE:  # one sentence fills the window: look further
            window *= 2
        else:
            begin = stop
            ends.append(stop)
    return ends
