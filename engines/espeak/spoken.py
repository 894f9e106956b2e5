"""Whole utterances of eSpeak NG, for what needs them whole: voice match and design."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engines.base import PhonemeTiming, SpeechChunk, WordTiming
from engines.espeak import options
from engines.espeak.client import EspeakProcess, Utterance
from engines.espeak.timings import Timeline
from engines.world import phones
from engines.world.exemplars import Labels
from engines.world.pieces import cuts, joined
from engines.world.vocoder import FRAME_S, SAMPLE_RATE, Floats
from studio.audio.types import Audio
from studio.control import Control


@dataclass(frozen=True, eq=False)
class Spoken:
    """One utterance: float64 samples [n] in [-1, 1] at SAMPLE_RATE and its timings in seconds."""

    samples: Floats
    words: tuple[WordTiming, ...]
    phonemes: tuple[PhonemeTiming, ...]

    def labels(self) -> Labels:
        """The English phone of each frame, int8 [t]; UNKNOWN in pauses and other languages."""
        result = np.full(int(len(self.samples) / SAMPLE_RATE / FRAME_S) + 1, phones.UNKNOWN, np.int8)
        for phoneme in self.phonemes:
            parts = phones.from_ipa(phoneme.symbol)
            edges = np.linspace(phoneme.start, phoneme.end, len(parts) + 1) / FRAME_S
            for part, start, end in zip(parts, edges, edges[1:], strict=False):
                result[int(start) : int(end)] = phones.index_of(part)
        return result


def utterance_of(
    text: str, voice: str, pace: float | None = None, phonemes: bool = False, word_gap: float = 0
) -> Utterance:
    """`text` at `pace` words a minute (None: the usual), everything else as the voice is."""
    values = options.option_values({})
    values["word_gap"] = word_gap
    if pace is not None:
        values["rate"] = pace
    return Utterance(text, voice, options.espeak_parameters(values, 1.0), phonemes)


def speak(process: EspeakProcess, utterance: Utterance, control: Control) -> Spoken:
    """All of `utterance`, which takes about 2 ms a second. Raises EngineFailed, Cancelled."""
    timeline = Timeline(utterance.text, SAMPLE_RATE)
    sounds, words, phonemes = [np.zeros(0, np.int16)], [], []
    for sound in process.speak(utterance, control):
        more_words, more_phonemes = timeline.feed(sound.events)
        words += more_words
        phonemes += more_phonemes
        sounds.append(sound.samples)
    samples = np.concatenate(sounds)
    more_words, more_phonemes = timeline.finish(len(samples))
    return Spoken(samples.astype(np.float64) / 32768, (*words, *more_words), (*phonemes, *more_phonemes))


def chunks(
    spoken: Spoken, convert: Callable[[int, int], Floats], gain: float, control: Control
) -> Iterator[SpeechChunk]:
    """`spoken` through `convert(start, end)` (samples), with the timings that end in each piece."""
    if not len(spoken.samples):  # a text of nothing but punctuation
        return
    spans = cuts(spoken.samples)

    def pieces() -> Iterator[Floats]:
        for start, end in spans:
            control.check()
            yield convert(start, end)

    since = 0.0
    for (_, end), samples in zip(spans, joined(pieces(), gain), strict=True):
        until = np.inf if end == len(spoken.samples) else end / SAMPLE_RATE
        yield SpeechChunk(
            Audio(samples, SAMPLE_RATE),
            tuple(word for word in spoken.words if since < word.end <= until),
            tuple(phoneme for phoneme in spoken.phonemes if since < phoneme.end <= until),
        )
        since = until
