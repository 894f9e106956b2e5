"""Promises of the library: entries are whole or not there, whoever writes and whatever breaks off."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.errors import BadInput, Damaged, NotFound, StorageFailed
from studio.files import write_bytes
from studio.library import Library
from studio.names import clean_name
from studio.settings import CHECKOUT
from tests.killing import killed
from tests.small_disk import said_under_a_limit, tiny_disk
from tests.test_names import HOSTILE, snapshot

KILLS = 30


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "voices", "voice", 1)


def sound(content: str = "sound", **config: Any) -> Callable[[Path], dict[str, Any]]:
    """A `make` that writes one sound and names it."""

    def make(folder: Path) -> dict[str, Any]:
        write_bytes(folder / f"{content}.wav", content.encode())
        return {"audio": f"{content}.wav", **config}

    return make


def names(library: Library) -> list[str]:
    return sorted(library.read(id)["name"] for id in library.ids())


def test_an_entry_is_a_folder_with_its_name_as_typed_and_its_sound(
    library: Library, tmp_path: Path
) -> None:
    before = time.time()
    id = library.create("Zoë 😀", "ann", sound(note="für mich"))
    folder = tmp_path / "voices" / id
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "sound.wav"]
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config == library.read(id)
    assert config["name"] == "Zoë 😀"
    assert (config["kind"], config["version"], config["owner"]) == ("voice", 1, "ann")
    assert before <= config["created"] == config["changed"] <= time.time()
    assert config["note"] == "für mich"
    assert library.file(id, "sound.wav").read_bytes() == b"sound"


def test_a_change_keeps_what_it_does_not_touch(library: Library) -> None:
    id = library.create("Zoë", "ann", sound(note="mine"))
    old = library.read(id)
    new = library.change(
        id, lambda config, folder: config | {"note": "ours", "owner": "eve", "version": 9}
    )
    assert new == library.read(id)
    assert new["note"] == "ours"
    assert new["changed"] > old["changed"]
    for key in ("owner", "version", "created", "name", "audio"):
        assert new[key] == old[key], key


# A writer that changes one entry and makes and deletes others, as fast as it can.
WRITER = """
from pathlib import Path
from studio.files import write_bytes
from studio.library import Library

def write(root, id, start):
    library = Library(Path(root), "voice", 1)
    for n in range(start, start + 10**6):
        def update(config, folder):
            write_bytes(folder / f"{n}.wav", str(n).encode() * 2000)
            return config | {"first": n, "audio": f"{n}.wav", "filling": ["x" * 50] * 500, "last": n}
        library.change(id, update)
        def make(folder):
            write_bytes(folder / "new.wav", b"new" * 2000)
            return {"audio": "new.wav"}
        extra = library.create(f"extra {n}", "", make)
        if n == start:
            print("begun", flush=True)
        if n % 2:
            library.delete(extra)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_writer_killed_at_any_moment_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    root = tmp_path / "voices"
    id = Library(root, "voice", 1).create("kept", "", sound())
    last = -1
    for _ in killed(WRITER, str(root), id, times=KILLS):
        found = json.loads((root / id / "config.json").read_bytes())
        assert found["first"] == found["last"]
        assert found["first"] > last, "a change went back in time"
        last = found["first"]
        assert (root / id / found["audio"]).read_bytes() == str(last).encode() * 2000
    after = Library(root, "voice", 1)
    assert after.damaged() == ()
    assert len(after.ids()) > KILLS, "each writer made one at least"
    assert not list(root.rglob("*.partial"))
    for each in after.ids():
        content = {path.name for path in after.folder(each).iterdir()}
        assert content == {"config.json", after.read(each)["audio"]}


def test_two_processes_and_two_threads_that_write_lose_nothing(tmp_path: Path) -> None:
    root = tmp_path / "voices"
    library = Library(root, "voice", 1)
    id = library.create("shared", "", sound(seen=[]))
    code = (
        "import sys; from pathlib import Path; from studio.library import Library\n"
        "library = Library(Path(sys.argv[1]), 'voice', 1)\n"
        "for n in range(20):\n"
        "    def add(config, folder): return config | {'seen': [*config['seen'], sys.argv[3] + str(n)]}\n"
        "    library.change(sys.argv[2], add)\n"
        "    library.create(f'new {n}', '', lambda folder: {}, renumber=True)"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(root), id, name], cwd=CHECKOUT)
        for name in "ab"
    ]

    def write(name: str) -> None:
        for n in range(20):
            library.change(id, lambda config, folder: config | {"seen": [*config["seen"], f"{name}{n}"]})  # noqa: B023
            library.create(f"new {n}", "", lambda folder: {}, renumber=True)

    threads = [threading.Thread(target=write, args=(name,)) for name in "cd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    assert sorted(library.read(id)["seen"]) == sorted(f"{name}{n}" for name in "abcd" for n in range(20))
    found = names(library)
    assert len(found) == 81
    assert len({name.casefold() for name in found}) == 81, "each of them got a name of its own"


def test_two_hundred_hostile_names_write_nothing_outside(tmp_path: Path) -> None:
    root = tmp_path / "outer" / "voices"
    library = Library(root, "voice", 1)
    library.create("first", "", sound())
    outside = {path for path in snapshot(tmp_path) if not path.startswith("outer/voices/")}
    made: dict[str, str] = {}
    for name in HOSTILE:
        try:
            id = library.create(name, str(len(made)), lambda folder: {})
        except BadInput:
            continue
        assert id not in made, f"{name!r} falls on {made[id]!r}"
        made[id] = name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id)
        assert library.read(id)["name"] == clean_name(name)
        assert library.folder(id).parent == root
    assert len(made) > 150
    assert {path for path in snapshot(tmp_path) if not path.startswith("outer/voices/")} == outside
    assert library.damaged() == ()


