"""The studio's one database: history, presets and jobs, in SQLite.

Several threads and processes use it at once: the server, each job's worker, the command line.
Write-ahead logging lets them read while one writes; writers wait for each other for BUSY_S.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import unicodedata
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from studio.errors import Busy, Damaged, StorageFailed, StudioError
from studio.files import make_folder, storage_errors
from studio.migrations import MIGRATIONS

log = logging.getLogger(__name__)

#: How long a writer waits for another one, in seconds.
BUSY_S = 15.0

#: Beginnings of SQLite's messages; Python 3.10 does not show its error codes.
_STORAGE = (
    "attempt to write a readonly database",
    "unable to open database file",
    "disk I/O error",
)
_DAMAGE = ("file is not a database", "database disk image is malformed", "malformed database schema")
_LOCKED = ("database is locked", "database table is locked", "locking protocol")


class Database:
    """One database file; safe to share between threads, each of which gets its own connection.

    A damaged file is set aside beside the new one, never deleted, and `notices` says so. A worker
    opens with `set_aside=False`: it must not replace the database under a running server.

    Raises StorageFailed (full or forbidden disk), Damaged (made by a newer Timbre, or damaged and
    not to be set aside) and Busy (another process holds it for too long).
    """

    def __init__(self, path: Path, set_aside: bool = True) -> None:
        self.path = path
        self.notices: tuple[str, ...] = ()
        self._local = threading.local()
        self._connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        try:
            make_folder(path.parent)
            # One process at a time makes, migrates or sets aside; none throws away a database that
            # another one has just made.
            with storage_errors(path), FileLock(f"{path}.lock", timeout=2 * BUSY_S):
                self._open(set_aside)
        except Timeout as error:
            raise Busy(f"{path.name} is being opened by another process.", "Try again.") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one write transaction: all of the block is kept, or nothing.

        The lock to write is taken at once, so that what the block reads stays true until it
        writes. A block within a block belongs to the outer one.
        """
        with self._speaking():
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have rolled back already
                    connection.execute("ROLLBACK")
                raise

    def query(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """The rows that `sql` selects, read outside any transaction of this thread's own."""
        with self._speaking():
            return self._connection().execute(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction; returns how many rows it changed."""
        with self.transaction() as connection:
            return connection.execute(sql, values).rowcount

    def close(self) -> None:
        """Close every thread's connection; using the database again opens new ones."""
        for connection in list(self._connections):
            connection.close()
        self._local = threading.local()

    def _open(self, set_aside: bool) -> None:
        try:
            with self._speaking():
                self._check_and_migrate()
        except Damaged as error:
            if not set_aside or isinstance(error, _FromTheFuture):
                self.close()
                raise
            self._set_aside(str(error.__cause__ or error))
            with self._speaking():
                self._check_and_migrate()

    def _check_and_migrate(self) -> None:
        connection = self._connection()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise _FromTheFuture(
                f"{self.path} was made by a newer Timbre (its version is {version}, "
                f"this one knows {len(MIGRATIONS)}).",
                "Update Timbre, or choose another folder with --home.",
            )
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise Damaged(f"{self.path} is damaged: {found}")
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            log.warning("no write-ahead log on this file system; readers will wait for writers")
        with self.transaction() as write:
            for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
                for statement in statements:
                    write.execute(statement)
                write.execute(f"PRAGMA user_version = {number:d}")

    def _set_aside(self, why: str) -> None:
        self.close()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        count = 1
        while aside.exists():
            count += 1
            aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}-{count}")
        self.path.rename(aside)
        # The log of the damaged database must not be replayed into the new one.
        for suffix in ("-wal", "-shm"):
            companion = self.path.with_name(self.path.name + suffix)
            if companion.exists():
                companion.rename(aside.with_name(aside.name + suffix))
        notice = (
            f"The history was damaged ({why}). It was set aside as {aside.name} and a new, "
            "empty one was begun. Sound files are untouched."
        )
        log.warning(notice)
        self.notices += (notice,)

    def _connection(self) -> sqlite3.Connection:
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_S,
                isolation_level=None,  # we say BEGIN ourselves
                check_same_thread=False,  # only so that close() may come from any thread
                factory=_Connection,
            )
            connection.row_factory = sqlite3.Row
            connection.create_function("folded", 1, folded, deterministic=True)
            connection.execute("PRAGMA foreign_keys = ON")
            # With a write-ahead log NORMAL cannot damage the file; a power cut may lose the last
            # moment, which for a history and progress is worth not waiting for the disk.
            connection.execute("PRAGMA synchronous = NORMAL")
            held = self._local.held = _Held(connection)
            self._connections.add(connection)
        return held.connection

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turn SQLite's errors that people can do something about into ours."""
        try:
            yield
        except sqlite3.Error as error:
            ours = _translated(error, self.path)
            if ours is None:
                raise
            raise ours from error


def folded(text: str) -> str:
    """`text` for comparing: of any case and composition; in SQL as well, whose own LIKE ignores the case of
    English letters only."""
    return unicodedata.normalize("NFC", text).casefold()


class _Connection(sqlite3.Connection):
    """A connection that weak references can point to."""


class _Held:
    """A thread's connection, closed when the thread ends. Left to itself it would stay open until the garbage
    collector comes by, since a connection and its cache of statements refer to each other."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class _FromTheFuture(Damaged):
    """Healthy, but not for us: must never be set aside."""


def _translated(error: sqlite3.Error, path: Path) -> StudioError | None:
    text = str(error)
    if text.startswith("database or disk is full"):
        return StorageFailed(
            f"The disk is full: {path.name} could not be saved.",
            f"Free some space on the disk that holds {path.parent}, then try again.",
        )
    if text.startswith(_STORAGE):
        return StorageFailed(
            f"{path} cannot be written ({text}).",
            "Check the disk and that you may write there, or choose another folder with --home.",
        )
    if text.startswith(_DAMAGE):
        return Damaged(
            f"{path} is damaged ({text}).", "Start Timbre again: it sets the damaged file aside."
        )
    if text.startswith(_LOCKED):
        return Busy(f"{path.name} was in use for over {BUSY_S:.0f} seconds.", "Try again in a moment.")
    return None
