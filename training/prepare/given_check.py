"""A given text beside what is heard: how far apart they are, and which part of it belongs where."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from studio.text.transcripts import joined, tokens
from training.prepare.numbers import spelled
from training.prepare.text_measures import error_rate, folded

#: Two segments follow one another where no longer pause parts them, seconds.
_PAUSE_S = 2.0
#: More words than these, one after the other, are not missed by a recognizer: they were not spoken.
_MISSED = 6
#: So much longer than what was heard, a passage was not spoken, or not as a whole.
_MUCH_LONGER = 2.0
#: A word of which a smaller share of the letters is heard was not heard, or it was elsewhere.
_SAME = 0.6
#: So many words may be claimed by a neighbour of what was left out.
_CLAIMED = 3


@dataclass(frozen=True)
class Spoken:
    """A segment of a recording, with what was heard in it."""

    heard: str
    start: float  # s in the recording
    end: float


@dataclass
class _Token:
    """A word of the given text, or a character where words are not spaced."""

    written: str
    sound: str  # as it is compared; "" for punctuation alone
    among: Counter[int] = field(default_factory=Counter)  # segment -> how many characters it has there

    @property
    def place(self) -> int | None:
        return max(self.among, key=lambda index: (self.among[index], -index), default=None)


def given_error(given: str, heard: str, language: str) -> float:
    """The share of the given characters that are heard otherwise, 0 to 1; letters and digits alone
    count, and numbers as they are spoken."""
    return round(error_rate(_compared(given, language), _compared(heard, language)), 3)


def divided(text: str, spoken: Sequence[Spoken], language: str) -> list[str]:
    """The part of `text` that belongs to each segment of `spoken`, which are in order; "" for none.

    `text` is aligned with what was heard, character by character. Words that were not heard go to
    their neighbours where these follow one another; of what was left out between two segments, before
    the first and after the last, a neighbour gets a word or two where its pace asks for them.
    """
    words = [_Token(token, _compared(token, language)) for token in tokens(text)]
    _align(words, spoken, language)
    parts = _Parts(words, spoken)
    placed = [(number, word.place) for number, word in enumerate(words) if word.place is not None]
    for number, place in placed:
        parts.give(place, [number])
    edges: list[tuple[int, int | None]] = [(-1, None), *placed, (len(words), None)]
    for (left, before), (right, after) in pairwise(edges):
        if right > left + 1:
            parts.share_out(range(left + 1, right), before, after)
    return parts.texts()


def _align(words: Sequence[_Token], spoken: Sequence[Spoken], language: str) -> None:
    """Tell each word in which segments its characters are heard.

    Whole words first: of a passage that was not spoken, single letters would be found anywhere.
    """
    from rapidfuzz.distance import Levenshtein

    given = [word for word in words if word.sound]
    heard = [
        (sound, index)
        for index, each in enumerate(spoken)
        for token in tokens(each.heard)
        if (sound := _compared(token, language))
    ]
    steps = Levenshtein.opcodes([word.sound for word in given], [sound for sound, _ in heard])
    at, there = 0, 0  # what lies behind is aligned
    for step in (*steps, None):
        if step is not None and step.tag != "equal":
            continue
        first, begin = (len(given), len(heard)) if step is None else (step.src_start, step.dest_start)
        _align_letters(given[at:first], heard[there:begin])
        if step is not None:
            for offset in range(step.src_end - step.src_start):
                word, (_, index) = given[first + offset], heard[begin + offset]
                word.among[index] += len(word.sound)
            at, there = step.src_end, step.dest_end


def _align_letters(words: Sequence[_Token], heard: Sequence[tuple[str, int]]) -> None:
    """Words that were heard otherwise: where most of their letters are."""
    from rapidfuzz.distance import Levenshtein

    owners = [word for word in words for _ in word.sound]
    segments = [index for sound, index in heard for _ in sound]
    same: Counter[int] = Counter()
    steps = Levenshtein.opcodes("".join(w.sound for w in words), "".join(sound for sound, _ in heard))
    for step in steps:
        if step.tag in ("equal", "replace"):
            for offset in range(step.src_end - step.src_start):
                owner = owners[step.src_start + offset]
                owner.among[segments[step.dest_start + offset]] += 1
                same[id(owner)] += step.tag == "equal"
    within_one = len(set(segments)) == 1 and len(owners) <= _MUCH_LONGER * len(segments)
    for word in words:
        if within_one:
            word.among = Counter({segments[0]: 1})
        elif same[id(word)] < _SAME * len(word.sound):
            word.among.clear()


class _Parts:
    """Which words belong to which segment, and the pace that comes of it."""

    def __init__(self, words: Sequence[_Token], spoken: Sequence[Spoken]) -> None:
        self._words, self._spoken = words, spoken
        self._numbers: list[list[int]] = [[] for _ in spoken]

    def give(self, segment: int, numbers: Iterable[int]) -> None:
        self._numbers[segment] += numbers

    def share_out(self, between: range, before: int | None, after: int | None) -> None:
        """Words that were not heard, between what was heard in `before` and in `after`."""
        if before is not None and before == after:
            self.give(before, between)
        elif before is not None and after is not None and self._together(between, before, after):
            cut = self._even_cut(between, before, after)
            self.give(before, between[:cut])
            self.give(after, between[cut:])
        else:
            claimed = 0
            if before is not None:
                claimed = self._claim(before, between)
                self.give(before, between[:claimed])
            if after is not None:
                rest = between[claimed:]
                claimed = self._claim(after, rest[::-1], unspoken=False)
                self.give(after, rest[len(rest) - claimed :])

    def texts(self) -> list[str]:
        return [joined(self._words[at].written for at in sorted(each)) for each in self._numbers]

    def _together(self, between: range, before: int, after: int) -> bool:
        pause = self._spoken[after].start - self._spoken[before].end
        spoken = sum(bool(self._words[at].sound) for at in between)
        return after == before + 1 and pause <= _PAUSE_S and spoken <= _MISSED

    def _even_cut(self, between: range, before: int, after: int) -> int:
        """So that both are spoken at about one pace; punctuation stays with the word before it."""

        def unevenness(cut: int) -> float:
            early, late = self._pace(before, between[:cut]), self._pace(after, between[cut:])
            return abs(early - late)

        return min(range(len(between) + 1), key=lambda cut: (unevenness(cut), -cut))

    def _claim(self, segment: int, words: range, unspoken: bool = True) -> int:
        """How many of `words`, from its edge outwards, bring its pace closer to the usual one."""
        paces = [self._pace(index, ()) for index, has in enumerate(self._numbers) if has]
        usual = statistics.median(paces)

        def oddness(count: int) -> float:
            return abs(self._pace(segment, words[:count]) - usual)

        counts = range(min(len(words), _CLAIMED) + 1)
        return min(counts, key=lambda count: (oddness(count), -count if unspoken else count))

    def _pace(self, segment: int, more: Iterable[int]) -> float:
        """Characters a second, were it to have the words `more` as well."""
        size = sum(len(self._words[at].sound) for at in (*self._numbers[segment], *more))
        return size / max(0.1, self._spoken[segment].end - self._spoken[segment].start)


def _compared(text: str, language: str) -> str:
    return folded(spelled(text, language).text)
