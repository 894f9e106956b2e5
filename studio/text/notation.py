"""What stands in a text but is not words: [tags], and [[phonemes]] for eSpeak NG."""

from __future__ import annotations

import re

#: `[[h@l'oU]]` is read by eSpeak NG as phonemes.
PHONEMES = re.compile(r"\[\[[^\[\]\n]{1,400}\]\]")
#: `[happy]`, `[long pause]`: how to speak what follows.
TAG = re.compile(r"\[[^\W\d_][^\[\]\n]{0,59}\]")
NOTATION = re.compile(f"{PHONEMES.pattern}|{TAG.pattern}")


def notation_spans(text: str) -> list[tuple[int, int]]:
    """Where tags and phonemes stand, as rising pairs of start and end; nothing is cut inside."""
    return [match.span() for match in NOTATION.finditer(text)]