@pytest.mark.parametrize("name", ["Zoë 😀", "../../x", "CON", "x" * 200, "漢" * 200, "😀" * 200])
def test_any_name_is_found_again_renamed_and_deleted(library: Library, name: str) -> None:
    id = library.create("plain", "", sound())
    library.change(id, lambda config, folder: config | {"name": name})
    assert names(library) == [name]
    other = library.create("plain", "", sound())
    library.delete(id)
    assert library.ids() == [other]


def test_two_names_never_fall_on_one_folder_also_after_renames(library: Library) -> None:
    first = library.create("Anna", "", sound("one"))
    library.change(first, lambda config, folder: config | {"name": "Berta"})
    second = library.create("Anna", "", sound("two"))
    library.change(second, lambda config, folder: config | {"name": "Carla"})
    third = library.create("Anna", "", sound("three"))
    assert len({first, second, third}) == 3
    assert [library.read(id)["audio"] for id in (first, second, third)] == [
        "one.wav",
        "two.wav",
        "three.wav",
    ]


def test_a_name_is_unique_among_its_owner_s_whatever_the_case(library: Library) -> None:
    first = library.create("Zoë", "ann", sound())
    other = library.create("Anna", "ann", sound())
    for name in ("Zoë", "ZOË", "zoe\u0308", "  zoë "):
        with pytest.raises(BadInput, match="already"):
            library.create(name, "ann", sound())
        with pytest.raises(BadInput, match="already"):
            library.change(other, lambda config, folder: config | {"name": name})  # noqa: B023
    assert library.read(other)["name"] == "Anna"
    assert library.create("Zoë", "eve", sound()) != first, "another owner may have it"
    library.change(first, lambda config, folder: config | {"name": "ZOË"})  # it is its own
    again = library.create("zoë", "ann", sound(), renumber=True)
    assert library.read(again)["name"] == "zoë (2)"
    third = library.create("x" * 200, "ann", sound())
    fourth = library.create("x" * 200, "ann", sound(), renumber=True)
    assert [len(library.read(id)["name"]) for id in (third, fourth)] == [200, 200]


HEAD = {"kind": "voice", "version": 1, "name": "x", "owner": "", "created": 1, "changed": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe\x00", b"\0" * 100, b"[]", b"null", b"[" * 200_000, b"{}",
        json.dumps(HEAD | {"kind": "personality"}).encode(), json.dumps(HEAD | {"name": 7}).encode(),
        json.dumps(HEAD | {"name": " "}).encode(), json.dumps(HEAD | {"owner": None}).encode(),
        json.dumps(HEAD | {"version": "1"}).encode(), json.dumps(HEAD | {"version": 2}).encode(),
        json.dumps(HEAD | {"created": "today"}).encode(), None,
    ],
)  # fmt: skip
def test_a_damaged_entry_is_set_aside_with_a_notice_and_the_others_load(
    library: Library, tmp_path: Path, content: bytes | None
) -> None:
    ids = [library.create(name, "", sound(name)) for name in "abc"]
    path = library.folder(ids[1]) / "config.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    library = Library(tmp_path / "voices", "voice", 1)
    assert names(library) == ["a", "c"]
    (damage,) = library.damaged()
    assert damage.id == ids[1]
    assert f"{ids[1]}/config.json" in damage.message
    with pytest.raises(Damaged) as caught:
        library.read(ids[1])
    assert caught.value.hint
    with pytest.raises(Damaged):
        library.change(ids[1], lambda config, folder: config)
    assert library.folder(ids[1]).joinpath("b.wav").exists(), "it may be mended by hand"
    assert not path.exists() if content is None else path.read_bytes() == content
    new = library.create("b", "", sound())
    library.delete(ids[1])
    assert library.damaged() == ()
    assert set(library.ids()) == {ids[0], ids[2], new}


