"""Which kinds of sentences a text has: a voice that never asked will not know how."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter

import regex  # type: ignore[import-untyped]

from studio.text.sentences import has_words, sentences

#: code -> name for people, in the order in which they are shown.
TYPES = {
    "statement": "statements",
    "question": "questions",
    "exclamation": "exclamations",
    "short": "short sentences",
    "long": "long sentences",
    "number": "numbers",
}

#: Words; for scripts without spaces, characters.
_SHORT_WORDS, _LONG_WORDS = 4, 18
_SHORT_CHARACTERS, _LONG_CHARACTERS = 8, 35
#: Languages that put no space between words.
_UNSPACED = frozenset(("zh", "ja"))
_QUESTION, _EXCLAMATION = frozenset("?？؟"), frozenset("!！¡")
_CLOSING = " \t\n\"'”’»)）」』]"
#: Two in a row: 一 by itself is also "a".
_HAN_NUMERALS = re.compile("[〇一二三四五六七八九十百千万萬億]{2}")
#: Numbers that are mostly other words: "you are", "week", "face" and "ride", "this".
_UNSURE = {"it": ("sei",), "hu": ("hét",), "tr": ("yüz", "bin"), "ko": tuple("이삼사오육칠팔구십백천")}
#: Numbers that num2words lacks.
_HINDI = (
    "तीन चार पाँच पांच छह छः सात आठ नौ दस बारह पंद्रह बीस तीस चालीस पचास साठ सत्तर अस्सी नब्बे सौ हज़ार हजार लाख"
)
_WORD = regex.compile(r"[\p{L}\p{M}'’]+|\p{N}+")


def types_of(text: str, language: str) -> Counter[str]:
    """How many sentences of `text` are of each of TYPES in `language` (BCP 47). One can be of several."""
    found: Counter[str] = Counter()
    primary = language.split("-")[0].lower()
    for span in sentences(text, language or "en"):
        if has_words(span.text):
            found.update(_types(span.text, primary))
    return found


def _types(sentence: str, language: str) -> tuple[str, ...]:
    kinds = [_mood(sentence)]
    words = _WORD.findall(sentence)
    if language in _UNSPACED:
        size, short, long = sum(map(len, words)), _SHORT_CHARACTERS, _LONG_CHARACTERS
    else:
        size, short, long = len(words), _SHORT_WORDS, _LONG_WORDS
    if size <= short:
        kinds.append("short")
    elif size >= long:
        kinds.append("long")
    if _has_number(sentence, words, language):
        kinds.append("number")
    return tuple(kinds)


def _mood(sentence: str) -> str:
    last = sentence.rstrip(_CLOSING)[-1:]
    if last in _QUESTION:
        return "question"
    return "exclamation" if last in _EXCLAMATION else "statement"


def _has_number(sentence: str, words: list[str], language: str) -> bool:
    if any(char.isdigit() for char in sentence):
        return True
    if language in _UNSPACED:
        return _HAN_NUMERALS.search(sentence) is not None
    known = _number_words(language)
    return any(word.lower() in known for word in words)


@functools.lru_cache(maxsize=32)
def _number_words(language: str) -> frozenset[str]:
    """The numbers from two on that are one word; "one" is also an article. Empty where num2words does not
    know the language: there only figures count."""
    if language == "hi":
        return frozenset(unicodedata.normalize("NFC", _HINDI).split())
    from num2words import num2words  # type: ignore[import-untyped]

    found: set[str] = set()
    try:
        for number in (*range(2, 100), *range(100, 1_000, 100), *range(1_000, 10_000, 1_000)):
            words = str(num2words(number, lang=language)).lower().replace("-", " ").split()
            found.update(words[-1:] if number % 100 == 0 else words if len(words) == 1 else ())
    except NotImplementedError:
        return frozenset()
    return frozenset(found) - frozenset(_UNSURE.get(language, ()))
