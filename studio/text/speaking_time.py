"""How long a text takes to speak, roughly: enough to see that a transcript belongs to another recording."""

from __future__ import annotations

import unicodedata

#: Seconds for a character: a syllable of Chinese, Japanese or Korean, a consonant in scripts that write
#: vowels as marks or not at all, a letter of any other script, a digit, which is read as a word.
_SYLLABLE_S, _CONSONANT_S, _LETTER_S, _DIGIT_S = 0.2, 0.13, 0.07, 0.35
#: As the names of their characters begin.
_SYLLABIC = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "YI SYLLABLE")
_CONSONANTAL = (
    "ARABIC", "HEBREW", "SYRIAC", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
    "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN",
)  # fmt: skip
#: From the fastest to the slowest reading with its pauses, against the usual one.
_FASTEST, _SLOWEST = 0.4, 2.5
#: Short texts vary more: a pause of this length may come to any, seconds.
_LEEWAY_S = 1.0


def speaking_time(text: str) -> float:
    """The seconds in which `text` is usually read aloud; 0 where there is nothing to read."""
    return sum(_seconds(char) for char in unicodedata.normalize("NFC", text))


def plausible_time(text: str) -> tuple[float, float]:
    """The fewest and the most seconds that reading `text` can take."""
    usual = speaking_time(text)
    return max(0.0, usual * _FASTEST - _LEEWAY_S / 2), usual * _SLOWEST + _LEEWAY_S


def _seconds(char: str) -> float:
    category = unicodedata.category(char)
    if category == "Nd":
        return _DIGIT_S
    if category[0] != "L":
        return 0.0
    name = unicodedata.name(char, "")
    if name.startswith(_SYLLABIC):
        return _SYLLABLE_S
    return _CONSONANT_S if name.startswith(_CONSONANTAL) else _LETTER_S
