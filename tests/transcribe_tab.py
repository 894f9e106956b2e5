"""A recording, and transcripts of it as a good recognizer would have written them."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import numpy as np
import soundfile

from engines.recognition import Segment, Word
from studio.control import Control
from studio.services.studio import Studio
from studio.services.transcripts import Transcript, TranscriptRecord
from tests.asking import ATTACK
from tests.spoken import saved, silence, spoken


def two_parts(folder: Path) -> Path:
    """A recording of two sentences with a long pause between them."""
    parts = [spoken(), silence(2.2), spoken("Please bring the tickets with you.")]
    return saved(folder / "Two parts.wav", np.concatenate(parts))


def segment(text: str, start: float, end: float, probability: float = 0.9) -> Segment:
    """A segment whose words divide its time evenly; the second word is the unsure one."""
    said = text.split()
    step = (end - start) / len(said)
    words = tuple(
        Word(word, start + n * step, start + (n + 1) * step, 0.2 if n == 1 else probability)
        for n, word in enumerate(said)
    )
    return Segment(text, start, end, words, probability, "en")


SEGMENTS = (
    segment("We will see you at the station this morning.", 0.1, 2.4),
    segment("Please bring <b>the</b> tickets with you.", 4.6, 6.0),
)


def kept(
    studio: Studio, recording: Path, owner: str, segments: tuple[Segment, ...], text: str | None = None
) -> TranscriptRecord:
    duration = soundfile.info(recording).duration
    transcript = Transcript(segments, "en", None, duration)
    raw = transcript.text
    record = TranscriptRecord(
        id=secrets.token_hex(16), created=time.time(), owner=owner, name=f"{ATTACK}.wav", recording="",
        engine="pocketsphinx", model="", task="transcribe", transcript=transcript, recognised=duration,
        seconds=1.0, status="done", settings={}, raw_text=raw, text=raw if text is None else text,
        file="", notes=(f"A note {ATTACK}",),
    )  # fmt: skip
    history = studio.transcripts.history
    copy = history.take_in(recording, studio.workspace.spool / record.id, Control())
    history.add(record, copy)
    return history.get(record.id, owner)


def texts(record: TranscriptRecord) -> list[str]:
    return [each.text for each in record.transcript.segments]