@pytest.mark.skipif(os.name == "nt", reason="making links needs rights on Windows")
def test_what_is_no_entry_s_id_finds_nothing(library: Library, tmp_path: Path) -> None:
    library.create("Anna", "", sound())
    (tmp_path / "secret").mkdir()
    (tmp_path / "voices" / "linked").symlink_to(tmp_path / "secret")
    (tmp_path / "voices" / "file").write_text("no folder")
    for id in (
        "",
        ".",
        "..",
        "../secret",
        "/etc",
        ".lock",
        "linked",
        "file",
        "a/b",
        "A",
        "a\0",
        "a" * 999,
        "-",
    ):
        with pytest.raises(NotFound):
            library.read(id)
        with pytest.raises(NotFound):
            library.delete(id)
    assert (tmp_path / "secret").exists()
    assert len(library.ids()) == 1


@pytest.mark.skipif(os.name == "nt", reason="making links needs rights on Windows")
def test_a_config_names_no_file_outside_its_folder(library: Library, tmp_path: Path) -> None:
    id = library.create("Anna", "", sound())
    (tmp_path / "secret.wav").write_text("secret")
    (library.folder(id) / "link.wav").symlink_to(tmp_path / "secret.wav")
    (library.folder(id) / "deep").mkdir()
    (library.folder(id) / "deep" / "x.wav").touch()
    for name in (
        "../../secret.wav",
        str(tmp_path / "secret.wav"),
        "link.wav",
        "deep/x.wav",
        "",
        ".",
        "gone",
        7,
    ):
        with pytest.raises(Damaged):
            library.file(id, name)


def test_work_that_breaks_off_leaves_nothing(library: Library, tmp_path: Path) -> None:
    id = library.create("Anna", "", sound("old"))
    before = snapshot(tmp_path)

    def broken(folder: Path) -> dict[str, Any]:
        write_bytes(folder / "new.wav", b"new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.create("Berta", "", broken)
    with pytest.raises(KeyboardInterrupt):
        library.change(id, lambda config, folder: broken(folder))
    with pytest.raises(TypeError):
        library.change(id, lambda config, folder: config | {"note": object()})
    assert snapshot(tmp_path) == before
    assert library.read(id)["audio"] == "old.wav"


def test_sounds_that_are_no_longer_named_go_and_other_files_stay(library: Library) -> None:
    id = library.create("Anna", "", sound("old"))
    (library.folder(id) / "notes.txt").write_text("of my own")
    library.change(id, lambda config, folder: sound("new")(folder) | {"name": "Anna"})
    assert {path.name for path in library.folder(id).iterdir()} == {
        "config.json",
        "new.wav",
        "notes.txt",
    }


def test_what_killed_processes_left_is_swept_and_the_living_are_spared(
    library: Library, tmp_path: Path
) -> None:
    id = library.create("Anna", "", sound())
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    root = tmp_path / "voices"
    dead = root / f".new.{gone.pid}.12ab34cd.partial"
    dead.mkdir()
    (dead / "a.wav").touch()
    (root / id / "unnamed.wav").touch()
    (root / id / f"config.json.{gone.pid}.12ab34cd.partial").touch()
    with library.scratch() as living:
        Library(root, "voice", 1)
        assert living.is_dir()
    assert sorted(snapshot(root)) == [".lock", id, f"{id}/config.json", f"{id}/sound.wav"]


def test_a_full_disk_is_said_and_keeps_what_was_there() -> None:
    with tiny_disk() as disk:
        library = Library(disk / "voices", "voice", 1)
        id = library.create("Anna", "", sound())
        before = snapshot(disk)

        def large(folder: Path) -> dict[str, Any]:
            write_bytes(folder / "part.wav", bytes(100_000))
            write_bytes(folder / "large.wav", bytes(2_000_000))
            return {"audio": "large.wav"}

        with pytest.raises(StorageFailed, match="full"):
            library.create("Berta", "", large)
        with pytest.raises(StorageFailed, match="full"):
            library.change(id, lambda config, folder: large(folder))
        with pytest.raises(StorageFailed, match="full"):
            library.change(id, lambda config, folder: config | {"note": "x" * 2_000_000})
        assert snapshot(disk) == before
        assert library.read(id)["audio"] == "sound.wav"


@pytest.mark.skipif(os.name == "nt", reason="limits on files are POSIX")
def test_a_file_that_may_not_grow_leaves_nothing_half_written(library: Library, tmp_path: Path) -> None:
    library.create("Anna", "", sound())
    before = snapshot(tmp_path)
    code = (
        "import sys; from pathlib import Path; from studio.errors import StorageFailed\n"
        "from studio.files import write_bytes; from studio.library import Library\n"
        "library = Library(Path(sys.argv[1]), 'voice', 1)\n"
        "for work in (lambda: library.create('Berta', '', lambda f: write_bytes(f / 'a.wav', bytes(10**6))),\n"
        "             lambda: library.change(library.ids()[0], lambda c, f: c | {'note': 'x' * 10**6})):\n"
        "    try: work()\n"
        "    except StorageFailed as error: print(error.message)"
    )
    assert len(said_under_a_limit(code, tmp_path / "voices").splitlines()) == 2
    assert snapshot(tmp_path) == before
