"""Promises of importing: every recording in the files, folders and zips that were given, and nothing else."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from studio.archives import unpack_archive
from studio.audio.reading import Limits
from studio.control import Control
from studio.dataset.cache import PreparedCache
from studio.dataset.values import PrepareSettings
from studio.errors import BadInput, Cancelled, StorageFailed
from tests.audio_files import compressed
from tests.importing import by_name, content, found, packed, sound, sounds, texts, written
from tests.small_disk import tiny_disk
from tests.test_names import HOSTILE, snapshot
from training.prepare.importing import find
from training.prepare.values import Found, GivenText


def test_a_folder_is_searched_to_its_bottom_and_sorted_as_people_count(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "talks", "take 10.wav", "Take 2.wav", "deep/er/a.wav", "take 1.WAV")
    compressed(folder / "film.mp4", "aac", "mp4", 0.5, video=True)
    compressed(folder / "phone.m4a", "aac", "mp4", 0.5)
    sound(folder / "no suffix")
    written(folder / "notes.md", "# notes")
    what = found(tmp_path, folder)
    assert [each.name for each in what.recordings] == [
        "deep/er/a.wav", "film.mp4", "no suffix", "phone.m4a", "take 1.WAV", "Take 2.wav", "take 10.wav",
    ]  # fmt: skip
    assert what.problems == what.notes == ()
    assert what == found(tmp_path, folder)


def test_hidden_and_unfinished_files_are_left_alone(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "a.wav", ".hidden.wav", ".git/b.wav", "__MACOSX/c.wav")
    sound(folder / "d.wav.99.partial")
    assert list(by_name(found(tmp_path, folder))) == ["a.wav"]


def test_archives_within_a_folder_are_named_and_not_opened(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "talks", "a.wav")
    for name in ("more.zip", "deep/older.tar.gz"):
        written(folder / name, "packed")
    [note] = found(tmp_path, folder).notes
    assert "deep/older.tar.gz, more.zip" in note
    assert "Choose a zip itself" in note


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    outside = sounds(tmp_path / "outside", "secret.wav")
    folder = sounds(tmp_path / "in", "a.wav", "sub/b.wav")
    (folder / "file.wav").symlink_to(outside / "secret.wav")
    (folder / "folder").symlink_to(outside)
    (folder / "inner").symlink_to(folder / "sub")
    (folder / "loop").symlink_to(folder / "loop")
    written(folder / "metadata.csv", f"../outside/secret|no\n{outside / 'secret.wav'}|no\na|yes\n")
    what = found(tmp_path, folder)
    assert texts(what) == {"a.wav": "yes"}
    assert list(by_name(what)) == ["a.wav", "sub/b.wav"]
    assert any("3 links" in note for note in what.notes)


def test_of_our_own_sets_only_what_they_keep_counts(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "set", "wavs/a.wav", "dropped/b.wav", "sources/c.wav")
    written(folder / "dataset.json", "{}")
    written(
        folder / "ledger.jsonl", '{"kind": "segment", "id": "a", "text": "x", "start": 9, "end": 9.2}'
    )
    written(folder / "metadata.csv", "audio_file|text|speaker_name\nwavs/a.wav|yes|ann\n")
    what = found(tmp_path, folder)
    assert texts(what) == {"wavs/a.wav": "yes"}
    assert list(by_name(what)) == ["wavs/a.wav"]
    (folder / "dataset.json").unlink()  # somebody else's folders of those names
    assert len(found(tmp_path, folder).recordings) == 3


def test_a_file_that_comes_twice_counts_once_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    one = sounds(tmp_path / "one", "a.wav", "only.wav")
    two = sounds(tmp_path / "two", "a.wav")
    what = found(tmp_path, one, two, one, one / "a.wav")
    assert list(by_name(what)) == ["one/a.wav", "only.wav", "two/a.wav"]
    singles = found(tmp_path, one / "a.wav", two / "a.wav")
    assert list(by_name(singles)) == ["one/a.wav", "two/a.wav"]


def test_an_unreadable_file_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "good.wav")
    written(folder / "bad.mp3", "not a recording")
    (folder / "empty.wav").touch()
    compressed(folder / "long.m4a", "aac", "mp4", 3.0)
    what = find([folder], PreparedCache(tmp_path), PrepareSettings(), Control(), Limits(max_seconds=2.0))
    assert list(by_name(what)) == ["good.wav"]
    assert [problem.name for problem in what.problems] == ["bad.mp3", "empty.wav", "long.m4a"]
    for problem in what.problems:
        assert problem.problem
        assert problem.hint
        assert len(problem.id) == 12
    assert what.problems[0].size == 15
    assert "limit of 2 s" in what.problems[2].problem


def test_nothing_to_learn_from_is_said_in_words(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match="no recording") as caught:
        found(tmp_path, empty)
    assert caught.value.hint
    with pytest.raises(BadInput, match="does not exist"):
        found(tmp_path, sound(tmp_path / "a.wav"), tmp_path / "gone.wav")
    with pytest.raises(BadInput, match="does not exist"):
        found(tmp_path, Path("a\0b"))
    with pytest.raises(BadInput, match=r"“bad.pdf” is not a recording"):
        found(tmp_path, written(tmp_path / "bad.pdf", "x"))
    with pytest.raises(BadInput, match=r"metadata\.csv names 1 recording"):
        found(tmp_path, written(tmp_path / "texts" / "metadata.csv", "a|text\n").parent)


def test_names_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for index, name in enumerate(["a\nb.wav", "gpj.\u202eexe.wav", "<img onerror>.wav", "=1+1.wav"]):
        sound(folder / name, 300 + index)
    if os.name != "nt":
        sound(folder / "x.wav").rename(os.fsdecode(os.fsencode(folder) + b"/\xff.wav"))
    what = found(tmp_path, folder)
    assert len(what.recordings) == 5
    for recording in what.recordings:
        recording.name.encode()
        assert not set("\n\r\u202e") & set(recording.name)


def test_stopping_is_heard(tmp_path: Path) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        find([sounds(tmp_path / "in", "a.wav")], PreparedCache(tmp_path), PrepareSettings(), control)


def test_a_zip_is_unpacked_once_by_its_content(tmp_path: Path) -> None:
    files: dict[str | zipfile.ZipInfo, bytes] = {
        "set/": b"",
        "set/metadata.csv": b"audio_file|text|speaker_name\nwavs/a.wav|hello|ann\n",
        "set/wavs/a.wav": content(tmp_path),
        "__MACOSX/set/wavs/._a.wav": b"x",
        "set/.DS_Store": b"x",
    }
    archive = packed(tmp_path / "set.zip", files)
    os.utime(archive, (1e9, 1e9))  # long settled
    what = found(tmp_path, archive)
    (recording,) = what.recordings
    assert (recording.name, recording.speaker) == ("set/wavs/a.wav", "ann")
    assert recording.given == (GivenText("hello"),)
    assert recording.path.is_relative_to(tmp_path / "unpacked")
    before = recording.path.stat()
    archive.rename(tmp_path / "other name.zip")
    again = found(tmp_path, tmp_path / "other name.zip")
    assert again == what
    assert again.recordings[0].path.stat().st_mtime_ns == before.st_mtime_ns
    assert len(list((tmp_path / "unpacked").glob("*-1"))) == 1


def test_hostile_names_in_a_zip_stay_names(tmp_path: Path) -> None:
    """Those that lead out make a zip refused; under all others its files get numbers."""
    sample = content(tmp_path)
    plain = (name[:9000] for name in HOSTILE if "\0" not in name)  # which ends a name in a zip
    names = {f"{name}.wav".encode("utf-8", "replace").decode() for name in plain}
    before = snapshot(tmp_path)
    taken: dict[str | zipfile.ZipInfo, bytes] = {}
    for name in sorted(names):
        archive = packed(tmp_path / "one.zip", {zipfile.ZipInfo(name): sample})
        with contextlib.suppress(BadInput):
            (file,) = unpack_archive(archive, tmp_path / "one")
            assert file == "000001.wav"
            (tmp_path / "one" / file).unlink()
            taken[name] = sample
        archive.unlink()
    (tmp_path / "one").rmdir()
    assert snapshot(tmp_path) == before
    assert 100 < len(taken) < len(names)
    what = found(tmp_path, packed(tmp_path / "all.zip", taken))
    assert len(what.recordings) > 100
    assert all(each.path.parent.parent == tmp_path / "unpacked" for each in what.recordings)
    made = {name for name in snapshot(tmp_path) - before if name.count("/") == 2 and "seen" not in name}
    assert all(re.fullmatch(r"unpacked/\w+-1/(\d{6}\.wav|entries\.json)", name) for name in made)


@pytest.mark.parametrize("kind", ["slip", "link", "bomb", "cut", "no zip"])
def test_a_hostile_zip_is_reported_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "bad.zip"
    link = zipfile.ZipInfo("link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    files: dict[str, dict[str | zipfile.ZipInfo, bytes]] = {
        "slip": {"../../out.wav": b"x"},
        "link": {link: b"/etc/passwd"},
        "bomb": {"zero.wav": bytes(30 << 20)},
    }
    packed(archive, files.get(kind, {"a.wav": content(tmp_path)}))
    if kind == "cut":
        archive.write_bytes(archive.read_bytes()[:-30])
    if kind == "no zip":
        archive.write_bytes(b"x" * 1000)
    good = sound(tmp_path / "good.wav")
    before = snapshot(tmp_path)
    what = found(tmp_path, archive, good)
    assert [each.name for each in what.recordings] == ["good.wav"]
    (problem,) = what.problems
    assert problem.name == "bad.zip"
    assert "Unpack it yourself" in problem.hint
    left = snapshot(tmp_path) - before
    assert not any("wav" in name for name in left), left


def test_what_a_killed_process_has_unpacked_is_not_believed(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"a.wav": content(tmp_path)})
    leftover = tmp_path / "unpacked" / ".new.999999999.abcd.partial"
    written(leftover / "000001.wav", "half")
    assert len(found(tmp_path, archive).recordings) == 1
    assert not leftover.exists()


def test_two_that_unpack_the_same_do_not_meet(tmp_path: Path) -> None:
    sample = content(tmp_path)
    archive = packed(tmp_path / "a.zip", {f"{index}.wav": sample for index in range(50)})
    results: list[Found] = []
    threads = [
        threading.Thread(target=lambda: results.append(found(tmp_path, archive))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(result == results[0] for result in results)
    assert not list((tmp_path / "unpacked").glob("*.partial"))


def test_a_full_disk_leaves_nothing_half_unpacked(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", {f"{index}.bin": os.urandom(100_000) for index in range(9)})
    with tiny_disk() as disk:
        with pytest.raises(StorageFailed):
            find([archive], PreparedCache(disk), PrepareSettings(), Control())
        assert not [name for name in snapshot(disk) if name.endswith((".bin", ".partial"))]
