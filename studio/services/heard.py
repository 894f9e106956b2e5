"""Which words are heard in a stretch of a recording whose transcript is known, or can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engines.base import SpeechRequest, WordTiming
from engines.manager import EngineManager
from engines.recognition import AUTO_LANGUAGE, Segment, Word
from studio.audio import reading, vad
from studio.audio.reading import probe
from studio.control import Control
from studio.errors import ModelMissing, NotFound
from studio.services.transcribing import TranscriptService
from studio.services.transcripts import TranscribeOrder
from studio.text.language import closest, detect
from studio.text.transcripts import joined, plain, timed_words, tokens

#: A longer recording is not aligned, seconds: it would hold everything else up for some seconds.
_ALIGNED_S = 120.0
#: A word that an edge cuts by less is as good as whole, seconds.
_NICK_S = 0.04
_ENGLISH = "en"
#: Spells words for the alignment; always there.
_SPELLER = "espeak"


class Source(str, Enum):
    """Where the times of words come from, the best first."""

    GIVEN = "given"
    ALIGNED = "aligned"  # forced alignment of the transcript
    RECOGNISED = "recognised"  # a recognizer's times, the transcript's words
    ESTIMATED = "estimated"  # the transcript spread over the speech
    NONE = "none"  # there is no transcript


@dataclass(frozen=True)
class Timings:
    """A recording's transcript with the time of each word, in seconds from its start."""

    text: str
    words: tuple[WordTiming, ...]
    source: Source
    note: str = ""  # what the person should know of it


@dataclass(frozen=True)
class Heard:
    """What is heard in a stretch. Times in seconds from the stretch's start."""

    text: str
    words: tuple[WordTiming, ...]
    whole: bool  # it holds all words of the recording
    cut: tuple[str, ...]  # words that its edges cut through


class WordFinder:
    """Finds the times of words; thread-safe. Who calls it must hold no lease of an engine."""

    def __init__(self, engines: EngineManager, transcripts: TranscriptService) -> None:
        self._engines, self._transcripts = engines, transcripts

    def find(
        self,
        recording: Path,
        text: str = "",
        words: Sequence[WordTiming] = (),
        language: str = "",
        control: Control | None = None,
    ) -> Timings:
        """The words of `text` with their times: as given by `words`; else by alignment, for English;
        else by a recognizer that is good enough; else estimated, which the note says. Without a text
        that recognizer writes one down. Raises BadInput as reading does, Cancelled, EngineFailed.
        """
        control = control or Control()
        text = " ".join(text.split())
        if words:
            return _placed(recording, text or joined(word.text for word in words), words, Source.GIVEN)
        if text and (language_of(text, language) == _ENGLISH):
            control.progress("aligning the transcript")
            aligned = self._aligned(recording, text, control)
            if aligned is not None:
                return Timings(text, aligned, Source.ALIGNED)
        segments = self._recognised(recording, language, control)
        heard = [word for segment in segments for word in segment.words]
        if heard:
            return _placed(recording, text or plain(segments), heard, Source.RECOGNISED)
        if not text:
            return Timings(
                "", (), Source.NONE, "There is no transcript of it, and nothing to write one."
            )
        note = "No times of its words can be had here, so they were estimated."
        return Timings(text, _estimated(recording, text), Source.ESTIMATED, note)

    def _aligned(self, recording: Path, text: str, control: Control) -> tuple[WordTiming, ...] | None:
        """None where recording and transcript do not go together, or are too long."""
        from engines.world import alignment
        from engines.world.vocoder import SAMPLE_RATE

        if probe(recording).duration > _ALIGNED_S:
            return None
        audio = reading.read(recording, SAMPLE_RATE)
        words = text.split()
        try:
            times = alignment.word_times(
                audio, words, lambda word: spelled(self._engines, word, control)
            )
        except alignment.AlignmentFailed:
            return None
        return tuple(
            WordTiming(word, *span) for word, span in zip(words, times, strict=True) if span is not None
        )

    def _recognised(self, recording: Path, language: str, control: Control) -> tuple[Segment, ...]:
        """Nothing where no recognizer for the language is installed but for drafts."""
        order = TranscribeOrder(recording, language=language or AUTO_LANGUAGE)
        try:
            plan = self._transcripts.plan(order)
        except (ModelMissing, NotFound):  # no model, or a language that none of them knows
            return ()
        if plan.choice.info.draft:
            return ()
        control.progress("recognising the words")
        return self._transcripts.hear(plan, control)


