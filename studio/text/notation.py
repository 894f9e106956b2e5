"""What stands in a text but is not words: [tags], and [[phonemes]] for eSpeak NG."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

#: `[[h@l'oU]]` is read by eSpeak NG as phonemes.
PHONEMES = re.compile(r"\[\[[^\[\]\n]{1,400}\]\]")
#: `[happy]`, `[long pause]`: how to speak what follows.
TAG = re.compile(r"\[[^\W\d_][^\[\]\n]{0,59}\]")
NOTATION = re.compile(f"{PHONEMES.pattern}|{TAG.pattern}")


class Marks:
    """Where tags and phonemes stand in a text; nothing is cut inside them, nor inside what people
    see as one character."""

    def __init__(self, text: str, longest: int | None = None) -> None:
        """Notation longer than `longest` characters is taken for plain text."""
        self._text = text
        spans = [match.span() for match in NOTATION.finditer(text)]
        self._spans = [(a, b) for a, b in spans if longest is None or b - a <= longest]
        self._starts = [start for start, _ in self._spans]

    def may_cut(self, position: int) -> bool:
        """Whether the text may be divided before text[position]."""
        if position < len(self._text):
            following = self._text[position]
            if following == "\u200d" or unicodedata.category(following).startswith("M"):
                return False
        place = bisect_right(self._starts, position) - 1
        return place < 0 or not self._spans[place][0] < position < self._spans[place][1]


def words_only(text: str) -> str:
    """`text` of the same length with tags blanked and phonemes as letters: what is spoken."""
    return NOTATION.sub(lambda m: ("x" if PHONEMES.fullmatch(m[0]) else " ") * len(m[0]), text)
