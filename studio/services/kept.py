"""What the histories have in common: searching rows, what people note, and files that are kept by content."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.audio.opening import open_file
from studio.control import Control
from studio.db import Database, folded
from studio.files import storage_errors

MAX_NOTE = 2_000  # characters

#: A file that no row names is a killed process's after this time, seconds.
_ORPHAN_S = 3600
_MAX_SUFFIX = 6
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Copy:
    """A copy of somebody's file on its way into a store, and the name it gets there."""

    path: Path
    name: str  # its content's hash, and the ending that it came with


def copied(source: Path, target: Path, kind: str, control: Control) -> Copy:
    """Copy `source` to `target`, reading it once; messages call it a `kind`. Raises BadInput,
    StorageFailed, Cancelled."""
    digest = hashlib.sha256()
    with open_file(source, kind) as given, storage_errors(target), target.open("wb") as made:
        while block := given.read(_BLOCK):
            control.check()
            digest.update(block)
            made.write(block)
    suffix = source.suffix.lower()
    plain = suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= _MAX_SUFFIX
    return Copy(target, f"{digest.hexdigest()[:32]}{suffix if plain else ''}")


def store(copy: Copy, folder: Path) -> None:
    """Move `copy` into `folder`. Belongs into the transaction that adds its row, so that the end of another
    row, which looks for others in its own, does not take the file away. Raises StorageFailed."""
    kept = folder / copy.name
    with storage_errors(kept):
        copy.path.touch()  # so that no sweep takes it for a leftover
        copy.path.replace(kept)


def sweep(folder: Path, known: Collection[str]) -> None:
    """Remove what a killed process left in `folder` without a row: it is somebody's voice or face."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in known and time.time() - path.stat().st_mtime > _ORPHAN_S:
            path.unlink(missing_ok=True)


def found(
    database: Database,
    table: str,
    columns: Sequence[str],
    owner: str,
    search: str,
    limit: int,
    offset: int,
    where: str = "1",
) -> list[sqlite3.Row]:
    """The owner's rows that fulfil `where` (SQL of ours), the newest first; only those with `search` in one
    of `columns`, ignoring case, where it is not empty."""
    within = " OR ".join(f"instr(folded({column}), :search)" for column in columns)
    return database.query(
        f"SELECT * FROM {table} WHERE owner = :owner AND {where} AND (:search = '' OR {within})"  # noqa: S608
        " ORDER BY created DESC, rowid DESC LIMIT :limit OFFSET :offset",
        {"owner": owner, "search": folded(_text(search)), "limit": limit, "offset": offset},
    )


def older_than(database: Database, table: str, moment: float, where: str = "1") -> list[tuple[str, str]]:
    """Id and owner of everybody's rows from before `moment`, seconds since 1970, that fulfil `where` (SQL of
    ours)."""
    rows = database.query(
        f"SELECT id, owner FROM {table} WHERE created < ? AND {where} ORDER BY created",  # noqa: S608
        (moment,),
    )
    return [(row["id"], row["owner"]) for row in rows]


def clean_note(note: str) -> str:
    """`note` as it is kept: of bounded length, without what SQLite refuses."""
    return _text(note).strip()[:MAX_NOTE]


def _text(given: str) -> str:
    """`given` without the lone surrogates that JSON can carry and SQLite refuses."""
    return given.encode("utf-8", "ignore").decode()
