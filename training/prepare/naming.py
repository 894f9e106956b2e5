"""Names of recordings, which are data: how they are shown, sorted, and told apart."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from studio.text.sentences import clean

_DIGITS = re.compile(r"([0-9]+)")
_MAX_PART = 200

NaturalKey: TypeAlias = tuple[tuple[tuple[int, int, str], ...], str]


def shown_name(name: str) -> str:
    """A path within what was given, as it may stand in any list: no line ends, no control or
    direction-changing characters, each part of at most 200 characters."""
    return "/".join(part and _shown_part(part) for part in name.split("/"))


def _shown_part(part: str) -> str:
    return " ".join(clean(part).split())[:_MAX_PART] or "unnamed"


def natural(name: str) -> NaturalKey:
    """A key that sorts "take 2" before "take 10", whatever the case."""
    pieces = _DIGITS.split(unicodedata.normalize("NFC", name).casefold())
    # A number is compared by its length, then by its digits: there is no limit to how long it is.
    key = tuple(
        (1, len(piece.lstrip("0")), piece.lstrip("0")) if index % 2 else (0, 0, piece)
        for index, piece in enumerate(pieces)
    )
    return key, name


def distinct(paths: Sequence[Path]) -> list[str]:
    """For each of several different paths its name, with as many of the folders above it as all of
    them need to be told apart."""
    made: list[str] = []
    for path in paths:
        made.append(path.name)
    depth = 1
    while max(Counter(made).values(), default=0) > 1 and depth < max(len(path.parts) for path in paths):
        depth += 1
        made = ["/".join(part.strip("/\\:") for part in path.parts[-depth:]) for path in paths]
    return made
