"""Promises of zips: what goes out comes back, and of a stranger's nothing comes in unasked."""

from __future__ import annotations

import hashlib
import json
import random
import stat
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from studio.archives import MAX_ENTRIES, read_archive, write_archive
from studio.errors import BadInput, StorageFailed
from tests.small_disk import tiny_disk
from tests.test_names import snapshot

SOUND = bytes(range(256)) * 40


def exported(tmp_path: Path) -> Path:
    """A zip as the studio writes it."""
    source = tmp_path / "sound"
    source.write_bytes(SOUND)
    write_archive(tmp_path / "good.zip", "voice", 1, {"a.wav": source}, {"name": "Zoë 😀"})
    source.unlink()
    return tmp_path / "good.zip"


def manifest(**changes: Any) -> dict[str, Any]:
    value = {
        "kind": "voice",
        "version": 1,
        "about": {"name": "x"},
        "files": {"a.wav": hashlib.sha256(SOUND).hexdigest()},
    }
    return value | changes


def zipped(
    path: Path, files: Mapping[str | zipfile.ZipInfo, bytes] | None = None, what: Any = None
) -> Path:
    """A zip with `what` as its manifest (None: a good one; bytes: as they are; False: none)."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # names that come twice
        for name, content in ({"a.wav": SOUND} if files is None else files).items():
            archive.writestr(name, content)
        if what is not False:
            what = manifest() if what is None else what
            archive.writestr("manifest.json", what if isinstance(what, bytes) else json.dumps(what))
    return path


def refused(path: Path, tmp_path: Path) -> str:
    """What is said of a zip that must be refused; nothing of it may be left."""
    before = snapshot(tmp_path)
    with pytest.raises(BadInput) as caught:
        read_archive(path, "voice", 1, tmp_path / "deep" / "into")
    (tmp_path / "deep").rmdir()  # only the folder above, which was asked for
    assert snapshot(tmp_path) == before
    assert caught.value.hint
    assert len(str(caught.value)) < 400
    return caught.value.message


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    sources = {}
    for name in ("a.wav", "b/Happy_2.wav"):
        sources[name] = tmp_path / f"source {len(sources)}"
        sources[name].write_bytes(name.encode() * 1000)
    about = {"name": "Zoë 😀", "tags": ["<img onerror>", 1.5, None], "words": [["a", 0.0, 1.0]]}
    write_archive(tmp_path / "z.zip", "voice", 3, sources, about)
    into = tmp_path / "into"
    assert read_archive(tmp_path / "z.zip", "voice", 3, into) == about
    assert snapshot(into) == {"a.wav", "b", "b/Happy_2.wav"}
    assert all((into / name).read_bytes() == source.read_bytes() for name, source in sources.items())
    assert read_archive(tmp_path / "z.zip", "voice", 4, tmp_path / "again") == about, "an older version"


def test_a_zip_says_what_it_is_and_nothing_of_this_machine(tmp_path: Path) -> None:
    path = exported(tmp_path)
    with zipfile.ZipFile(path) as archive:
        found = json.loads(archive.read("manifest.json"))
        assert (found["kind"], found["version"]) == ("voice", 1)
        assert found["files"] == {"a.wav": hashlib.sha256(SOUND).hexdigest()}
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
    assert str(tmp_path).encode() not in path.read_bytes()


SLIPS = [
    "../x", "../../etc/passwd", "/etc/passwd", "a/../../x", "..", "a/..", "./x", "//server/x", "a//b",
    "C:/x", "C:x", "a:stream", "..\\x", "a\\..\\..\\x", "\\\\server\\x", "x/./y",
]  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "z.zip", {"a.wav": SOUND, name: b"slipped"})
    assert "leads out" in refused(path, tmp_path)


@pytest.mark.parametrize(
    "name", [*SLIPS, "", ".", "CON", "nul.wav", "a/LPT1", ".hidden", "a. ", "a.", "Zoë.wav", "x" * 300, "manifest.json"]
)  # fmt: skip
def test_a_manifest_that_names_what_is_no_plain_file_is_refused(tmp_path: Path, name: str) -> None:
    sums = {"a.wav": manifest()["files"]["a.wav"], name: hashlib.sha256(b"slipped").hexdigest()}
    path = zipped(tmp_path / "z.zip", {"a.wav": SOUND, "x": b""}, manifest(files=sums))
    assert "manifest" in refused(path, tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("a.wav")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    path = zipped(tmp_path / "z.zip", {info: b"/etc/passwd"})
    assert "link" in refused(path, tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.wav": bytes(60_000_000)})
    assert path.stat().st_size < 100_000
    assert "100 times" in refused(path, tmp_path)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.wav": bytes(60_000_000)})
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", 60_000_000), struct.pack("<L", 2_000)))
    assert "whole zip" in refused(path, tmp_path)


def test_too_much_in_all_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.wav": SOUND, **{f"{n}": b"x" * 100 for n in range(3)}})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
    for entry in range(3):  # 1.5 GB each, if it were true
        at = content.index(b"PK\x01\x02", directory + 1 + entry)
        struct.pack_into("<LL", content, at + 20, 15_100_000, 1_500_000_000)
        directory = at
    path.write_bytes(content)
    assert "2 GiB" in refused(path, tmp_path)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    files = {f"{n}": b"" for n in range(MAX_ENTRIES + 1)}
    assert "entries" in refused(zipped(tmp_path / "z.zip", files), tmp_path)


def test_a_directory_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    path = exported(tmp_path)
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    struct.pack_into("<L", content, end + 12, 900_000_000)
    path.write_bytes(content)
    assert "entries" in refused(path, tmp_path)
    struct.pack_into("<L", content, end + 12, 200)
    content[end:end] = b"PK\x06\x07" + bytes(16)  # a locator of the larger kind
    path.write_bytes(content)
    assert "entries" in refused(path, tmp_path)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (False, "no manifest"),
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 500_000, "no JSON"),
        (random.Random(1).randbytes(9_000_000), "too long"),
        ([], "does not say"),
        (manifest(kind=None), "does not say"),
        (manifest(kind="personality"), "a personality, not a voice"),
        (manifest(version="1"), "no version"),
        (manifest(version=2), "newer Timbre"),
        (manifest(about=None), "not whole"),
        (manifest(files=["a.wav"]), "not whole"),
        (manifest(files={"a.wav": None}), "no checksum"),
        (manifest(files={"a.wav": "0" * 63}), "no checksum"),
        (manifest(files={"a.wav": "0" * 64}), "checksum is wrong"),
        (manifest(files={"b.wav": "0" * 64}), "missing"),
    ],
)
def test_a_manifest_that_is_not_right_is_refused_in_words(tmp_path: Path, what: Any, said: str) -> None:
    assert said in refused(zipped(tmp_path / "z.zip", what=what), tmp_path)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {zipfile.ZipInfo("a.wav"): SOUND, zipfile.ZipInfo("a.wav"): b""})
    assert "twice" in refused(path, tmp_path)
    sums = {name: hashlib.sha256(SOUND).hexdigest() for name in ("a.wav", "A.WAV")}
    path = zipped(tmp_path / "y.zip", {"a.wav": SOUND, "A.WAV": SOUND}, manifest(files=sums))
    assert "one name" in refused(path, tmp_path)


def test_files_that_the_manifest_does_not_name_stay_out(tmp_path: Path) -> None:
    """Some systems put folders and notes of their own into a zip that is packed again."""
    path = zipped(tmp_path / "z.zip", {"a.wav": SOUND, "b/": b"", "__MACOSX/._a.wav": b"x"})
    read_archive(path, "voice", 1, tmp_path / "into")
    assert snapshot(tmp_path / "into") == {"a.wav"}


def test_one_wrong_file_takes_the_others_back(tmp_path: Path) -> None:
    sums = {"a.wav": manifest()["files"]["a.wav"], "b/c.wav": "0" * 64}
    path = zipped(tmp_path / "z.zip", {"a.wav": SOUND, "b/c.wav": SOUND}, manifest(files=sums))
    refused(path, tmp_path)
    into = tmp_path / "mine"
    into.mkdir()
    with pytest.raises(BadInput, match="checksum"):
        read_archive(path, "voice", 1, into)
    assert snapshot(into) == set()


def test_encrypted_and_strangely_packed_entries_are_refused(tmp_path: Path) -> None:
    path = exported(tmp_path)
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    for at, value, said in ((directory + 8, 1, "encrypted"), (directory + 10, 99, "whole zip")):
        changed = bytearray(content)
        struct.pack_into("<H", changed, at, value)
        path.write_bytes(changed)
        assert said in refused(path, tmp_path)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    good = exported(tmp_path).read_bytes()
    path = tmp_path / "z.zip"
    for content in (b"", b"PK", b"PK\x05\x06", b"RIFF" + bytes(100), good[:-1], good[:100], good[50:]):
        path.write_bytes(content)
        assert "whole zip" in refused(path, tmp_path)
    for gone in (tmp_path, tmp_path / "gone.zip"):
        assert "cannot be opened" in refused(gone, tmp_path)


def test_no_damage_of_a_zip_brings_in_anything_else(tmp_path: Path) -> None:
    good = exported(tmp_path).read_bytes()
    path, into = tmp_path / "z.zip", tmp_path / "into"
    chance = random.Random(4711)
    headers = [n for n in range(len(good)) if n < 60 or n > 40 + len(SOUND)]
    came_through = 0
    for _ in range(400):
        content = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            content[chance.choice(headers)] = chance.randrange(256)
        path.write_bytes(content)
        try:
            read_archive(path, "voice", 1, into)
        except BadInput:
            assert not into.exists()
            continue
        came_through += 1
        assert {each.name: each.read_bytes() for each in into.iterdir()} in ({"a.wav": SOUND}, {})
        for each in into.iterdir():
            each.unlink()
        into.rmdir()
    assert came_through < 350


def test_a_full_disk_leaves_neither_a_zip_nor_half_of_its_files(tmp_path: Path) -> None:
    with tiny_disk() as disk:
        sources = {}
        for name in ("a.wav", "b.wav"):
            sources[name] = tmp_path / name
            sources[name].write_bytes(random.Random(1).randbytes(400_000))
        with pytest.raises(StorageFailed, match="full"):
            write_archive(disk / "z.zip", "voice", 1, sources, {})
        assert snapshot(disk) == set()
        write_archive(tmp_path / "z.zip", "voice", 1, sources, {})
        with pytest.raises(StorageFailed, match="full"):
            read_archive(tmp_path / "z.zip", "voice", 1, disk / "into")
        assert snapshot(disk) == set()


def test_an_export_replaces_a_file_whole_or_not_at_all(tmp_path: Path) -> None:
    path = exported(tmp_path)
    good = path.read_bytes()
    with pytest.raises(FileNotFoundError):
        write_archive(path, "voice", 1, {"a.wav": tmp_path / "gone"}, {})
    with pytest.raises(TypeError):
        write_archive(path, "voice", 1, {}, {"name": object()})
    assert path.read_bytes() == good
    assert snapshot(tmp_path) == {"good.zip"}


def test_a_comment_at_the_end_is_no_harm(tmp_path: Path) -> None:
    path = exported(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"PK of mine" * 100
    assert read_archive(path, "voice", 1, tmp_path / "into") == {"name": "Zoë 😀"}
