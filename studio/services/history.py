"""Every take that was kept: list, replay, favourite, note, delete, export."""

from __future__ import annotations

import builtins
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.base import PhonemeTiming, WordTiming
from studio.db import Database
from studio.errors import Damaged, NotFound
from studio.files import publishing, read_json
from studio.names import inside
from studio.services import kept
from studio.services.phoneme_rows import unpacked
from studio.services.takes import TakeRecord


@dataclass(frozen=True)
class Estimate:
    """What a text will take, from this machine's own past runs; None where there are none."""

    audio_seconds: float
    seconds: float | None


#: Characters a second of speech at normal speed, until the history knows better.
_CHARS_PER_SECOND = 14.0


class History:
    """The takes table and the files it names. Owners see only their own."""

    def __init__(
        self, database: Database, outputs: Path, references: Path, copies: Sequence[Path] = ()
    ) -> None:
        """`references` is where kept recordings lie, `copies` where other formats and the page's
        copies of takes do."""
        self._database, self._outputs = database, outputs
        self._references, self._copies = references, tuple(copies)
        self._on_delete: list[Callable[[TakeRecord], None]] = []

    def add(self, record: TakeRecord) -> None:
        values = (
            record.id,
            record.created,
            record.owner,
            record.mode,
            record.engine,
            record.voice,
            record.language,
            record.text,
            json.dumps(record.settings),
            record.seed,
            record.duration,
            record.seconds,
            record.rtf,
            record.sample_rate,
            record.file,
            record.status,
            record.note,
        )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO takes (id, created, owner, mode, engine, voice, language, text, settings,"
                " seed, duration, seconds, rtf, sample_rate, file, status, note)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def get(self, take_id: str, owner: str | None) -> TakeRecord:
        """The owner's take; anybody's where `owner` is None. Raises NotFound."""
        rows = self._database.query(
            "SELECT * FROM takes WHERE id = ? AND owner = COALESCE(?, owner)", (take_id, owner)
        )
        if not rows:
            raise NotFound("That take is not in the history.", "It may have been deleted.")
        return _record(rows[0])

    def list(
        self,
        owner: str,
        search: str = "",
        favourites: bool = False,
        limit: int = 50,
        offset: int = 0,
        rejected: bool = False,
    ) -> list[TakeRecord]:
        """The newest first. `search` looks in text, voice and note, ignoring case. Parts that the
        guard rejected are left out unless `rejected` asks for them."""
        wanted = ["favourite"] if favourites else []
        wanted += [] if rejected else ["status != 'rejected'"]
        where, columns = " AND ".join(wanted) or "1", ("text", "voice", "note")
        rows = kept.found(self._database, "takes", columns, owner, search, limit, offset, where)
        return [_record(row) for row in rows]

    def older_than(self, moment: float) -> builtins.list[tuple[str, str]]:
        """Id and owner of everybody's takes from before `moment`, seconds since 1970, but favourites."""
        return kept.older_than(self._database, "takes", moment, "NOT favourite")

    def set_favourite(self, take_id: str, owner: str, favourite: bool) -> None:
        self._set(take_id, owner, "favourite", int(favourite))

    def set_note(self, take_id: str, owner: str, note: str) -> None:
        self._set(take_id, owner, "note", kept.clean_note(note))

    def made_by(
        self, owner: str, mode: str, setting: str, value: str, limit: int
    ) -> tuple[TakeRecord, ...]:
        """The newest takes of `mode` first; only those whose `setting` is `value`, where one is given."""
        rows = self._database.query(
            "SELECT * FROM takes WHERE owner = ? AND mode = ?"
            " AND (? = '' OR json_extract(settings, '$.' || ?) = ?)"
            " ORDER BY created DESC, rowid DESC LIMIT ?",
            (owner, mode, value, setting, value, limit),
        )
        return tuple(_record(row) for row in rows)

    def replace_sound(self, record: TakeRecord) -> None:
        """`record` has another file and length than before; the file that it had goes, with its
        copies. Raises NotFound where the take was deleted meanwhile."""
        before = self.get(record.id, record.owner)
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE takes SET file = ?, duration = ?, rtf = ? WHERE id = ?",
                (record.file, record.duration, record.rtf, record.id),
            ).rowcount
        if not changed:
            raise NotFound("That take is not in the history.", "It may have been deleted.")
        if before.file != record.file:
            self._remove(inside(self._outputs, before.file))

    def when_deleted(self, forget: Callable[[TakeRecord], None]) -> None:
        """Call `forget` with each take that is deleted, while its files are still there."""
        self._on_delete.append(forget)

    def delete(self, take_id: str, owner: str) -> None:
        """Remove the take, its files and every copy of them."""
        record = self.get(take_id, owner)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM takes WHERE id = ?", (take_id,))
        # The row goes first: a crash between leaves a file without a row, never the reverse.
        for forget in self._on_delete:
            forget(record)
        path = inside(self._outputs, record.file)
        self._remove(path)
        if path.parent.name == record.id:  # the take has a folder of its own
            for other in list(path.parent.glob("*.wav")):
                self._remove(other)
            shutil.rmtree(path.parent, ignore_errors=True)
        self._drop_reference(record)

    def _remove(self, path: Path) -> None:
        """Remove a sound with its sidecar and its copies."""
        copies = [copy for folder in self._copies for copy in folder.rglob(f"{path.stem}.*")]
        for leftover in (path, sidecar_path(path), *copies):
            leftover.unlink(missing_ok=True)

    def path(self, record: TakeRecord) -> Path:
        """The sound's file. Raises NotFound when somebody has removed it by hand."""
        path = inside(self._outputs, record.file)
        if not path.exists():
            raise NotFound(f"The file {path.name} is gone.", "Generate it again from its settings.")
        return path

    def words(self, record: TakeRecord) -> tuple[WordTiming, ...]:
        """When each word is spoken, seconds from the file's start; empty where it is not known."""
        return tuple(WordTiming(*word) for word in self.sidecar(record).get("words", ()))

    def phonemes(self, record: TakeRecord) -> tuple[PhonemeTiming, ...]:
        """When each phoneme is spoken, the same way. Raises Damaged."""
        try:
            return unpacked(str(self.sidecar(record).get("phonemes", "")))
        except ValueError as error:
            path = sidecar_path(self.path(record))
            raise Damaged(f"{path} is damaged: {error}.", "Speak the text again.") from error

    def sidecar(self, record: TakeRecord) -> Mapping[str, Any]:
        """What stands beside the sound of how it was made; empty where it was removed by hand."""
        path = sidecar_path(self.path(record))
        return read_json(path) if path.exists() else {}

    def export(self, take_ids: Sequence[str], owner: str, target: Path) -> Path:
        """Zip the takes' sounds and sidecars into `target`, whole or not at all."""
        paths = [self.path(self.get(take_id, owner)) for take_id in dict.fromkeys(take_ids)]
        with publishing(target) as partial, zipfile.ZipFile(partial, "w") as archive:
            for path in paths:
                archive.write(path, path.name, compress_type=zipfile.ZIP_STORED)
                sidecar = sidecar_path(path)
                if sidecar.exists():
                    archive.write(sidecar, sidecar.name, compress_type=zipfile.ZIP_DEFLATED)
        return target

    def made_from(self, voice: str, owner: str) -> int:
        """How many of the owner's takes speak like the saved voice with this id."""
        [row] = self._database.query(
            "SELECT COUNT(*) FROM takes WHERE owner = ? AND status != 'rejected'"
            " AND json_extract(settings, '$.reference.voice') = ?",
            (owner, voice),
        )
        return int(row[0])

    def estimate(
        self, mode: str, engine: str, characters: int, speed: float, model: str = ""
    ) -> Estimate:
        """How long the sound and the work will be, from the last 20 takes of this kind; of `model`
        alone where one is named."""
        [(chars, audio, seconds)] = self._database.query(
            "SELECT SUM(LENGTH(text)), SUM(duration), SUM(seconds) FROM (SELECT * FROM takes"
            " WHERE mode = :mode AND engine = :engine AND status = 'done'"
            " AND (:model = '' OR json_extract(settings, '$.model') = :model)"
            " ORDER BY created DESC LIMIT 20)",
            {"mode": mode, "engine": engine, "model": model},
        )
        if not chars:
            return Estimate(characters / _CHARS_PER_SECOND / speed, None)
        return Estimate(audio * characters / chars, seconds * characters / chars)

    def _drop_reference(self, record: TakeRecord) -> None:
        """Remove the recordings that `record` was made from once no other take needs them: they are
        somebody's voice."""
        reference = record.settings.get("reference")
        if not isinstance(reference, dict):
            return
        for each in (reference, *reference.get("more", ())):
            recording = Path(each["audio"])
            needed = self._database.query(
                "SELECT 1 FROM takes WHERE instr(settings, ?) LIMIT 1", (recording.name,)
            )
            if not needed and recording.parent == self._references:
                recording.unlink(missing_ok=True)

    def _set(self, take_id: str, owner: str, column: str, value: Any) -> None:
        self.get(take_id, owner)
        with self._database.transaction() as connection:
            connection.execute(f"UPDATE takes SET {column} = ? WHERE id = ?", (value, take_id))  # noqa: S608


def sidecar_path(path: Path) -> Path:
    """The .json that says how the sound at `path` was made."""
    return path.with_suffix(".json")


def _record(row: sqlite3.Row) -> TakeRecord:
    fields = {key: row[key] for key in row.keys() if key != "rtf"}  # noqa: SIM118
    fields["settings"] = json.loads(fields["settings"])
    fields["favourite"] = bool(fields["favourite"])
    return TakeRecord(**fields)
