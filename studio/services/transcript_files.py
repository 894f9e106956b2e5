"""What a transcript is given away as: text and subtitle files, and stretches of its recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.audio import reading
from studio.audio.wav import pcm16, wav_header
from studio.errors import BadInput, unknown
from studio.names import readable
from studio.services.transcripts import TranscriptRecord
from studio.text.transcripts import as_json, as_srt, as_tsv, as_vtt

#: The longest stretch that is given away at once, seconds: it is made in memory.
MAX_STRETCH_S = 600.0


@dataclass(frozen=True)
class TextFormat:
    """A kind of text file."""

    ending: str  # of the file's name
    mime: str
    write: Callable[[TranscriptRecord], str]


def _json(record: TranscriptRecord) -> str:
    transcript = record.transcript
    about = {
        "name": record.name,
        "engine": record.engine,
        "model": record.model,
        "task": record.task,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "duration": round(transcript.duration, 3),
        "edited_text": record.text,
        "raw_text": record.raw_text,
    }
    return as_json(transcript.segments, about)


#: By the name that routes and links use.
FORMATS: Mapping[str, TextFormat] = {
    "txt": TextFormat(".txt", "text/plain", lambda record: f"{record.text}\n"),
    "raw": TextFormat("_raw.txt", "text/plain", lambda record: f"{record.raw_text}\n"),
    "srt": TextFormat(".srt", "application/x-subrip", lambda record: as_srt(record.transcript.segments)),
    "vtt": TextFormat(".vtt", "text/vtt", lambda record: as_vtt(record.transcript.segments)),
    "tsv": TextFormat(
        ".tsv", "text/tab-separated-values", lambda record: as_tsv(record.transcript.segments)
    ),
    "json": TextFormat(".json", "application/json", _json),
}


def format_named(name: str) -> TextFormat:
    """Raises NotFound listing the valid names."""
    if name not in FORMATS:
        raise unknown("format of transcripts", name, FORMATS)
    return FORMATS[name]


def file_name(record: TranscriptRecord, ending: str) -> str:
    """A name for people, in plain ASCII: that of the recording."""
    return f"{readable(Path(record.name).stem)}{ending}"


def stretch_wav(recording: Path, start: float = 0.0, end: float | None = None) -> bytes:
    """The sound of `recording` from `start` to `end` seconds (None: its end) as a WAV file: 16 bits,
    mono. Raises BadInput for what is outside it, longer than MAX_STRETCH_S, or not a number."""
    if not math.isfinite(start) or (end is not None and not math.isfinite(end)):
        raise BadInput("Start and end have to be numbers.", "Give them in seconds.")
    last = reading.probe(recording).duration if end is None else end
    if last - start > MAX_STRETCH_S:
        raise BadInput(
            f"That stretch lasts {last - start:.0f} s.", f"Choose at most {MAX_STRETCH_S:.0f} s."
        )
    audio = reading.read(recording, start=start, end=end)
    sound = pcm16(audio.samples).tobytes()
    return wav_header(audio.sample_rate, len(sound)) + sound
