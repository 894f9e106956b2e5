"""Every transcript that was kept: its row, its files, and the recording it was made from."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engines.recognition import Segment, Word
from studio import __version__
from studio.audio.opening import open_file
from studio.control import Control
from studio.db import Database
from studio.errors import BadInput, NotFound
from studio.files import storage_errors, write_bytes
from studio.names import inside
from studio.services.transcripts import Transcript, TranscriptRecord
from studio.text.transcripts import as_json, to_dict

MAX_NOTE = 2_000
MAX_TEXT = 2_000_000  # characters of a whole transcript

#: The endings of a transcript's files.
RAW, TEXT, JSON = "_raw.txt", ".txt", ".json"

#: A recording that no transcript names is a killed process's after this time, seconds.
_ORPHAN_S = 3600
_MAX_SUFFIX = 6
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Copy:
    """A copy of a recording on its way into the store, and the name it gets there."""

    path: Path
    name: str  # its content's hash, and the ending that it came with


class TranscriptHistory:
    """The transcripts table and the files it names. Owners see only their own; thread-safe."""

    def __init__(self, database: Database, outputs: Path, recordings: Path) -> None:
        self._database, self._outputs, self._recordings = database, outputs, recordings
        self._naming = threading.Lock()
        self._sweep()

    def take_in(self, audio: Path, copy: Path, control: Control) -> Copy:
        """Copy the recording to `copy`, reading it once; raises BadInput, StorageFailed, Cancelled."""
        digest = hashlib.sha256()
        with open_file(audio) as source, storage_errors(copy), copy.open("wb") as target:
            while block := source.read(_BLOCK):
                control.check()
                digest.update(block)
                target.write(block)
        suffix = audio.suffix.lower()
        plain = suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= _MAX_SUFFIX
        return Copy(copy, f"{digest.hexdigest()[:32]}{suffix if plain else ''}")

    def add(self, record: TranscriptRecord, copy: Copy) -> TranscriptRecord:
        """Keep a transcript: its files are written, the copy of its recording is moved into the store,
        then comes the row. Returns the record with the names of its files."""
        record = replace(record, recording=copy.name, file=self._stem(record.created))
        write_bytes(self._outputs / f"{record.file}{RAW}", _line(record.raw_text))
        self._write(record)
        kept = self._recordings / copy.name
        with storage_errors(kept):
            copy.path.touch()  # so that no sweep takes it for a leftover
            copy.path.replace(kept)
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
        with self._database.transaction() as connection:
            # SQLite's own LIKE ignores the case of English letters only.
            connection.create_function("folded", 1, _folded, deterministic=True)
            rows = connection.execute(
                "SELECT * FROM transcripts WHERE owner = :owner AND (:search = ''"
                " OR instr(folded(text), :search) OR instr(folded(name), :search)"
                " OR instr(folded(note), :search))"
                " ORDER BY created DESC, rowid DESC LIMIT :limit OFFSET :offset",
                {"owner": owner, "search": _folded(search), "limit": limit, "offset": offset},
            ).fetchall()
        return [_record(row) for row in rows]

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
        clean = note.encode("utf-8", "ignore").decode().strip()[:MAX_NOTE]
        self._database.execute("UPDATE transcripts SET note = ? WHERE id = ?", (clean, transcript_id))

    def delete(self, transcript_id: str, owner: str) -> None:
        """Remove the transcript, its files, and the recording once no other transcript needs it."""
        record = self.get(transcript_id, owner)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM transcripts WHERE id = ?", (transcript_id,))
            needed = connection.execute(
                "SELECT 1 FROM transcripts WHERE recording = ? LIMIT 1", (record.recording,)
            ).fetchone()
        for ending in (RAW, TEXT, JSON):
            inside(self._outputs, f"{record.file}{ending}").unlink(missing_ok=True)
        if needed is None:
            inside(self._recordings, record.recording).unlink(missing_ok=True)

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
        """Remove recordings that a killed process left without a row: they are somebody's voice."""
        known = {row["recording"] for row in self._database.query("SELECT recording FROM transcripts")}
        for path in self._recordings.iterdir() if self._recordings.is_dir() else ():
            if path.name not in known and time.time() - path.stat().st_mtime > _ORPHAN_S:
                path.unlink(missing_ok=True)


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


def _folded(text: str) -> str:
    return text.encode("utf-8", "ignore").decode().casefold()
