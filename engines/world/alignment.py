"""Which phone each frame of an English recording holds, by pocketsphinx's forced alignment."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from engines.sphinx import decoder
from engines.sphinx.decoder import RATE, make_decoder, pcm
from engines.world import phones
from engines.world.exemplars import Labels
from engines.world.vocoder import FRAME_S, SAMPLE_RATE
from studio.audio.resampling import resample
from studio.audio.types import Audio
from studio.errors import StudioError

#: Spells a word in ARPAbet phones; () where it cannot.
Pronounce = Callable[[str], tuple[str, ...]]


class AlignmentFailed(StudioError):
    """The recording and the transcript do not go together, or there is nothing to align with."""


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
    recogniser = _recogniser(language_model=False)
    words = [word for word in (_plain(word) for word in transcript.split()) if word]
    known = []
    for word in words:
        if recogniser.lookup_word(word) is None:
            spelling = " ".join(pronounce(word))
            if not spelling:
                continue
            recogniser.add_word(word, spelling, True)
        known.append(word)
    if not known:
        raise AlignmentFailed("The transcript has no words to align.")
    sound = _pcm(audio)
    try:
        recogniser.set_align_text(" ".join(known))
        _process(recogniser, sound)
        recogniser.set_alignment()  # the second pass goes from words to phones
        _process(recogniser, sound)
        aligned = recogniser.get_alignment()
    except (RuntimeError, ValueError) as error:
        raise AlignmentFailed("The recording does not fit its transcript.") from error
    if aligned is None:
        raise AlignmentFailed("The recording does not fit its transcript.")
    result = np.full(count, phones.UNKNOWN, np.int8)
    for word in aligned:
        for phone in word:
            start = round(phone.start * decoder.FRAME_S / FRAME_S)
            end = round((phone.start + phone.duration) * decoder.FRAME_S / FRAME_S)
            result[start:end] = phones.index_of(phone.name)
    return result


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


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9']", "", word.lower().replace("’", "'")).strip("'")
