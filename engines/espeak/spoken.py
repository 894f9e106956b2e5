"""Whole utterances of eSpeak NG, for what needs them whole: voice match and design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.base import PhonemeTiming, WordTiming
from engines.espeak.client import EspeakProcess, Utterance
from engines.espeak.timings import Timeline
from engines.world import phones
from engines.world.exemplars import Labels
from engines.world.vocoder import FRAME_S, SAMPLE_RATE, Floats
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
