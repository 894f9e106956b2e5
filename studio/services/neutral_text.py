"""What is said in a recording that a personality is built from: its words, their times, the language."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engines.base import WordTiming
from engines.recognition import AUTO_LANGUAGE
from studio.control import Control
from studio.errors import ModelMissing, NotFound
from studio.services.heard import Source, WordFinder
from studio.services.transcribing import TranscriptService
from studio.services.transcripts import TranscribeOrder
from studio.text.language import detect
from studio.text.transcripts import plain


@dataclass(frozen=True)
class Said:
    """What is said in a recording."""

    text: str  # "" where that could not be told
    words: tuple[WordTiming, ...]  # s; empty where their times are not known for sure
    language: str  # BCP 47
    notes: tuple[str, ...] = ()  # what the person should know


class NeutralText:
    """Thread-safe. Who calls it must hold no lease of an engine."""

    def __init__(
        self, transcripts: TranscriptService, finder: WordFinder, default_language: str
    ) -> None:
        self._transcripts, self._finder = transcripts, finder
        self._default_language = default_language

    def find(
        self, recording: Path, text: str, language: str, among: Collection[str], control: Control
    ) -> Said:
        """What is said in `recording`: `text` where that is given, else as a recognizer hears it.
        Where `language` is "" it is told from the text, as one of `among`.

        Raises Cancelled, EngineFailed, and BadInput as reading does.
        """
        notes: tuple[str, ...] = ()
        if not text:
            text, heard_in, notes = self._heard(recording, language, control)
            language = language or heard_in
        if not language:
            language = self._default_language
            if text:
                guess = detect(text, among, self._default_language)
                language = guess.code
                notes += (f"Language: {guess.code} ({guess.reason})",)
        if not text:
            return Said("", (), language, notes)
        timings = self._finder.find(recording, text, (), language, control)
        certain = timings.source in (Source.GIVEN, Source.ALIGNED, Source.RECOGNISED)
        return Said(text, timings.words if certain else (), language, notes)

    def _heard(
        self, recording: Path, language: str, control: Control
    ) -> tuple[str, str, tuple[str, ...]]:
        """The text, its language where the recognizer told it, and notes."""
        order = TranscribeOrder(recording, language=language or AUTO_LANGUAGE, words=False)
        try:
            plan = self._transcripts.plan(order)
        except (ModelMissing, NotFound) as error:
            return "", "", (f"The recording has no transcript. {error}",)
        segments = self._transcripts.hear(plan, control)
        text = plain(segments)
        notes: tuple[str, ...] = (f"Transcribed by {plan.choice.reason}",)
        if not text:
            return "", "", (*notes, "No speech was recognised, so the recording has no transcript.")
        if plan.choice.info.draft:
            notes += ("The transcript is a draft: read it, and correct it where it is wrong.",)
            return text, "", notes
        return text, segments[0].language, notes
