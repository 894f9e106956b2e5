"""Every video that was kept: its row, its files, and the face that it was made from."""

from __future__ import annotations

import builtins
import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from studio.control import Control
from studio.db import Database
from studio.errors import NotFound
from studio.files import make_folder
from studio.names import inside
from studio.services import kept
from studio.services.avatar_values import VideoRecord
from studio.services.kept import Copy

#: The files of a video, by their endings.
VIDEO, SIDECAR, SUBTITLES = ".mp4", ".json", (".srt", ".vtt")

_MAX_NAME = 60  # characters


class VideoHistory:
    """The videos table and the files it names. Owners see only their own; thread-safe."""

    def __init__(
        self, database: Database, outputs: Path, faces: Path, copies: Sequence[Path] = ()
    ) -> None:
        """`faces` is where kept faces lie, `copies` where the page's copies of videos do."""
        self._database, self._outputs, self._faces = database, outputs, faces
        self._copies = tuple(copies)
        self._sweep()

    def take_in(self, face: Path, name: str, folder: Path, control: Control) -> Copy:
        """Copy a face into `folder`, reading it once, under its `name`, which errors tell. Raises BadInput,
        StorageFailed, Cancelled."""
        made = folder / "face" / _file_name(name)
        make_folder(made.parent)
        return kept.copied(face, made, "picture or video", control)

    def add(self, record: VideoRecord, face: Copy | None) -> None:
        """Keep a video whose files are written; the copy of its face is moved into the store."""
        values = {
            **{name: getattr(record, name) for name in _COLUMNS},
            "settings": json.dumps(dict(record.settings)),
            "notes": json.dumps(record.notes),
            "favourite": int(record.favourite),
        }
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        with self._database.transaction() as connection:
            connection.execute(f"INSERT INTO videos ({names}) VALUES ({marks})", values)  # noqa: S608
            if face is not None:
                kept.store(face, self._faces)

    def get(self, video_id: str, owner: str | None) -> VideoRecord:
        """The owner's video; anybody's where `owner` is None. Raises NotFound."""
        rows = self._database.query(
            "SELECT * FROM videos WHERE id = ? AND owner = COALESCE(?, owner)", (video_id, owner)
        )
        if not rows:
            raise NotFound("That video is not in the history.", "It may have been deleted.")
        return _record(rows[0])

    def list(
        self,
        owner: str,
        search: str = "",
        favourites: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> list[VideoRecord]:
        """The newest first. `search` looks in text, avatar and note, ignoring case."""
        where = "favourite" if favourites else "1"
        columns = ("text", "avatar", "note")
        rows = kept.found(self._database, "videos", columns, owner, search, limit, offset, where)
        return [_record(row) for row in rows]

    def older_than(self, moment: float) -> builtins.list[tuple[str, str]]:
        """Id and owner of everybody's videos from before `moment`, seconds since 1970, but favourites."""
        return kept.older_than(self._database, "videos", moment, "NOT favourite")

    def set_favourite(self, video_id: str, owner: str, favourite: bool) -> None:
        self._set(video_id, owner, "favourite", int(favourite))

    def set_note(self, video_id: str, owner: str, note: str) -> None:
        self._set(video_id, owner, "note", kept.clean_note(note))

    def delete(self, video_id: str, owner: str) -> None:
        """Remove the video, its files and every copy of them, and the face once no other video needs
        it: it is somebody's."""
        record = self.get(video_id, owner)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM videos WHERE id = ?", (video_id,))
            needed = connection.execute(
                "SELECT 1 FROM videos WHERE face = ? LIMIT 1", (record.face,)
            ).fetchone()
            if record.face and needed is None:
                inside(self._faces, record.face).unlink(missing_ok=True)
        # The row goes first: a crash between leaves a file without a row, never the reverse.
        path = inside(self._outputs, record.file)
        for ending in (VIDEO, SIDECAR, *SUBTITLES):
            path.with_suffix(ending).unlink(missing_ok=True)
        for folder in self._copies:
            for copy in list(folder.rglob(f"{path.stem}.*")):
                copy.unlink(missing_ok=True)

    def path(self, record: VideoRecord) -> Path:
        """The video's file. Raises NotFound when somebody has removed it by hand."""
        path = inside(self._outputs, record.file)
        if not path.exists():
            raise NotFound(f"The file {path.name} is gone.", "Make it again from its settings.")
        return path

    def face(self, record: VideoRecord) -> Path | None:
        """The studio's copy of the face; None for a built-in one. Raises NotFound when it is gone."""
        if not record.face:
            return None
        path = inside(self._faces, record.face)
        if not path.exists():
            raise NotFound("The face of that video is gone.", "Choose the picture or video again.")
        return path

    def pace(self, engine: str, model: str) -> float | None:
        """Seconds that lip sync and encoding of a million pixels take, by the last videos of this kind;
        None where there are none."""
        row = self._database.query(
            "SELECT SUM(drawing_seconds) AS seconds, SUM(duration * fps * width * height) AS pixels"
            " FROM (SELECT * FROM videos WHERE engine = ? AND model = ? ORDER BY created DESC LIMIT 10)",
            (engine, model),
        )[0]
        return row["seconds"] / row["pixels"] * 1e6 if row["pixels"] else None

    def _set(self, video_id: str, owner: str, column: str, value: str | int) -> None:
        self.get(video_id, owner)
        self._database.execute(f"UPDATE videos SET {column} = ? WHERE id = ?", (value, video_id))  # noqa: S608

    def _sweep(self) -> None:
        """Remove faces that a killed process left without a row."""
        known = {row["face"] for row in self._database.query("SELECT face FROM videos")}
        kept.sweep(self._faces, known)


def _file_name(name: str) -> str:
    """A file's name as people know it, as every disk takes it."""
    last = name.encode("utf-8", "replace").decode().replace("\\", "/").rpartition("/")[2]
    return re.sub(r'[\x00-\x1f:*?"<>|]', "_", last)[-_MAX_NAME:].strip(" .") or "face"


_COLUMNS = tuple(field.name for field in fields(VideoRecord))


def _record(row: sqlite3.Row) -> VideoRecord:
    values = {name: row[name] for name in _COLUMNS}
    values["settings"] = json.loads(values["settings"])
    values["notes"] = tuple(json.loads(values["notes"]))
    values["favourite"] = bool(values["favourite"])
    return VideoRecord(**values)
