"""When each phoneme of a recording is spoken: by forced alignment with its text, piece by piece."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.base import PhonemeTiming, WordTiming
from engines.manager import EngineManager
from studio.audio.reading import read
from studio.audio.types import Audio
from studio.control import Control
from studio.services.heard import spelled
from studio.services.phoneme_rows import moved
from studio.services.transcribing import TranscriptService
from studio.services.transcripts import TranscribeOrder
from studio.text.notation import NOTATION

#: What is aligned at once: longer holds Python's lock for too long, seconds; and what where nothing
#: shorter can be told.
_LONGEST_S, _MOST_S = 40.0, 100.0
#: A piece ends at a pause once it is so long, seconds, ...
_WANTED_S = 8.0
#: ... a pause being no shorter than that.
_PAUSE_S = 0.12
#: Quieter than that share of the loudest is no speech; louder than that one is a wide mouth.
_QUIET, _LOUD = 0.08, 0.45
_FRAME_S = 0.04


@dataclass(frozen=True)
class Aligned:
    """The phonemes of a recording, in seconds from its start."""

    phonemes: tuple[PhonemeTiming, ...]
    guessed_s: float  # of the recording whose text did not fit: there they follow the loudness


class PhonemeFinder:
    """Aligns English recordings; thread-safe. Who calls it must hold no lease of an engine."""

    def __init__(self, engines: EngineManager, transcripts: TranscriptService) -> None:
        self._engines, self._transcripts = engines, transcripts

    def align(
        self, recording: Path, stretches: Sequence[WordTiming], control: Control
    ) -> Aligned | None:
        """`stretches` say which text is spoken when. None where nothing of it fits. Raises what reading
        raises, Cancelled, EngineFailed."""
        from engines.world import alignment
        from engines.world.vocoder import SAMPLE_RATE

        found: list[PhonemeTiming] = []
        guessed = 0.0
        spelling: dict[str, tuple[str, ...]] = {}

        def pronounce(word: str) -> tuple[str, ...]:
            if word not in spelling:
                spelling[word] = spelled(self._engines, word, control)
            return spelling[word]

        for number, stretch in enumerate(stretches):
            control.progress("aligning the sound with its text", number / len(stretches))
            words = NOTATION.sub(" ", stretch.text).split()
            if not words:
                continue
            audio = read(recording, SAMPLE_RATE, start=stretch.start, end=stretch.end)
            try:
                times = alignment.phone_times(audio, words, pronounce)
            except alignment.AlignmentFailed:
                times = tuple(by_loudness(audio))
                guessed += stretch.end - stretch.start
            found += moved(times, stretch.start)
        whole = sum(stretch.end - stretch.start for stretch in stretches)
        return Aligned(tuple(found), guessed) if found and guessed < whole / 2 else None

    def stretches(
        self, recording: Path, text: str, seconds: float, control: Control
    ) -> tuple[WordTiming, ...]:
        """Which part of `text` is spoken when in a recording of so many seconds: the whole at once where
        that is short, else pieces between pauses, found by a draft of what is said. () where the draft
        is too unlike the text."""
        if seconds <= _LONGEST_S:
            return (WordTiming(text, 0.0, seconds),)
        order = TranscribeOrder(recording, language="en", process=False)
        control.progress("listening to the recording")
        segments = self._transcripts.hear(self._transcripts.plan(order), control)
        heard = [
            WordTiming(word.text, word.start, word.end) for segment in segments for word in segment.words
        ]
        return tuple(pieces(text.split(), heard, seconds))


def pieces(words: Sequence[str], heard: Sequence[WordTiming], seconds: float) -> Iterator[WordTiming]:
    """`words` cut where two of them that follow one another were heard with a pause between them."""
    matcher = difflib.SequenceMatcher(
        None, [_plain(word) for word in words], [_plain(word.text) for word in heard], autojunk=False
    )
    pauses = [
        (block.a + index, (heard[at].end + heard[at + 1].start) / 2)
        for block in matcher.get_matching_blocks()
        for index in range(1, block.size)
        if heard[(at := block.b + index - 1) + 1].start - heard[at].end >= _PAUSE_S
    ]
    first, since = 0, 0.0
    made = []
    for word, moment in pauses:
        if moment - since >= _WANTED_S:
            made.append(WordTiming(" ".join(words[first:word]), since, moment))
            first, since = word, moment
    made.append(WordTiming(" ".join(words[first:]), since, seconds))
    if all(piece.end - piece.start <= _MOST_S for piece in made):
        yield from made


def by_loudness(audio: Audio) -> Iterator[PhonemeTiming]:
    """Sounds that move a mouth as loudly as it speaks, where it is not known what it says."""
    size = round(_FRAME_S * audio.sample_rate)
    count = len(audio.samples) // size
    frames = audio.samples[: count * size].reshape(count, size)
    levels = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    if not count or (loudest := float(np.quantile(levels, 0.95))) <= 0:
        return
    symbols = ["ɑː" if at > _LOUD else "ə" if at > _QUIET else "" for at in levels / loudest]
    for start, end, symbol in _runs(symbols):
        if symbol:
            yield PhonemeTiming(symbol, start * _FRAME_S, end * _FRAME_S)


def _runs(symbols: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Start, end (exclusive) and symbol of each run of equal ones."""
    start, current, index = 0, "", -1
    for index, symbol in enumerate(symbols):
        if symbol != current:
            if index > start:
                yield start, index, current
            start, current = index, symbol
    if index >= start:
        yield start, index + 1, current


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9']", "", word.lower().replace("’", "'")).strip("'")
