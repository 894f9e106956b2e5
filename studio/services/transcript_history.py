"""Every transcript that was kept: its row, its files, and the recording it was made from."""

from __future__ import annotations

import builtins
import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engines.recognition import Segment, Word
from studio import __version__
from studio.control import Control
from studio.db import Database
from studio.errors import BadInput, NotFound
from studio.files import storage_errors, write_bytes
from studio.names import inside
from studio.services import kept
from studio.services.kept import Copy
from studio.services.transcripts import Transcript, TranscriptRecord
from studio.text.transcripts import as_json, to_dict

MAX_TEXT = 2_000_000  # characters of a whole transcript

#: The endings of a transcript's files.
RAW, TEXT, JSON = "_raw.txt", ".txt", ".json"


class TranscriptHistory:
    """The transcripts table and the files it names. Owners see only their own; thread-safe."""

    def __init__(self, database: Database, outputs: Path, recordings: Path) -> None:
        self._database, self._outputs, self._recordings = database, outputs, recordings
        self._naming = threading.Lock()
        self._sweep()

    def take_in(self, audio: Path, copy: Path, control: Control) -> Copy:
        """Copy the recording to `copy`, reading it once; raises BadInput, StorageFailed, Cancelled."""
        return kept.copied(audio, copy, "recording", control)

    def add(self, record: TranscriptRecord, copy: Copy) -> TranscriptRecord:
        """Keep a transcript: its files are written, the copy of its recording is moved into the store,
        then comes the row. Returns the record with the names of its files."""
        record = replace(record, recording=copy.name, file=self._stem(record.created))
        write_bytes(self._outputs / f"{record.file}{RAW}", _line(record.raw_text))
        self._write(record)
        values = {
            **{name: getattr(record, name) for name in _PLAIN_COLUMNS},
            "language": record.transcript.language,
            "language_probability": record.transcript.language_probability,
            "duration": record.transcript.duration,
            "settings": json.dumps(dict(record.settings)),
            "segments": _packed(record.transcript.segments),
            "notes": json.dumps(record.notes),
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self._database.transaction() as connection:
            connection.execute(f"INSERT INTO transcripts ({names}) VALUES ({marks})", values)  # noqa: S608
            kept.store(copy, self._recordings)
        return record

    def get(self, transcript_id: str, owner: str | None) -> TranscriptRecord:
        """The owner's transcript; anybody's where `owner` is None. Raises NotFound."""
        rows = self._database.query(
            "SELECT * FROM transcripts WHERE id = ? AND owner = COALESCE(?, owner)",
            (transcript_id, owner),
        )
        if not rows:
            raise NotFound("That transcript is not in the history.", "It may have been deleted.")
        return _record(rows[0])

    def list(
        self, owner: str, search: str = "", limit: int = 50, offset: int = 0
    ) -> list[TranscriptRecord]:
        """The newest first. `search` looks in text, name and note, ignoring case."""
        columns = ("text", "name", "note")
        rows = kept.found(self._database, "transcripts", columns, owner, search, limit, offset)
        return [_record(row) for row in rows]

    def older_than(self, moment: float) -> builtins.list[tuple[str, str]]:
        """Id and owner of everybody's transcripts from before `moment`, seconds since 1970."""
        return kept.older_than(self._database, "transcripts", moment)

    def update(
        self, transcript_id: str, owner: str, segments: Sequence[Segment], text: str | None = None
    ) -> TranscriptRecord:
        """Replace the segments, as edited, and the text: by `text`, else by what the segments say.
        The raw text stays. Rewrites the .txt and the .json. Raises NotFound, BadInput."""
        record = self.get(transcript_id, owner)
        transcript = replace(record.transcript, segments=tuple(segments))
        said = transcript.text if text is None else text.encode("utf-8", "ignore").decode()
        if len(said) > MAX_TEXT:
            raise BadInput("The text is too long.", f"Keep it below {MAX_TEXT:,} characters.")
        record = replace(record, transcript=transcript, text=said)
        self._write(record)
        self._database.execute(
            "UPDATE transcripts SET segments = ?, text = ? WHERE id = ?",
            (_packed(segments), said, transcript_id),
        )
        return record

    def set_note(self, transcript_id: str, owner: str, note: str) -> None:
        self.get(transcript_id, owner)
        self._database.execute(
            "UPDATE transcripts SET note = ? WHERE id = ?", (kept.clean_note(note), transcript_id)
        )

    def delete(self, transcript_id: str, owner: str) -> None:
        """Remove the transcript, its files, and the recording once no other transcript needs it."""
        record = self.get(transcript_id, owner)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM transcripts WHERE id = ?", (transcript_id,))
            needed = connection.execute(
                "SELECT 1 FROM transcripts WHERE recording = ? LIMIT 1", (record.recording,)
            ).fetchone()
            if needed is None:
                inside(self._recordings, record.recording).unlink(missing_ok=True)
        for ending in (RAW, TEXT, JSON):
            inside(self._outputs, f"{record.file}{ending}").unlink(missing_ok=True)

    def path(self, record: TranscriptRecord, ending: str = TEXT) -> Path:
        """One of the transcript's files: RAW, TEXT or JSON. Raises NotFound when it was removed."""
        return _there(inside(self._outputs, f"{record.file}{ending}"))

    def recording(self, record: TranscriptRecord) -> Path:
        """The studio's copy of the recording. Raises NotFound when somebody has removed it."""
        return _there(inside(self._recordings, record.recording))

    def _write(self, record: TranscriptRecord) -> None:
        about = {
            "made_with": f"Timbre {__version__}",
            **{name: value for name, value in asdict(record).items() if name != "transcript"},
            "language": record.transcript.language,
            "language_probability": record.transcript.language_probability,
            "duration": record.transcript.duration,
            "edited_text": record.text,
        }
        write_bytes(self._outputs / f"{record.file}{TEXT}", _line(record.text))
        content = as_json(record.transcript.segments, about)
        write_bytes(self._outputs / f"{record.file}{JSON}", content.encode("utf-8", "surrogatepass"))

    def _stem(self, created: float) -> str:
        """stt_<timestamp>, with a number where two ended in one second; taken at once."""
        stamp = datetime.fromtimestamp(created).strftime("stt_%Y%m%d-%H%M%S")
        with self._naming:
            for number in range(1, 10_000):
                stem = stamp if number == 1 else f"{stamp}-{number}"
                try:
                    with storage_errors(self._outputs):
                        (self._outputs / f"{stem}{RAW}").open("x").close()
                except FileExistsError:
                    continue
                return stem
        raise AssertionError("ten thousand transcripts ended in one second")

    def _sweep(self) -> None:
        """Remove recordings that a killed process left without a row."""
        known = {row["recording"] for row in self._database.query("SELECT recording FROM transcripts")}
        kept.sweep(self._recordings, known)


_PLAIN_COLUMNS = (
    *("id", "created", "owner", "name", "recording", "engine", "model", "task", "recognised"),
    *("seconds", "status", "raw_text", "text", "file", "note"),
)


def _packed(segments: Sequence[Segment]) -> str:
    return json.dumps([to_dict(segment) for segment in segments], ensure_ascii=False)


def _record(row: sqlite3.Row) -> TranscriptRecord:
    segments = tuple(
        Segment(**{**segment, "words": tuple(Word(**word) for word in segment["words"])})
        for segment in json.loads(row["segments"])
    )
    transcript = Transcript(segments, row["language"], row["language_probability"], row["duration"])
    plain: dict[str, Any] = {name: row[name] for name in _PLAIN_COLUMNS}
    return TranscriptRecord(
        **plain,
        transcript=transcript,
        settings=json.loads(row["settings"]),
        notes=tuple(json.loads(row["notes"])),
    )


def _there(path: Path) -> Path:
    if not path.exists():
        raise NotFound(f"The file {path.name} is gone.", "Transcribe the recording again.")
    return path


def _line(text: str) -> bytes:
    return (text + "\n" if text else "").encode("utf-8", "ignore")
