"""Promises of saving: a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.errors import Damaged, StorageFailed
from studio.files import make_folder, publishing, read_json, sweep_partials, write_bytes, write_json
from studio.settings import CHECKOUT
from studio.workspace import Workspace
from tests.small_disk import said_under_a_limit, tiny_disk

KILLS = 60


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL and select on pipes")
def test_a_process_killed_while_saving_tears_no_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    code = (
        "import sys; from pathlib import Path; from studio.files import write_json\n"
        "path, start = Path(sys.argv[1]), int(sys.argv[2])\n"
        "for n in range(start, start + 10**6):\n"
        "    write_json(path, {'first': n, 'filling': ['x' * 50] * 4000, 'last': n})\n"
        "    if n == start: print(flush=True)"
    )
    chance = random.Random(4711)
    last = -1
    torn = 0
    for kill in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path), str((kill + 1) * 10**6)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
        ) as writer:
            assert writer.stdout is not None
            assert select.select([writer.stdout], [], [], 20)[0], "the writer did not begin"
            threading.Event().wait(chance.uniform(0, 0.03))
            writer.kill()
        try:
            found = json.loads(path.read_bytes())
        except ValueError:
            torn += 1
            continue
        assert found["first"] == found["last"]
        assert found["first"] > last, "a save went back in time"
        last = found["first"]
    assert torn == 0
    sweep_partials(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_save_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "voice.json"
    write_json(path, "old")

    def break_off() -> None:
        with publishing(path) as partial:
            partial.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    with pytest.raises(TypeError):
        write_json(path, object())
    assert read_json(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_and_keeps_the_old_file() -> None:
    with tiny_disk() as folder:
        path = folder / "config.json"
        write_json(path, "old")
        with pytest.raises(StorageFailed, match="full") as caught:
            write_bytes(path, bytes(2_000_000))
        assert "Free some space" in caught.value.hint
        assert caught.value.http_status == 507
        assert read_json(path) == "old"
        assert [file.name for file in folder.iterdir()] == ["config.json"]


@pytest.mark.skipif(os.name == "nt", reason="limits on files are POSIX")
def test_a_file_that_may_not_grow_is_said_and_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    write_json(path, "old")
    code = (
        "import sys; from pathlib import Path; from studio.files import write_bytes\n"
        "from studio.errors import StorageFailed\n"
        "try: write_bytes(Path(sys.argv[1]), bytes(2_000_000))\n"
        "except StorageFailed as error: print(error.message)"
    )
    said = said_under_a_limit(code, path)
    assert "config.json" in said
    assert read_json(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_home_that_cannot_be_written_is_said_before_anything_begins(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    for home in (blocked, blocked / "below"):
        with pytest.raises(StorageFailed) as caught:
            Workspace(home).prepare()
        assert "--home" in caught.value.hint
        with pytest.raises(StorageFailed):
            write_json(home / "config.json", 1)
    assert blocked.read_text() == "in the way"


@pytest.mark.skipif(sys.platform != "linux", reason="uses /proc and /sys as places nobody can write")
@pytest.mark.parametrize("place", ["/proc/timbre", "/proc/self/timbre", "/sys/timbre"])
def test_a_forbidden_place_is_said_even_to_root(place: str) -> None:
    with pytest.raises(StorageFailed) as caught:
        make_folder(Path(place))
    assert "--home" in caught.value.hint
    with pytest.raises(StorageFailed):
        write_json(Path(place) / "config.json", 1)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageFailed, match="cannot be written"):
            write_json(tmp_path / "config.json", 1)
    finally:
        tmp_path.chmod(0o700)


def test_many_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    code = (
        "import sys; from pathlib import Path; from studio.files import write_json\n"
        "for n in range(40): write_json(Path(sys.argv[1]), [sys.argv[2]] * 20000)"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], cwd=CHECKOUT) for name in "ab"
    ]
    threads = [
        threading.Thread(target=lambda n=name: [write_json(path, [n] * 20000) for _ in range(40)])
        for name in "cd"
    ]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads) or any(o.poll() is None for o in others):
        if path.exists():
            content = read_json(path)
            assert len(content) == 20000
            assert len(set(content)) == 1
            seen += 1
    assert [other.wait() for other in others] == [0, 0]
    assert seen > 0
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_comes_back_in_any_script(tmp_path: Path) -> None:
    value = {"Zoë": "日本語 العربية 🎙️", "half a pair": "\ud83d", "number": 0.1, "none": None}
    path = tmp_path / "new" / "folder" / "value.json"
    write_json(path, value)
    assert path.read_bytes().startswith(b"{\n"), "readable"
    assert "日本語".encode() in path.read_bytes()
    assert read_json(path) == value


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe\x00", b"\x00" * 100])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"config\.json"):
        read_json(path)


def test_the_sweep_takes_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    dead = tmp_path / "deep" / f"take.wav.{gone.pid}.12ab34cd.partial"
    dead.touch()
    (tmp_path / "take.wav").touch()
    with publishing(tmp_path / "new.json") as partial:
        partial.write_bytes(b"{}")
        assert sweep_partials(tmp_path) == 1
    assert not dead.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "new.json", "take.wav"]
