"""Promises of the database: nothing lost, nothing overwritten, every fault in words."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio import db
from studio.db import Database
from studio.errors import Busy, Damaged, StorageFailed
from studio.migrations import MIGRATIONS
from studio.settings import CHECKOUT
from tests.small_disk import said_under_a_limit, tiny_disk

ADD = "INSERT INTO presets (owner, mode, name, settings) VALUES (?, 'clone', ?, '{}')"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "home" / "timbre.db")
    yield database
    database.close()


def count(database: Database) -> int:
    return int(database.query("SELECT COUNT(*) FROM presets")[0][0])


def test_a_new_database_has_the_tables_and_says_nothing(database: Database) -> None:
    tables = {row["name"] for row in database.query("SELECT name FROM sqlite_master")}
    assert {"takes", "presets", "jobs", "takes_by_owner"} <= tables
    assert database.query("PRAGMA user_version")[0][0] == len(MIGRATIONS)
    assert database.query("PRAGMA journal_mode")[0][0] == "wal"
    assert database.query("PRAGMA foreign_keys")[0][0] == 1
    assert database.notices == ()


def test_rows_outlive_the_object(database: Database) -> None:
    database.execute(ADD, ("ada", "warm"))
    database.close()
    again = Database(database.path)
    assert count(again) == 1
    assert again.notices == ()


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    def break_off() -> None:
        with database.transaction() as connection:
            connection.execute(ADD, ("ada", "one"))
            with database.transaction() as inner:  # belongs to the outer one
                inner.execute(ADD, ("ada", "two"))
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own, just above
        break_off()
    assert count(database) == 0
    database.execute(ADD, ("ada", "after"))
    assert count(database) == 1


def test_a_mistake_of_ours_stays_a_crash(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError):
        database.query("SELECT nothing FROM nowhere")
    database.execute(ADD, ("ada", "one"))
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(ADD, ("ada", "one"))


def test_two_threads_writing_lose_nothing(database: Database) -> None:
    def write(owner: str) -> None:
        for number in range(100):
            with database.transaction() as connection:
                seen = connection.execute("SELECT COUNT(*) FROM presets").fetchone()[0]
                connection.execute(ADD, (owner, f"{seen}-{number}"))

    threads = [threading.Thread(target=write, args=(owner,)) for owner in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 400
    # Each read what it then relied on: no two transactions saw the same count.
    seen = [row["name"].split("-")[0] for row in database.query("SELECT name FROM presets")]
    assert len(set(seen)) == 400


def test_a_thread_that_ended_leaves_nothing_open(database: Database) -> None:
    """Without the garbage collector's help: a server has a thread for each take."""
    gc.collect()
    gc.disable()
    try:
        for number in range(30):
            thread = threading.Thread(target=database.execute, args=(ADD, ("ada", f"{number}")))
            thread.start()
            thread.join()
        opened = [file.path for file in psutil.Process().open_files()]
    finally:
        gc.enable()
    assert opened.count(str(database.path)) <= 2  # SQLite keeps one for the next connection
    assert count(database) == 30


def test_two_processes_making_and_writing_lose_nothing(tmp_path: Path) -> None:
    """Both find no database, both make one, both write."""
    code = (
        "import sys; from pathlib import Path; from studio.db import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        f"for n in range(100): database.execute({ADD!r}, (sys.argv[2], str(n)))\n"
        "sys.exit(len(database.notices))"
    )
    path = tmp_path / "timbre.db"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), owner], cwd=CHECKOUT) for owner in "abc"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert count(Database(path)) == 300


