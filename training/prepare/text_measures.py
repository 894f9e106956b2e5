"""What a segment's text says of it: how fast it is spoken, and how far two texts are apart."""

from __future__ import annotations

import statistics
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import regex  # type: ignore[import-untyped]

from studio.dataset.values import Segment
from studio.text.subtitles import UNSPACED
from studio.text.transcripts import tokens

#: Characters of a word in the scripts that put no spaces between words: Chinese words have 1.5 of them
#: on average, Japanese ones a little more.
_UNSPACED_WORD = 1.5

#: Fewer segments of a language do not tell what is usual.
_LEAST = 8
#: The standard deviation of the pace is taken for at least this share of its median: a set in which all
#: is read alike would make much of nothing.
_LEAST_SPREAD = 0.1
#: From the median absolute deviation to the standard deviation, for a normal distribution.
_MAD_TO_SD = 1.4826

_SPOKEN = regex.compile(r"[\p{L}\p{N}\p{Mn}\p{Mc}]")
#: Accents, and the vowel signs of Arabic and Hebrew; not the marks of kana, nor the vowels of Indic
#: scripts, which have scripts of their own in Unicode.
_ACCENTS = regex.compile(r"[\p{Mn}&&\p{Script=Inherited}--\u3099\u309a]", regex.VERSION1)


def with_pace(segments: Sequence[Segment]) -> list[Segment]:
    """The same segments with `words_per_s` and `pace_deviation`, where they have a text.

    The deviation is that of the characters a second of speech from the median of their language, in
    standard deviations estimated from the median absolute deviation; None where too few have a text.
    """
    paces: dict[str, list[float]] = defaultdict(list)
    for segment in segments:
        if segment.text and segment.duration > 0:
            paces[segment.language].append(_characters_per_s(segment))
    usual = {
        language: _middle_and_spread(values)
        for language, values in paces.items()
        if len(values) >= _LEAST
    }
    return [_measured(segment, usual.get(segment.language)) for segment in segments]


def folded(text: str) -> str:
    """Its letters and digits alone, without case, width and accents: what is left is what is heard."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))
    return "".join(_SPOKEN.findall(plain))


def error_rate(given: str, heard: str) -> float:
    """The character error rate of `given` against `heard`, both `folded`: 0 the same, 1 nothing alike."""
    from rapidfuzz.distance import Levenshtein

    if not given:
        return float(bool(heard))
    return min(1.0, Levenshtein.distance(given, heard) / len(given))


def word_count(text: str) -> float:
    """How many words `text` has; in scripts without spaces between them, about how many."""
    words = 0.0
    for token in tokens(text):
        if _SPOKEN.search(token):
            words += 1 / _UNSPACED_WORD if UNSPACED.match(token) else 1
    return words


def _measured(segment: Segment, usual: tuple[float, float] | None) -> Segment:
    if not segment.text or segment.duration <= 0:
        return replace(segment, words_per_s=None, pace_deviation=None)
    deviation = None
    if usual is not None:
        middle, spread = usual
        deviation = round((_characters_per_s(segment) - middle) / spread, 2)
    words = round(word_count(segment.text) / segment.duration, 2)
    return replace(segment, words_per_s=words, pace_deviation=deviation)


def _characters_per_s(segment: Segment) -> float:
    """Of the speech alone: a long pause within a segment does not make its text short."""
    speech = segment.duration * (segment.speech_share or 1.0)
    return len(folded(segment.text)) / speech


def _middle_and_spread(values: Sequence[float]) -> tuple[float, float]:
    middle = statistics.median(values)
    spread = _MAD_TO_SD * statistics.median(abs(value - middle) for value in values)
    # A text without letters has no pace; the floor keeps a set of nothing else from dividing by zero.
    return middle, max(spread, _LEAST_SPREAD * middle, 0.01)
