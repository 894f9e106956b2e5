"""When each word and phoneme is spoken, from eSpeak NG's events."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engines.base import PhonemeTiming, WordTiming
from engines.espeak.child import EVENT_PHONEME, EVENT_WORD
from engines.espeak.client import Event

# Phonemes in brackets, one Chinese character, or what stands between spaces.
_IDEOGRAPH = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_FULL_STOPS = "。、，！？；：．"  # no space follows these
_TOKEN = re.compile(
    rf"\[\[.*?\]\]\S*|[{_IDEOGRAPH}][^\w\s]*|[^\s{_IDEOGRAPH}{_FULL_STOPS}]+[{_FULL_STOPS}]*|[{_FULL_STOPS}]+"
)
#: Punctuation that is never spoken, by Unicode category; "%" or "&" are of others.
_SILENT_CATEGORIES = ("Pd", "Ps", "Pe", "Pi", "Pf")
_SILENT = frozenset(".,;:!?…\"'" + _FULL_STOPS)


@dataclass(frozen=True)
class Token:
    """A word as it stands in the text, [start, end) in characters."""

    text: str
    start: int
    end: int


def tokens(text: str) -> tuple[Token, ...]:
    """The words of `text` with their punctuation; a lone dash belongs to the word before it."""
    found: list[Token] = []
    opening: int | None = None  # of punctuation before the first word
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if all(_silent(char) for char in match.group()):
            if found:
                found[-1] = Token(text[found[-1].start : end], found[-1].start, end)
            elif opening is None:
                opening = start
            continue
        if opening is not None:
            start, opening = opening, None
        found.append(Token(text[start:end], start, end))
    return tuple(found)


class Timeline:
    """Turns events, fed in order, into timings in seconds from the utterance's start.

    eSpeak NG says where a word begins, but gives one event for "of the" and three for "1,234", and
    its positions can be off by a character or two after short clauses. Words are therefore taken in
    order, the positions only tell which one is meant; words without an event share the time of
    the one before.
    """

    def __init__(self, text: str, sample_rate: int) -> None:
        self._tokens = tokens(text)
        self._sample_rate = sample_rate
        self._current = -1  # index of the token being spoken
        self._word_start = 0
        self._pause_start: int | None = None  # where silence began, while it lasts
        self._phoneme: tuple[str, int] | None = None

    def feed(self, events: Iterable[Event]) -> tuple[list[WordTiming], list[PhonemeTiming]]:
        """The words and phonemes whose end is known by these events."""
        words: list[WordTiming] = []
        phonemes: list[PhonemeTiming] = []
        for event in events:
            if event.type == EVENT_WORD:
                words += self._word(event)
            elif event.type == EVENT_PHONEME:
                phonemes += self._end_phoneme(event.sample)
                if event.symbol:
                    self._phoneme = (event.symbol, event.sample)
                    self._pause_start = None
                elif self._pause_start is None:
                    self._pause_start = event.sample
        return words, phonemes

    def finish(self, samples: int) -> tuple[list[WordTiming], list[PhonemeTiming]]:
        """What is left when the utterance has ended after `samples` samples."""
        if self._current < 0:
            return [], list(self._end_phoneme(samples))
        words = list(self._spread(len(self._tokens), self._word_end(samples)))
        return words, list(self._end_phoneme(samples))

    def _word(self, event: Event) -> Iterator[WordTiming]:
        index = self._token_at(event.position)
        if index <= self._current:
            return
        if self._current >= 0:
            yield from self._spread(index, self._word_end(event.sample))
            self._current = index
        else:
            self._current = 0  # words before the first event share its time
        self._word_start = event.sample
        self._pause_start = None

    def _token_at(self, position: int) -> int:
        """The token that `position` lies in, or the next one where it lies between two."""
        first = max(self._current, 0)
        for index in range(first, len(self._tokens)):
            if position < self._tokens[index].end:
                return index
        return len(self._tokens) - 1

    def _word_end(self, sample: int) -> int:
        if self._pause_start is not None and self._pause_start > self._word_start:
            return min(self._pause_start, sample)
        return sample

    def _spread(self, until: int, end: int) -> Iterator[WordTiming]:
        """The tokens from the current one to `until` (exclusive), by their letters' share."""
        group = self._tokens[self._current : until]
        letters = sum(token.end - token.start for token in group)
        start = float(self._word_start)
        per_letter = (max(end, self._word_start) - start) / max(letters, 1)
        for token in group:
            stop = start + (token.end - token.start) * per_letter
            yield WordTiming(token.text, start / self._sample_rate, stop / self._sample_rate)
            start = stop

    def _end_phoneme(self, sample: int) -> Iterator[PhonemeTiming]:
        if self._phoneme is not None:
            symbol, start = self._phoneme
            self._phoneme = None
            if sample > start:
                yield PhonemeTiming(symbol, start / self._sample_rate, sample / self._sample_rate)


def _silent(char: str) -> bool:
    return char in _SILENT or unicodedata.category(char) in _SILENT_CATEGORIES