def test_a_killed_writer_leaves_whole_transactions(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from studio.db import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    with database.transaction() as write:\n"
        f"        write.execute({ADD!r}, ('left', str(n))); write.execute({ADD!r}, ('right', str(n)))\n"
        "    print(n, flush=True)"
    )
    path = tmp_path / "timbre.db"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = [next(writer.stdout) for _ in range(50)]
        writer.kill()
        said += list(writer.stdout)
    database = Database(path)
    pairs = database.query("SELECT COUNT(*) AS n FROM presets GROUP BY name")
    assert {row["n"] for row in pairs} == {2}
    assert len(pairs) >= len(said), "what was reported as written is there"
    assert database.notices == ()


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_set_aside_with_a_notice(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "timbre.db"
    path.write_bytes(content)
    database = Database(path)
    (notice,) = database.notices
    (aside,) = tmp_path.glob("timbre.db.damaged-*")
    assert aside.read_bytes() == content
    assert aside.name in notice
    database.execute(ADD, ("ada", "new"))
    assert count(database) == 1
    assert Database(path).notices == ()


def test_damage_in_the_middle_is_found_at_start_up(database: Database, tmp_path: Path) -> None:
    for number in range(3000):
        database.execute(ADD, ("ada", f"a preset with a long name {number}"))
    database.close()
    content = bytearray(database.path.read_bytes())
    half = len(content) // 2
    content[half : half + 8192] = b"\x55" * 8192
    database.path.write_bytes(content)

    with pytest.raises(Damaged):
        Database(database.path, set_aside=False)
    assert bytes(content) == database.path.read_bytes()
    again = Database(database.path)
    assert len(again.notices) == 1
    assert count(again) == 0


def test_a_database_of_a_newer_timbre_is_refused_and_not_touched(database: Database) -> None:
    database.execute(ADD, ("ada", "warm"))
    with database.transaction() as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    database.close()
    with pytest.raises(Damaged, match="newer Timbre") as caught:
        Database(database.path)
    assert "Update Timbre" in caught.value.hint
    assert not list(database.path.parent.glob("*damaged*"))
    assert sqlite3.connect(database.path).execute("SELECT name FROM presets").fetchall() == [("warm",)]


def test_a_database_of_an_older_timbre_is_brought_forward(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute(ADD, ("ada", "warm"))
    database.close()
    added = ("ALTER TABLE presets ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'",)
    monkeypatch.setattr(db, "MIGRATIONS", (*MIGRATIONS, added))
    newer = Database(database.path)
    assert [tuple(row) for row in newer.query("SELECT name, colour FROM presets")] == [("warm", "grey")]
    newer.close()

    broken = ("CREATE TABLE half (id)", "CREATE TABLE syntax error")
    monkeypatch.setattr(db, "MIGRATIONS", (*MIGRATIONS, added, broken))
    with pytest.raises(sqlite3.OperationalError):
        Database(database.path)
    raw = sqlite3.connect(database.path)
    assert raw.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall() == []
    raw.close()


def test_a_writer_that_waits_too_long_hears_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_S", 0.2)
    other = Database(database.path)
    with database.transaction():
        caught: list[BaseException] = []

        def write() -> None:
            with pytest.raises(Busy) as busy:
                other.execute(ADD, ("b", "late"))
            caught.append(busy.value)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert caught
    other.execute(ADD, ("b", "now"))


def test_a_full_disk_is_said_and_nothing_is_damaged() -> None:
    with tiny_disk() as folder:
        database = Database(folder / "timbre.db")
        kept = 0

        def fill() -> None:
            nonlocal kept
            while kept < 5000:
                database.execute(ADD, ("ada", f"{kept} " + "x" * 4000))
                kept += 1

        with pytest.raises(StorageFailed, match="full"):
            fill()
        assert kept > 0
        assert count(database) == kept
        assert database.query("PRAGMA integrity_check")[0][0] == "ok"
        database.close()


@pytest.mark.skipif(os.name == "nt", reason="limits on files are POSIX")
def test_a_limit_on_files_is_said_and_nothing_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "timbre.db"
    Database(path).close()
    code = (
        "import sys; from pathlib import Path; from studio.db import Database\n"
        "from studio.errors import StorageFailed\n"
        "database = Database(Path(sys.argv[1])); kept = 0\n"
        "try:\n"
        "    for n in range(5000):\n"
        f"        database.execute({ADD!r}, ('a', f'{{n}} ' + 'x' * 4000)); kept += 1\n"
        "except StorageFailed: print(kept)"
    )
    said = said_under_a_limit(code, path)
    assert count(Database(path)) == int(said) > 0


def test_a_home_that_cannot_hold_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        Database(tmp_path / "file" / "timbre.db")
    (tmp_path / "timbre.db").mkdir()
    with pytest.raises(StorageFailed):
        Database(tmp_path / "timbre.db")
    if sys.platform == "linux":
        with pytest.raises(StorageFailed):
            Database(Path("/proc/timbre/timbre.db"))
