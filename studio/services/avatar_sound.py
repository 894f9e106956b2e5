"""The sound of a video: spoken or given, and when its words and phonemes are said."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.base import PhonemeTiming, WordTiming
from studio.audio import reading
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.errors import Cancelled
from studio.files import link_or_copy, storage_errors
from studio.services.avatar_values import GivenSound, Says
from studio.services.heard import WordFinder, language_of
from studio.services.history import History
from studio.services.performance_values import PerformOrder
from studio.services.performing import PerformanceService
from studio.services.phoneme_times import PhonemeFinder
from studio.services.speech import SpeechService
from studio.services.takes import TakeRecord, TakeStatus
from studio.services.tasks import TaskStatus

_ENGLISH = "en"
#: A video's sound needs no more, Hz.
_MAX_RATE = 48_000
#: No sample is louder than this in a recording that counts as silent (-60 dBFS).
_SILENT = 0.001


@dataclass(frozen=True)
class Sound:
    """What is to be seen spoken."""

    path: Path  # a mono WAV file that nobody changes
    seconds: float
    text: str  # "" where it is not known
    language: str  # BCP 47, or "auto"
    take: TakeRecord | None = None  # None: it was given
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Times:
    """When what is said; seconds from the sound's start."""

    words: tuple[WordTiming, ...] = ()
    phonemes: tuple[PhonemeTiming, ...] = ()
    notes: tuple[str, ...] = ()  # where they come from


@dataclass(frozen=True)
class SoundMaker:
    """What makes sounds, and finds out about them. Who calls it must hold no lease of an engine."""

    speech: SpeechService
    performances: PerformanceService
    takes: History
    words: WordFinder
    phonemes: PhonemeFinder

    def make(
        self, says: Says, folder: Path, owner: str, control: Control, note: Callable[[str], None]
    ) -> Sound:
        """Speak, so that a take is in the history, or read what was given; the file lies in `folder`.

        Raises what speaking or reading raises, StorageFailed, and Cancelled, which keeps what was spoken.
        """
        if isinstance(says, GivenSound):
            return _taken_in(says, folder / "sound.wav", control)
        take = self._spoken(says, owner, control, note)
        path = folder / "sound.wav"
        with storage_errors(path):  # a name of its own: the take may be deleted meanwhile
            link_or_copy(self.takes.path(take), path)
        text = take.text
        if isinstance(says, PerformOrder):
            text = " ".join(part.text for part in self.performances.get(take.id, owner).parts)
        return Sound(path, reading.probe(path).duration, text, take.language, take)

    def _spoken(
        self, says: Says, owner: str, control: Control, note: Callable[[str], None]
    ) -> TakeRecord:
        def tell(status: TakeStatus | TaskStatus) -> None:
            for sentence in status.notes:
                note(sentence)
            with suppress(Cancelled):  # whoever speaks hears of it by himself, and keeps what is spoken
                control.progress(status.stage, status.fraction)

        if isinstance(says, PerformOrder):
            return self.performances.perform(says, owner, tell, control).record
        assert not isinstance(says, GivenSound)
        return self.speech.speak(says, owner, tell, control)

    def times(self, sound: Sound, words: bool, phonemes: bool, control: Control) -> Times:
        """The times of words and of phonemes, as far as each is wanted; the notes say what there is.
        Raises Cancelled, EngineFailed, BadInput as reading does."""
        found = Times()
        if words:
            found = self._words(sound, found, control.between(0.0, 0.3))
        if phonemes:
            found = self._phonemes(sound, found, control.between(0.3, 1.0))
        return found

    def _words(self, sound: Sound, found: Times, control: Control) -> Times:
        told = self.takes.words(sound.take) if sound.take is not None else ()
        if told:
            return replace(found, words=told)
        timings = self.words.find(sound.path, sound.text, (), sound.language, control)
        notes = (timings.note,) if timings.note else ()
        return replace(found, words=timings.words, notes=(*found.notes, *notes))

    def _phonemes(self, sound: Sound, found: Times, control: Control) -> Times:
        told = self.takes.phonemes(sound.take) if sound.take is not None else ()
        if told:
            note = "Lips: by the times of the phonemes as they were spoken."
            return replace(found, phonemes=told, notes=(*found.notes, note))
        phonemes, note = self._aligned(sound, found.words, control)
        return replace(found, phonemes=phonemes, notes=(*found.notes, note))

    def _aligned(
        self, sound: Sound, words: tuple[WordTiming, ...], control: Control
    ) -> tuple[tuple[PhonemeTiming, ...], str]:
        """The phonemes, and the note on where they come from."""
        loudness = "Lips: by the loudness alone, which does not close them at each p, b and m: "
        text = sound.text or " ".join(word.text for word in words)
        if not text:
            return (), f"{loudness}what is said is not known. Give the text of the recording."
        if not language_of(text, sound.language).startswith(_ENGLISH):
            return (
                (),
                f"{loudness}the phonemes of other languages than English cannot be found in sound.",
            )
        stretches = self._stretches(sound, text, control.between(0.0, 0.5))
        found = self.phonemes.align(sound.path, stretches, control.between(0.5, 1.0))
        if found is None:
            return (), f"{loudness}the sound does not fit its text."
        note = "Lips: the sound was aligned with its text."
        if found.guessed_s:
            note += f" {found.guessed_s:.0f} s of it did not fit; there they follow the loudness."
        return found.phonemes, note

    def _stretches(self, sound: Sound, text: str, control: Control) -> tuple[WordTiming, ...]:
        if sound.take is None:
            return self.phonemes.stretches(sound.path, text, sound.seconds, control)
        sidecar = self.takes.sidecar(sound.take)
        if "stretches" in sidecar:
            return tuple(WordTiming(*each) for each in sidecar["stretches"])
        parts = sidecar.get("parts", ())  # of a performance
        return tuple(
            WordTiming(part["text"], part["start"], part["start"] + part["duration"]) for part in parts
        )


def _taken_in(given: GivenSound, target: Path, control: Control) -> Sound:
    """The recording as a mono WAV file, read in blocks. Raises BadInput, StorageFailed, Cancelled."""
    facts = reading.probe(given.audio)
    rate = min(facts.sample_rate, _MAX_RATE)
    loudest = 0.0
    with WavWriter(target, rate) as writer:
        for block in reading.blocks(given.audio, rate):
            fraction = min(writer.seconds / facts.duration, 1.0) if facts.duration else None
            control.progress("reading the sound", fraction)
            writer.append(block)
            loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
        seconds = writer.seconds
    notes = ("The recording is silent, so the mouth stays shut.",) if loudest <= _SILENT else ()
    return Sound(target, seconds, " ".join(given.text.split()), given.language, None, notes)