def spelled(engines: EngineManager, word: str, control: Control) -> tuple[str, ...]:
    """A word that the alignment's dictionary lacks in its phones (ARPAbet). Who asks must hold no lease."""
    from engines.world import phones

    with engines.lease(_SPELLER, control) as lease:
        chunks = list(lease.engine.stream(SpeechRequest(word, "en-us"), control))
    symbols = [phoneme.symbol for chunk in chunks for phoneme in chunk.phonemes]
    return tuple(phone for symbol in symbols for phone in phones.from_ipa(symbol))


def words_in(timings: Timings, start: float, end: float) -> Heard:
    """The words of a recording of which at least half is heard between `start` and `end` seconds, and
    the text from the first to the last of them as it is written."""
    kept = [word for word in timings.words if _share(word, start, end) >= 0.5]
    if not kept:
        return Heard("", (), not timings.words, _cut(timings.words, start, end))
    first = timings.words.index(kept[0])
    chosen = timings.words[first : first + len(kept)]
    words = tuple(
        WordTiming(word.text, max(word.start, start) - start, min(word.end, end) - start)
        for word in chosen
    )
    whole = len(chosen) == len(timings.words)
    text = timings.text if whole else _written(timings, first, first + len(kept))
    return Heard(text, words, whole, _cut(timings.words, start, end))


def language_of(text: str, language: str) -> str:
    """The primary language: as named, else as `text` tells, else English."""
    if language and language != AUTO_LANGUAGE:
        return closest(language, (_ENGLISH,)) or language
    return detect(text, (_ENGLISH, "de", "fr", "es", "it", "pt", "ru", "nl", "pl"), _ENGLISH).code


def _placed(recording: Path, text: str, words: Sequence[WordTiming | Word], source: Source) -> Timings:
    """The words of `text` at the times of `words`, as far as they are the same; others between."""
    timed = tuple(Word(word.text, word.start, word.end) for word in words)
    segment = Segment(text, 0.0, probe(recording).duration, timed)
    return Timings(text, tuple(WordTiming(w.text, w.start, w.end) for w in timed_words(segment)), source)


def _estimated(recording: Path, text: str) -> tuple[WordTiming, ...]:
    """The words spread over the speech, longer words longer."""
    duration = probe(recording).duration
    options = vad.VadOptions(max_s=duration + 1)
    found = vad.stretches(reading.blocks(recording, vad.SAMPLE_RATE), options)
    spoken = [(piece.start, piece.length) for stretch in found for piece in stretch.pieces]
    spoken = spoken or [(0.0, duration)]
    words = tokens(text)
    per_letter = sum(length for _, length in spoken) / max(1, sum(map(len, words)))

    def at(seconds: float) -> float:
        """Seconds of speech as seconds of the recording."""
        for start, length in spoken:
            if seconds <= length:
                return start + seconds
            seconds -= length
        return min(duration, spoken[-1][0] + spoken[-1][1])

    made, said = [], 0
    for word in words:
        made.append(WordTiming(word, at(said * per_letter), at((said + len(word)) * per_letter)))
        said += len(word)
    return tuple(made)


def _share(word: WordTiming, start: float, end: float) -> float:
    """How much of the word is heard, 0 to 1."""
    length = word.end - word.start
    if length <= 0:
        return float(start <= word.start < end)
    return max(0.0, min(word.end, end) - max(word.start, start)) / length


def _cut(words: Sequence[WordTiming], start: float, end: float) -> tuple[str, ...]:
    return tuple(
        word.text
        for word in words
        if any(word.start + _NICK_S < edge < word.end - _NICK_S for edge in (start, end))
    )


def _written(timings: Timings, first: int, last: int) -> str:
    """The words `first` to `last` (exclusive) as they stand in the text, with its spaces and signs."""
    places: list[tuple[int, int]] = []
    position = 0
    for word in timings.words:
        begin = timings.text.find(word.text, position)
        if begin < 0:  # the words are not those of the text
            return joined(each.text for each in timings.words[first:last])
        position = begin + len(word.text)
        places.append((begin, position))
    end = places[last][0] if last < len(places) else len(timings.text)
    return timings.text[places[first][0] : end].strip()
