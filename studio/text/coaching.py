"""Sentences to record next: Timbre's own, by language, and which of them bring what is missing."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

#: One file a language, a sentence a line: the text and, after a tab, how it is read where the text
#: itself does not tell (kana for Japanese). Lines that begin with # are comments.
FOLDER = Path(__file__).with_name("coach")

#: What a phoneme, a kind of sentence and a pair of phonemes that is missing counts in the choice.
_PHONEME, _TYPE, _PAIR = 10.0, 30.0, 1.0


@dataclass(frozen=True)
class CoachSentence:
    """A sentence to be read aloud."""

    text: str
    reading: str  # the same in letters that tell its sounds


@dataclass(frozen=True)
class Candidate:
    """A sentence with what it would bring."""

    text: str
    phonemes: Mapping[str, int]
    pairs: frozenset[tuple[str, str]]  # neighbouring phonemes
    types: Mapping[str, int]  # of sentence_types.TYPES


@dataclass(frozen=True)
class Missing:
    """How often what is rare is still wanted, and which pairs of phonemes were never heard."""

    phonemes: Mapping[str, int]
    types: Mapping[str, int]
    pairs: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Chosen:
    """A candidate and what it adds, given those before it."""

    candidate: Candidate
    phonemes: tuple[str, ...]  # wanted ones, the most wanted first
    types: tuple[str, ...]
    pairs: int  # new ones


@functools.lru_cache(maxsize=32)
def coach_sentences(language: str) -> tuple[CoachSentence, ...]:
    """The sentences for `language` (BCP 47: "pt-br" has those of "pt"); () where there are none."""
    path = FOLDER / f"{language.split('-')[0].lower()}.txt"
    if not path.is_file() or path.parent != FOLDER:
        return ()
    lines = (line for line in path.read_text("utf-8").splitlines() if line and line[0] != "#")
    parted = (line.partition("\t") for line in lines)
    return tuple(CoachSentence(text, reading or text) for text, _, reading in parted)


def choose(candidates: Sequence[Candidate], missing: Missing, most: int) -> tuple[Chosen, ...]:
    """Up to `most` candidates, each the one that adds most to those before it; of equals the first. Those
    that add nothing are left out."""
    phonemes, types = Counter(missing.phonemes), Counter(missing.types)
    pairs = set(missing.pairs)
    left = list(candidates)
    chosen: list[Chosen] = []
    while left and len(chosen) < most:
        gains = [_gain(each, phonemes, types, pairs) for each in left]
        best = max(gains)
        if best <= 0:
            break
        candidate = left.pop(gains.index(best))
        wanted = [symbol for symbol in candidate.phonemes if phonemes[symbol] > 0]
        chosen.append(
            Chosen(
                candidate,
                tuple(sorted(wanted, key=lambda symbol: (-phonemes[symbol], symbol))),
                tuple(kind for kind in types if types[kind] > 0 and candidate.types.get(kind)),
                len(pairs & candidate.pairs),
            )
        )
        phonemes.subtract(candidate.phonemes)
        types.subtract(candidate.types)
        pairs -= candidate.pairs
    return tuple(chosen)


def pairs_of(phonemes: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Neighbours within a clause; "" stands between clauses."""
    listed = list(phonemes)
    return frozenset((one, other) for one, other in pairwise(listed) if one and other)


def _gain(
    candidate: Candidate,
    phonemes: Mapping[str, int],
    types: Mapping[str, int],
    pairs: set[tuple[str, str]],
) -> float:
    return (
        _PHONEME * _met(candidate.phonemes, phonemes)
        + _TYPE * _met(candidate.types, types)
        + _PAIR * len(pairs & candidate.pairs)
    )


def _met(brought: Mapping[str, int], wanted: Mapping[str, int]) -> int:
    """How much of what is wanted is brought."""
    return sum(max(min(count, wanted.get(key, 0)), 0) for key, count in brought.items())
