"""Whether a language model's answer is the text that was asked for, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]

from studio.text.sentences import clean


@dataclass(frozen=True)
class Limits:
    """How far an answer may be from its text."""

    shortest: float  # characters of the answer to one of the text
    longest: float
    slack: int  # characters that may be missing or added besides
    overlap: float  # share of the text's words that the answer must have


#: Transcripts keep their words, but "twenty five" may become "25"; before speech, "25" becomes words.
LIMITS = {
    "stt": Limits(0.5, 1.8, 30, 0.6),
    "tts": Limits(0.6, 3.0, 80, 0.4),
}
#: Fewer words than this tell nothing of the overlap.
_FEW_WORDS = 4

_THOUGHT = regex.compile(r"<(think|thinking|reasoning)>.*?</\1>", regex.S | regex.I)
_OPEN_THOUGHT = regex.compile(r"<(think|thinking|reasoning)>", regex.I)
#: Some servers leave out the opening tag, which their template has written.
_END_OF_THOUGHT = regex.compile(r"\A.*</(?:think|thinking|reasoning)>", regex.S | regex.I)
_FENCED = regex.compile(r"\A```[\w-]*[^\S\n]*\n(?P<inside>.*?)\n?```\s*\Z", regex.S)
_PREAMBLE = regex.compile(
    r"\A(?:sure|certainly|of course|okay|ok|here(?:'s| is| are))\b[^\n]{0,120}:[^\S\n]*\n+", regex.I
)
_REFUSAL = regex.compile(
    r"\A\W*(?:i(?:['’]m| am) (?:sorry|unable|not able)|sorry,|i (?:cannot|can['’]?t|won['’]?t)\b|as an ai\b"
    r"|i apologi[sz]e|es tut mir leid|je suis désolé|lo siento|извините|к сожалению|抱歉|申し訳)",
    regex.I,
)
_QUOTES = (('"', '"'), ("“", "”"), ("«", "»"), ("„", "“"))
_WORD = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}]+"
)


class Unusable(Exception):
    """The answer is no version of the text; says why, as the end of a sentence."""


def usable(answer: str, text: str, mode: str) -> str:
    """The processed text within `answer`, without thoughts, fences and chatter. Raises Unusable."""
    cleaned = _without_thoughts(clean(answer))
    if (fenced := _FENCED.match(cleaned)) and "```" not in text:
        cleaned = fenced["inside"].strip()
    if not _PREAMBLE.match(text):
        cleaned = _PREAMBLE.sub("", cleaned).strip()
    if fenced := _FENCED.match(cleaned):
        cleaned = fenced["inside"].strip()
    cleaned = _without_quotes(cleaned, text)
    if not _WORD.search(cleaned) and not regex.search(r"\p{N}", cleaned):
        raise Unusable("it was empty")
    if _REFUSAL.match(cleaned) and not _REFUSAL.match(text):
        raise Unusable("it refused")
    limits = LIMITS[mode]
    if len(cleaned) < len(text) * limits.shortest - limits.slack:
        raise Unusable("it was much shorter than the text")
    if len(cleaned) > len(text) * limits.longest + limits.slack:
        raise Unusable("it was much longer than the text")
    if overlap(text, cleaned) < limits.overlap:
        raise Unusable("it had lost most of the words")
    return cleaned


def longest_answer(text: str, mode: str) -> int:
    """Characters after which an answer to `text` is cut off: thoughts included, far too long."""
    return int(len(text) * LIMITS[mode].longest) + 100_000


def overlap(text: str, answer: str) -> float:
    """Share of the words of `text` that `answer` has too, 0 to 1; 1 where there are too few words."""
    words, found = _words(text), _words(answer)
    total = sum(words.values())
    return sum((words & found).values()) / total if total >= _FEW_WORDS else 1.0


def _without_thoughts(answer: str) -> str:
    cleaned = _THOUGHT.sub("", answer)
    cleaned = _END_OF_THOUGHT.sub("", cleaned)
    if _OPEN_THOUGHT.search(cleaned):
        raise Unusable("it ended in the middle of its thoughts")
    return cleaned.strip()


def _without_quotes(answer: str, text: str) -> str:
    for opening, closing in _QUOTES:
        if answer.startswith(opening) and answer.endswith(closing) and not text.startswith(opening):
            inside = answer[1:-1]
            if opening not in inside and closing not in inside:
                return inside.strip()
    return answer


def _words(text: str) -> Counter[str]:
    return Counter(match.group().casefold() for match in _WORD.finditer(text))
