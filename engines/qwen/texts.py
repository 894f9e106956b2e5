"""Texts as the model may be given them, and how long they may sound."""

from __future__ import annotations

import math
import re
import unicodedata

from engines.qwen.facts import FRAMES_PER_SECOND
from studio.errors import BadInput

#: The tokenizer's control tokens. Inside a text they would end the prompt or open another role.
_CONTROL = re.compile(r"<\|[^<>|]{1,40}\|>|<(?:/?(?:tool_call|tool_response|think)|tts_\w{1,30})>")

#: Slow reading, in seconds: of a letter, and of a character of a script that writes syllables or
#: words. A digit stands for a word.
_LETTER_S, _IDEOGRAPH_S, _DIGIT_S = 0.08, 0.28, 0.4
_IDEOGRAPHS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
#: A part may last so many times as long as slow reading, and these seconds more: long enough for
#: instructions like "very slowly", short enough that a model that never ends is noticed.
_PATIENCE, _GRACE_S = 3.0, 10.0


def speakable(text: str) -> str:
    """`text` in one line, without the model's control tokens and control characters.

    Raises BadInput when nothing is left that could be spoken.
    """
    plain = without_control(text)
    if not any(char.isalnum() for char in plain):
        raise BadInput("There is nothing to say.", "Type some text with letters or digits.")
    return plain


def without_control(text: str) -> str:
    """`text` in one line, without the model's control tokens and control characters."""
    before = None
    while before != text:  # taking one out may make another
        before, text = text, _CONTROL.sub("", text)
    # Cc, Cs: control characters and halves of characters.
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    return " ".join(kept.split())


def expected_seconds(text: str) -> float:
    """How long a slow reader takes for `text`."""
    return sum(_seconds(char) for char in text)


def most_frames(text: str) -> int:
    """After how many frames speech of `text` is cut off."""
    return math.ceil((_PATIENCE * expected_seconds(text) + _GRACE_S) * FRAMES_PER_SECOND)


def _seconds(char: str) -> float:
    if char.isdigit():
        return _DIGIT_S
    if unicodedata.name(char, "").startswith(_IDEOGRAPHS):
        return _IDEOGRAPH_S
    return _LETTER_S
