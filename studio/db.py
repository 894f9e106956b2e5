"""The studio's one database: history, presets and jobs, in SQLite.

Several threads and processes use it at once: the server, each job's worker, the command line.
Write-ahead logging lets them read while one writes; writers wait for each other for BUSY_S.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from studio.errors import Busy, Damaged, StorageFailed, StudioError
from studio.files import make_folder, storage_errors

log = logging.getLogger(__name__)

#: How long a writer waits for another one, in seconds.
BUSY_S = 15.0

#: Each entry brings the database from the version of its place to the next one. Append only: the
#: databases of people who have run an entry never see a change to it.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE takes (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,             -- seconds since 1970
            owner TEXT NOT NULL DEFAULT '',
            mode TEXT,
            engine TEXT,
            voice TEXT,
            language TEXT,
            text TEXT,
            settings TEXT,                     -- JSON
            seed INTEGER,
            duration REAL,                     -- of the sound, seconds
            seconds REAL,                      -- it took to make
            rtf REAL,                          -- seconds / duration
            sample_rate INTEGER,               -- Hz
            file TEXT,                         -- name below outputs
            status TEXT,
            note TEXT NOT NULL DEFAULT '',
            favourite INTEGER NOT NULL DEFAULT 0
        )
        """,
        "CREATE INDEX takes_by_owner ON takes (owner, created)",
        """
        CREATE TABLE presets (
            owner TEXT NOT NULL,
            mode TEXT NOT NULL,
            name TEXT NOT NULL,
            settings TEXT NOT NULL,            -- JSON
            PRIMARY KEY (owner, mode, name)
        )
        """,
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,                -- for the page: training, download, ...
            target TEXT NOT NULL,              -- "module:function"
            params TEXT NOT NULL,              -- JSON
            title TEXT NOT NULL,
            owner TEXT NOT NULL DEFAULT '',
            slot TEXT NOT NULL DEFAULT '',     -- jobs of one slot run one after another
            status TEXT NOT NULL,
            attempt INTEGER NOT NULL DEFAULT 0, -- counts starts; a worker of an older one is fenced off
            cancel INTEGER NOT NULL DEFAULT 0, -- someone has asked to stop
            stage TEXT NOT NULL DEFAULT '',
            step INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,  -- 0: not known
            base_step INTEGER NOT NULL DEFAULT 0, -- first step of this stage and attempt ...
            base_time REAL,                    -- ... and when it was reported
            message TEXT NOT NULL DEFAULT '',
            hint TEXT NOT NULL DEFAULT '',
            error_id TEXT NOT NULL DEFAULT '', -- finds the traceback in the log
            result TEXT,                       -- JSON
            created REAL NOT NULL,             -- all times: seconds since 1970
            started REAL,
            finished REAL,
            heartbeat REAL,
            pid INTEGER,
            pid_created REAL,                  -- with the pid it names one process for ever
            log TEXT NOT NULL DEFAULT ''       -- path below the home
        )
        """,
        "CREATE INDEX jobs_by_status ON jobs (status, created)",
    ),
    (
        """
        CREATE TABLE consents (
            model TEXT PRIMARY KEY,            -- key in studio.models.registry
            text TEXT NOT NULL,                -- what was accepted, word for word
            accepted REAL NOT NULL             -- seconds since 1970
        )
        """,
    ),
    (
        """
        CREATE TABLE transcripts (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,             -- seconds since 1970
            owner TEXT NOT NULL DEFAULT '',
            name TEXT NOT NULL,                -- of the recording, as the person knows it
            recording TEXT NOT NULL,           -- the copy, a name below recordings
            engine TEXT NOT NULL,
            model TEXT NOT NULL DEFAULT '',    -- key in studio.models.registry
            task TEXT NOT NULL,
            language TEXT NOT NULL,
            language_probability REAL,
            duration REAL NOT NULL,            -- of the recording, seconds
            recognised REAL NOT NULL,          -- up to here, seconds
            seconds REAL NOT NULL,             -- it took
            status TEXT NOT NULL,
            settings TEXT NOT NULL,            -- JSON, what was asked for
            segments TEXT NOT NULL,            -- JSON
            raw_text TEXT NOT NULL,            -- as recognised
            text TEXT NOT NULL,                -- processed and edited
            file TEXT NOT NULL,                -- stem below outputs
            notes TEXT NOT NULL DEFAULT '[]',  -- JSON, what the person should know
            note TEXT NOT NULL DEFAULT ''      -- the person's own
        )
        """,
        "CREATE INDEX transcripts_by_owner ON transcripts (owner, created)",
    ),
    (
        """
        CREATE TABLE lexicon (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL,                 -- the word, in lower case where its case does not count
            word TEXT NOT NULL,
            language TEXT NOT NULL DEFAULT '', -- BCP 47; '': all
            respelling TEXT NOT NULL DEFAULT '',
            ipa TEXT NOT NULL DEFAULT '',
            case_sensitive INTEGER NOT NULL DEFAULT 0,
            note TEXT NOT NULL DEFAULT '',
            UNIQUE (key, language, case_sensitive)
        )
        """,
    ),
)

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

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
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
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_S,
                isolation_level=None,  # we say BEGIN ourselves
                check_same_thread=False,  # only so that close() may come from any thread
                factory=_Connection,
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            # With a write-ahead log NORMAL cannot damage the file; a power cut may lose the last
            # moment, which for a history and progress is worth not waiting for the disk.
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
            self._connections.add(connection)
        return connection

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


class _Connection(sqlite3.Connection):
    """A connection that weak references can point to."""


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
