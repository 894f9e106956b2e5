"""Numbers in words, as a model is trained on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spelled:
    """A text with its numbers in words."""

    text: str
    left: tuple[str, ...] = ()  # what has no words here


def spelled(text: str, language: str) -> Spelled:
    """`text` in `language` (BCP 47) with its numbers in words."""
    return Spelled(text)
