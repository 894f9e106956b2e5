"""Which phone each frame of an English recording holds, and when each word is said, by pocketsphinx's
forced alignment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.base import PhonemeTiming
from engines.sphinx import decoder
from engines.sphinx.decoder import RATE, make_decoder, pcm
from engines.world import phones
from engines.world.exemplars import Labels
from engines.world.vocoder import FRAME_S, SAMPLE_RATE
from studio.audio.resampling import resample
from studio.audio.types import Audio
from studio.errors import StudioError

_NO_FIT = "The recording does not fit its transcript."

#: Words fit worse than this only where other words are said, of the decoder's log scores a frame. Measured:
#: -9 to -35 with the right words (people, eSpeak NG, WORLD), -34 to -53 with others.
_LEAST_SCORE = -40

#: Spells a word in ARPAbet phones; () where it cannot.
Pronounce = Callable[[str], tuple[str, ...]]


class AlignmentFailed(StudioError):
    """The recording and the transcript do not go together, or there is nothing to align with."""


@dataclass(frozen=True)
class _Entry:
    """A word or one of its phones, as the decoder aligned it."""

    name: str
    start: int  # frames of the decoder
    duration: int
    score: int  # log
    parts: tuple[_Entry, ...]  # the phones of a word, the states of a phone


def draft(audio: Audio) -> str:
    """A rough English transcript; about every fourth word is wrong. Raises AlignmentFailed."""
    recogniser = _recogniser(language_model=True)
    recogniser.start_utt()
    recogniser.process_raw(_pcm(audio), no_search=False, full_utt=True)
    recogniser.end_utt()
    hypothesis = recogniser.hyp()
    if hypothesis is None or not hypothesis.hypstr:
        raise AlignmentFailed("No words were recognised.")
    return str(hypothesis.hypstr)


def labels(audio: Audio, transcript: str, count: int, pronounce: Pronounce) -> Labels:
    """The phone of each of `count` frames, FRAME_S apart, int8 [count].

    `pronounce` spells the words that the recogniser's dictionary lacks, names and numbers.
    Raises AlignmentFailed when recording and transcript do not go together.
    """
    words = [word for word in (_plain(word) for word in transcript.split()) if word]
    result = np.full(count, phones.UNKNOWN, np.int8)
    for word in _aligned(audio, words, pronounce)[1]:
        for phone in word.parts:
            start = round(phone.start * decoder.FRAME_S / FRAME_S)
            end = round((phone.start + phone.duration) * decoder.FRAME_S / FRAME_S)
            result[start:end] = phones.index_of(phone.name)
    return result


def word_times(
    audio: Audio, words: Sequence[str], pronounce: Pronounce
) -> list[tuple[float, float] | None]:
    """When each of `words` is said, start and end in seconds; None for what is no word or cannot be
    spelled. Words with hyphens are taken apart. Raises AlignmentFailed as `labels` does, and where the
    sound is too unlike the words."""
    parts = [_spoken(word) for word in words]
    known, found = _aligned(audio, [part for group in parts for part in group], pronounce)
    spelled, heard = iter(known), iter(_fitting(known, found))
    made: list[tuple[float, float] | None] = []
    for group in parts:
        own = [next(heard) for _ in group if next(spelled)]
        last = own[-1].start + own[-1].duration if own else 0
        made.append((own[0].start * decoder.FRAME_S, last * decoder.FRAME_S) if own else None)
    return made


def phone_times(audio: Audio, words: Sequence[str], pronounce: Pronounce) -> tuple[PhonemeTiming, ...]:
    """When each phone of `words` is said, as IPA; what cannot be spelled is left out. Raises
    AlignmentFailed as `word_times` does."""
    known, found = _aligned(audio, [part for word in words for part in _spoken(word)], pronounce)
    return tuple(
        PhonemeTiming(
            phones.to_ipa(phone.name),
            phone.start * decoder.FRAME_S,
            (phone.start + phone.duration) * decoder.FRAME_S,
        )
        for word in _fitting(known, found)
        for phone in word.parts
        if phones.to_ipa(phone.name)
    )


def _fitting(known: Sequence[bool], found: Sequence[_Entry]) -> list[_Entry]:
    """The words of `found` without the silences. Raises AlignmentFailed where they are not all there, or
    the sound is too unlike them."""
    said = [word for word in found if not decoder.NO_WORD.match(word.name)]
    frames = sum(word.duration for word in said)
    if len(said) != sum(known) or sum(word.score for word in said) < _LEAST_SCORE * frames:
        raise AlignmentFailed(_NO_FIT)
    return said


def _aligned(
    audio: Audio, words: Sequence[str], pronounce: Pronounce
) -> tuple[list[bool], list[_Entry]]:
    """Which of `words` could be spelled, and the decoder's own words with their phones, silences
    among them. Raises AlignmentFailed."""
    recogniser = _recogniser(language_model=False)
    known = []
    for word in words:
        spelling = "in the dictionary"
        if recogniser.lookup_word(word) is None:
            spelling = " ".join(pronounce(word))
            if spelling:
                recogniser.add_word(word, spelling, True)
        known.append(bool(spelling))
    if not any(known):
        raise AlignmentFailed("The transcript has no words to align.")
    sound = _pcm(audio)
    try:
        recogniser.set_align_text(
            " ".join(word for word, said in zip(words, known, strict=True) if said)
        )
        _process(recogniser, sound)
        recogniser.set_alignment()  # the second pass goes from words to phones
        _process(recogniser, sound)
        found = recogniser.get_alignment()
    except (RuntimeError, ValueError) as error:
        raise AlignmentFailed(_NO_FIT) from error
    if found is None:
        raise AlignmentFailed(_NO_FIT)
    # The decoder's entries point into its memory, which goes with it.
    return known, [_entry(word) for word in found]


def _entry(found: Any) -> _Entry:
    return _Entry(
        found.name, found.start, found.duration, found.score, tuple(_entry(part) for part in found)
    )


def _recogniser(language_model: bool) -> Any:
    try:
        return make_decoder(language_model)
    except ImportError as error:
        raise AlignmentFailed(f"pocketsphinx cannot be loaded: {error}.") from error


def _process(recogniser: Any, sound: bytes) -> None:
    recogniser.start_utt()
    recogniser.process_raw(sound, full_utt=True)
    recogniser.end_utt()


def _pcm(audio: Audio) -> bytes:
    assert audio.sample_rate == SAMPLE_RATE
    return pcm(resample(audio, RATE).samples)


def _spoken(word: str) -> list[str]:
    """The parts of a word as the dictionary has them; none for a dash."""
    return [part for part in map(_plain, re.split(r"[-‐–—/]", word)) if part]


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9']", "", word.lower().replace("’", "'")).strip("'")
