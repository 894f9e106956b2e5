"""Stress marks for Russian, by an optional library.

Russian does not write its stress, and the same letters may be two words: за́мок is a castle, замо́к a
lock. silero-stress (MIT, https://github.com/snakers4/silero-stress) tells them apart; its models come
with its package. It is not among Timbre's requirements.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable
from typing import Protocol

from studio.errors import StudioError
from studio.text.pronunciation import Change

LIBRARY = "silero-stress"
LANGUAGE = "ru"
_MODULE = "silero_stress"
ACUTE = "\u0301"

_WORD = re.compile(r"[а-яё+]+", re.IGNORECASE)
_VOWELS = frozenset("аеёиоуыэюя")


class StressMissing(StudioError):
    """The library that would find the stress is not installed, or does not work."""

    kind = "stress_missing"


class StressMarker(Protocol):
    """Finds the stress of Russian words."""

    def __call__(self, text: str, /) -> str:
        """`text`, one line of it, with a plus sign before each stressed vowel; ё may stand for е."""


@functools.cache
def installed_marker() -> StressMarker:
    """The marker of the installed library; loading takes seconds, once. Raises StressMissing."""
    remedy = f"Install it (pip install {LIBRARY}), or set use_stress to false."
    try:
        load: Callable[[], StressMarker] = importlib.import_module(_MODULE).load_accentor
        return load()
    except ImportError as error:
        raise StressMissing(f"The stress is not marked: {LIBRARY} is not installed.", remedy) from error
    except (AttributeError, OSError, RuntimeError, TypeError) as error:
        raise StressMissing(
            f"The stress is not marked: {LIBRARY} does not work: {error}.", remedy
        ) from error


def stress(text: str, marker: StressMarker) -> tuple[Change, ...]:
    """The words of `text` that get an acute on their stressed vowel, in order.

    Words of one syllable need none. Raises StressMissing where the library changes more than that.
    """
    changes: list[Change] = []
    position = 0
    for line in text.splitlines(keepends=True):
        content = line.strip()
        if _WORD.search(content):
            start = position + line.index(content)
            changes += _changes(content, start, marker(content))
        position += len(line)
    return tuple(changes)


def _changes(line: str, offset: int, marked: str) -> list[Change]:
    """Lays `marked` beside the line: it must be the same but for stress and ё."""
    stressed: dict[int, str] = {}  # position in the line -> the letter with its stress
    at = 0
    plus = False
    for char in marked:
        expected = line[at : at + 1]
        if char == "+" and expected != "+":
            plus = True
            continue
        if char != expected and not (char in "ёЁ" and expected in ("е", "Е")):
            raise StressMissing(
                f"The stress is not marked: {LIBRARY} gave back another text.",
                "Set use_stress to false.",
            )
        if plus or char != expected:
            stressed[at] = char if char in "ёЁ" else char + ACUTE  # ё is always stressed
        plus = False
        at += 1
    made = []
    for match in _WORD.finditer(line):
        word = match.group()
        if sum(char.lower() in _VOWELS for char in word) < 2:
            continue
        spoken = "".join(stressed.get(match.start() + index, char) for index, char in enumerate(word))
        if spoken != word:
            made.append(Change(offset + match.start(), offset + match.end(), spoken, "stress"))
    return made
