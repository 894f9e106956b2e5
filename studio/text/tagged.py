r"""Texts that say how they are to be spoken: `[happy] Hello! [pause 0.5] [sad:0.6] Goodbye.`

A tag counts until the next one, over pauses and paragraphs too; what stands before the first tag has
none. `\[` and `\]` are plain brackets, and `[[...]]` stays what it is elsewhere: phonemes. Whatever
else stands in brackets is read as it is written and reported as a problem, so that nothing typed is
ever lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from studio.text.notation import PHONEMES

#: Longest content of brackets, characters; an opening bracket without its end is no tag.
MAX_TAG = 200
#: The silence of `[pause]` alone, and the longest one, seconds.
USUAL_PAUSE_S = 0.5
MAX_PAUSE_S = 60.0

#: What a pause is called; no emotion can have one of these names.
PAUSE_WORDS = ("pause", "pausa", "pauze", "pauza", "пауза", "停顿", "暂停", "ポーズ", "間", "휴지")

_SPECIAL = re.compile(r"\\+[\[\]]|\[|\]")
_NUMBER = r"[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+"
_PAUSE = re.compile(
    rf"(?:{'|'.join(PAUSE_WORDS)})(?P<rest>[\s:=]+(?:(?P<number>{_NUMBER})\s*(?P<unit>ms|s|sec)?)?.*)?",
    re.IGNORECASE | re.DOTALL,
)
_PAUSE_ONLY = re.compile(rf"[\s:=]+(?:{_NUMBER})\s*(?:ms|s|sec)?", re.IGNORECASE)
_STRENGTH = re.compile(rf"(?P<tag>.*\S)\s*:\s*(?P<minus>-?)(?P<number>{_NUMBER})\s*(?P<percent>%?)")
#: What stands for a plain bracket where an engine would take it for notation; both are read alike.
_PLAIN = str.maketrans("[]", "()")


@dataclass(frozen=True)
class Say:
    """Words to be spoken. `start` and `end` say where they stand in the source, tag left out."""

    text: str  # as written, escapes undone
    tag: str  # "": none
    strength: float  # share of the tag's emotion, 0 to 1
    start: int
    end: int
    said: str  # for an engine: plain brackets as round ones, [[phonemes]] as they are


@dataclass(frozen=True)
class Pause:
    """Silence; `start` and `end` are those of its brackets in the source."""

    seconds: float
    start: int
    end: int


@dataclass(frozen=True)
class Problem:
    """Brackets that mean nothing, at `start` to `end` of the source; they were left in the text."""

    message: str
    start: int
    end: int
    tag: str = ""  # the unknown one; "": the brackets themselves are wrong


@dataclass(frozen=True)
class Tagged:
    """A text in pieces, in order."""

    pieces: tuple[Say | Pause, ...]
    problems: tuple[Problem, ...] = ()


class _Brackets(NamedTuple):
    """What an opening bracket leads to."""

    content: str | None  # None: brackets within brackets
    end: int


def parse(text: str, resolve: Callable[[str], str | None] | None = None) -> Tagged:
    """`text` in pieces. `resolve` gives the name under which a tag is known, or None where it is
    not; without it every tag is known as it is written.

    Never raises and loses nothing: what is no tag stays in the words and is a problem besides.
    """
    return _Parser(text, resolve).parse()


def is_pause(tag: str) -> bool:
    """Whether `tag` is read as a pause, so that no emotion can have this name."""
    return _PAUSE.fullmatch(" ".join(tag.split())) is not None


class _Parser:
    def __init__(self, source: str, resolve: Callable[[str], str | None] | None) -> None:
        self._source, self._resolve = source, resolve
        self._pieces: list[Say | Pause] = []
        self._problems: list[Problem] = []
        self._tag, self._strength = "", 1.0
        self._begin = 0  # of the words being gathered
        self._text: list[str] = []
        self._said: list[str] = []

    def parse(self) -> Tagged:
        position = 0
        while (match := _SPECIAL.search(self._source, position)) is not None:
            self._words(position, match.start())
            position = self._special(match)
        self._words(position, len(self._source))
        self._flush(len(self._source))
        return Tagged(tuple(self._pieces), tuple(self._problems))

    def _special(self, match: re.Match[str]) -> int:
        """Deal with an escape or a bracket; returns where to go on."""
        start, end, found = match.start(), match.end(), match[0]
        if found.startswith("\\"):
            count = len(found) - 1
            self._plain("\\" * (count // 2))
            if count % 2 == 0:  # each pair is a backslash, and the bracket means what it does
                return end - 1
            self._plain(found[-1])
            return end
        if found == "]":
            self._problem("A bracket is closed here that was not opened.", start, end)
            self._plain(found)
            return end
        phonemes = PHONEMES.match(self._source, start)
        if phonemes is not None:
            self._words(start, phonemes.end())
            return phonemes.end()
        brackets = _brackets(self._source, start)
        if brackets is None:
            self._problem("A bracket is opened here and not closed.", start, end)
            self._plain(found)
            return end
        self._notation(brackets, start)
        return brackets.end

    def _notation(self, brackets: _Brackets, start: int) -> None:
        """A pause or a tag, or else words and a problem."""
        end, written = brackets.end, self._source[start : brackets.end]
        if brackets.content is None:
            self._not_understood(f"{_shown(written)} has brackets within brackets.", start, end)
            return
        content = " ".join(brackets.content.split())
        if not content:
            self._not_understood("There is nothing in these brackets.", start, end)
            return
        pause = _PAUSE.fullmatch(content)
        if pause is not None:
            self._pause(pause, written, start, end)
            return
        tag, strength, known = self._meant(content)
        if known is None:
            self._not_understood(f"There is no emotion “{tag}”.", start, end, tag)
        elif not 0 <= strength <= 1:
            self._not_understood(f"{_shown(written)}: a strength is from 0 to 1.", start, end)
        else:
            self._flush(start)
            self._tag, self._strength = known, strength
            self._begin = end

    def _meant(self, content: str) -> tuple[str, float, str | None]:
        """The tag as written, its strength, and the name under which it is known."""
        tag, strength = _strength(content)
        if self._resolve is None:
            return tag, strength, tag
        # An emotion's own name may end in a colon and a number.
        whole = self._resolve(content)
        return (content, 1.0, whole) if whole is not None else (tag, strength, self._resolve(tag))

    def _pause(self, match: re.Match[str], written: str, start: int, end: int) -> None:
        seconds = USUAL_PAUSE_S
        rest = match["rest"]
        if rest is not None:
            if not _PAUSE_ONLY.fullmatch(rest):
                self._not_understood(
                    f"{_shown(written)}: a pause is written as [pause 0.5], in seconds.", start, end
                )
                return
            seconds = _number(match["number"]) / (1000 if (match["unit"] or "").lower() == "ms" else 1)
        if seconds > MAX_PAUSE_S:
            self._not_understood(
                f"{_shown(written)}: a pause lasts at most {MAX_PAUSE_S:g} s.", start, end
            )
            return
        self._flush(start)
        self._pieces.append(Pause(seconds, start, end))
        self._begin = end

    def _not_understood(self, message: str, start: int, end: int, tag: str = "") -> None:
        self._problem(message, start, end, tag)
        self._plain(_unescaped(self._source[start:end]))

    def _problem(self, message: str, start: int, end: int, tag: str = "") -> None:
        self._problems.append(Problem(message, start, end, tag))

    def _words(self, start: int, end: int) -> None:
        """Take the source as it is, phonemes included."""
        self._text.append(self._source[start:end])
        self._said.append(self._source[start:end])

    def _plain(self, text: str) -> None:
        self._text.append(text)
        self._said.append(text.translate(_PLAIN))

    def _flush(self, end: int) -> None:
        """What was gathered up to `end` is a piece, unless it is only space."""
        text = "".join(self._text)
        if text.strip():
            written = self._source[self._begin : end]
            start = self._begin + len(written) - len(written.lstrip())
            stop = self._begin + len(written.rstrip())
            said = "".join(self._said).strip()
            self._pieces.append(Say(text.strip(), self._tag, self._strength, start, stop, said))
        self._text, self._said, self._begin = [], [], end


def _brackets(source: str, start: int) -> _Brackets | None:
    """What the bracket at `start` holds; None where the line ends, or too much comes, before it is
    closed."""
    depth, nested = 0, False
    content: list[str] = []
    position = start
    limit = min(len(source), start + MAX_TAG + 2)
    while position < limit:
        char = source[position]
        if char == "\n":
            return None
        if char == "\\" and source[position + 1 : position + 2] in ("[", "]", "\\"):
            content.append(source[position + 1 : position + 2])
            position += 2
            continue
        if char == "[":
            depth += 1
            nested |= depth > 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return _Brackets(None if nested else "".join(content), position + 1)
        else:
            content.append(char)
        position += 1
    return None


def _strength(content: str) -> tuple[str, float]:
    """The tag and its strength, which is beyond 0 to 1 where the person wrote so."""
    match = _STRENGTH.fullmatch(content)
    if match is None:
        return content, 1.0
    value = _number(match["number"]) / (100 if match["percent"] else 1)
    return match["tag"].strip(), -1.0 if match["minus"] and value else value


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\[\]\\])", r"\1", text)


def _shown(written: str) -> str:
    return written if len(written) <= 40 else written[:39] + "…"
