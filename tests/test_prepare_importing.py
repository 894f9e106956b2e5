"""Promises of importing: every recording in what was given, its text with it, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from studio.archives import unpack_archive
from studio.audio.reading import Limits
from studio.control import Control
from studio.dataset.values import PrepareSettings
from studio.errors import BadInput, Cancelled, StorageFailed
from tests.audio_files import compressed, tone, wav
from tests.small_disk import tiny_disk
from tests.test_names import HOSTILE, snapshot
from training.prepare.importing import find
from training.prepare.tables import read_table
from training.prepare.values import Found, GivenText, Recording


def sound(path: Path, hertz: float = 440.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return wav(path, tone(0.3, 8_000, hertz), 8_000)


def sounds(folder: Path, *names: str) -> Path:
    for index, name in enumerate(names):
        sound(folder / name, 300 + 10 * index)
    return folder


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def found(tmp_path: Path, *inputs: Path, **settings: object) -> Found:
    settings_ = PrepareSettings(**settings)  # type: ignore[arg-type]
    return find(inputs, tmp_path / "unpacked", settings_, Control())


def by_name(what: Found) -> dict[str, Recording]:
    return {recording.name: recording for recording in what.recordings}


def texts(what: Found) -> dict[str, str]:
    """The one text of each recording that has one."""
    return {name: each.given[0].text for name, each in by_name(what).items() if each.given}


# Files, folders, zips


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
    what = find([folder], tmp_path / "u", PrepareSettings(), Control(), Limits(max_seconds=2.0))
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
        find([sounds(tmp_path / "in", "a.wav")], tmp_path / "u", PrepareSettings(), control)


def packed(path: Path, files: Mapping[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def content(tmp_path: Path) -> bytes:
    return sound(tmp_path / "content.wav").read_bytes()


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
            find([archive], disk / "u", PrepareSettings(), Control())
        assert not [name for name in snapshot(disk) if name.endswith((".bin", ".partial"))]


# Texts


def test_ljspeech_takes_the_normalised_text_and_quotation_marks_as_they_stand(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "LJ", "wavs/LJ-1.wav", "wavs/LJ-2.wav", "wavs/LJ-3.flac.wav")
    rows = ['LJ-1|He had 3 "cats|He had three "cats', 'LJ-2|"Yes|', "LJ-3.flac|plain"]
    written(folder / "metadata.csv", "\r\n".join(rows), "utf-8-sig")
    assert texts(found(tmp_path, folder)) == {
        "wavs/LJ-1.wav": 'He had three "cats',
        "wavs/LJ-2.wav": '"Yes',
        "wavs/LJ-3.flac.wav": "plain",
    }
    assert by_name(found(tmp_path, folder))["wavs/LJ-1.wav"].given_from == "metadata.csv"


def test_a_third_column_that_repeats_is_the_speaker(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", *(f"{index}.wav" for index in range(4)))
    rows = [f"{index}.wav|text number {index}|{'ann' if index % 2 else 'bob'}" for index in range(4)]
    written(folder / "filelist.csv", "\n".join(rows))
    what = by_name(found(tmp_path, folder))
    assert what["1.wav"].speaker == "ann"
    assert what["2.wav"].given == (GivenText("text number 2"),)


def test_coqui_rows_as_pandas_and_as_trainers_write_them(tmp_path: Path) -> None:
    head = "audio_file|text|speaker_name\n"
    for name, row in (
        ("quoted", 'wavs/a.wav|"say ""ah"", x"|ann'),
        ("raw", 'wavs/a.wav|say "ah", x|ann'),
    ):
        folder = sounds(tmp_path / name, "wavs/a.wav", "wavs/b.wav")
        written(folder / "metadata.csv", f"{head}{row}\nwavs/b.wav|b|bob\n")
        what = by_name(found(tmp_path, folder))
        assert what["wavs/a.wav"].given == (GivenText('say "ah", x'),)
        assert [each.speaker for each in what.values()] == ["ann", "bob"]
    folder = sounds(tmp_path / "stray", "a.wav", "b.wav")
    written(folder / "metadata.csv", f'{head}a.wav|"one|ann\nb.wav|two"|bob\n')
    assert texts(found(tmp_path, folder)) == {"a.wav": '"one', "b.wav": 'two"'}


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("x.csv", ["File_Name,Transcription,Speaker,Language", 'a.wav,"Hi, you",ann,German']),
        ("x.csv", ["file;text;speaker;lang", "a.wav;Hi, you;ann;de"]),
        ("x.tsv", ["client_id\tpath\tsentence\tlocale", "ann\ta.wav\tHi, you\tde"]),
        ("x.jsonl", ['{"audio": "./a.wav", "text": "Hi, you", "speaker": "ann", "language": "DE"}']),
        ("x.jsonl", ['{"audio_filepath": "/gone/x/a.wav", "text": "Hi, you", "speaker": "ann", "lang": "de"}']),
        ("x.jsonl", ['{"audio": "C:\\\\x\\\\a.wav", "text": "Hi,\\n you", "speaker": "ann", "lang": "de"}']),
    ],
)  # fmt: skip
def test_tables_with_names_for_their_columns(tmp_path: Path, name: str, rows: list[str]) -> None:
    folder = sounds(tmp_path / "in", "a.wav")
    written(folder / name, "\n".join(rows))
    (recording,) = found(tmp_path, folder).recordings
    assert recording.given == (GivenText("Hi, you"),)
    assert (recording.speaker, recording.language, recording.given_from) == ("ann", "de", name)


def test_the_apostrophe_that_spreadsheets_need_is_taken_off(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "a.wav", "b.wav", "=c.wav")
    rows = ["file,text", "a.wav,'=SUM(1)", "b.wav,'tis so", "'=c.wav,'-1 degree"]
    written(folder / "x.csv", "\n".join(rows))
    assert texts(found(tmp_path, folder)) == {
        "a.wav": "=SUM(1)",
        "b.wav": "'tis so",
        "=c.wav": "-1 degree",
    }


def test_times_in_tables_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "a.wav", "b.wav")
    rows = [
        {"audio": "a.wav", "text": "two", "start": 0.2, "end": 0.3},
        {"audio": "a.wav", "text": "one", "offset": 0.0, "duration": 0.15},
        {"audio": "a.wav", "text": "never", "start": 2, "end": 1},
        {"audio": "a.wav", "text": "never", "start": "NaN", "end": 1},
        {"audio": "b.wav", "text": "whole", "duration": 0.3},
        ["no", "row"],
    ]
    written(folder / "x.jsonl", "\n".join([*map(json.dumps, rows), "{broken", '{"audio": "b.wav"}']))
    what = found(tmp_path, folder)
    given = by_name(what)
    assert given["a.wav"].given == (GivenText("one", 0.0, 0.15), GivenText("two", 0.2, 0.3))
    assert given["b.wav"].given == (GivenText("whole"),)
    assert what.notes == ("In x.jsonl, line 7 is no JSON and 2 more; left out.",)


SRT = "\ufeff1\r\n00:00:00,000 --> 00:00:00,120\r\n<i>Hello</i> &amp;\r\nyou\r\n\r\n2\r\n"
SRT += "00:00:00,150 --> 00:00:00,250 X1:1\r\n{\\an8}Bye\r\n\r\n3\r\n00:00:09,0 --> 00:00:01,0\r\nno\r\n"
VTT = "WEBVTT\n\nNOTE x\n\n00:00.150 --> 00:00.250\nBye\n\n00:00.000 --> 00:00.120 align:start\n"
VTT += "<v Bob>Hello &amp; you\n"


@pytest.mark.parametrize(("name", "text"), [("talk.srt", SRT), ("talk.vtt", VTT), ("talk.de.srt", SRT)])
def test_subtitles_beside_a_recording_give_their_times(tmp_path: Path, name: str, text: str) -> None:
    folder = sounds(tmp_path / "in", "talk.wav", "talk 2.wav")
    written(folder / name, text)
    written(folder / "talk.txt", "not this one")
    for input in (folder, folder / "talk.wav"):
        recording = by_name(found(tmp_path, input))["talk.wav"]
        assert recording.given == (GivenText("Hello & you", 0.0, 0.12), GivenText("Bye", 0.15, 0.25))
        assert recording.given_from == name
        assert recording.language == ("de" if ".de" in name else "")


def test_texts_beside_a_recording(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "a.wav", "b/1.wav", "b/2.wav", "c.wav")
    written(folder / "a.txt", " One\ntwo. ")
    written(folder / "b/1.lab", "three")
    written(folder / "b/x.trans.txt", "1 NOT THIS\n2 FOUR FIVE\n")
    written(folder / "c.txt", "")
    written(folder / "readme.txt", "nothing")
    what = found(tmp_path, folder)
    assert texts(what) == {"a.wav": "One two.", "b/1.wav": "NOT THIS", "b/2.wav": "FOUR FIVE"}
    assert what.notes == ()


def test_the_nearest_table_counts_and_others_add_what_it_lacks(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "train/a.wav", "test/a.wav")
    written(folder / "all.csv", "file,text,speaker\ntrain/a.wav,far,ann\ntest/a.wav,far,bob\n")
    written(folder / "train/metadata.csv", "file_name,text\na.wav,near\n")
    what = found(tmp_path, folder)
    assert texts(what) == {"train/a.wav": "near", "test/a.wav": "far"}
    assert [each.speaker for each in what.recordings] == ["bob", "ann"]
    assert what.notes == ()


def test_texts_without_their_recording_are_named(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "a.wav")
    written(folder / "metadata.csv", "a|yes\n" + "".join(f"gone{index}|no\n" for index in range(5)))
    written(folder / "lonely.srt", SRT)
    what = found(tmp_path, folder)
    assert texts(what) == {"a.wav": "yes"}
    assert what.notes == (
        "metadata.csv names 5 recordings that cannot be found: gone0, gone1, gone2 and 2 more.",
        "There is no recording of the same name for lonely.srt.",
    )


def test_an_unreadable_transcript_is_said_and_the_recording_stays(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "a.wav", "b.wav")
    (folder / "metadata.csv").write_bytes(b"a|\xff\xfe\xfa")
    written(folder / "a.srt", "no subtitles at all")
    written(folder / "b.vtt", "")
    what = found(tmp_path, folder)
    assert list(by_name(what)) == ["a.wav", "b.wav"]
    assert texts(what) == {}
    assert len(what.notes) == 3
    assert all("was not used" in note for note in what.notes)


def test_a_table_chosen_by_itself_brings_its_recordings_and_no_others(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "in", "wavs/a.wav", "wavs/b.wav", "c.wav")
    outside = sound(tmp_path / "outside.wav")
    table = written(folder / "metadata.csv", f"a|one\nc.wav|two\n../outside|x\n{outside}|x\n")
    what = found(tmp_path, table)
    assert texts(what) == {"wavs/a.wav": "one", "c.wav": "two"}
    assert list(by_name(what)) == ["c.wav", "wavs/a.wav"]


def test_uploaded_files_find_their_table(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "uploads", "a.wav", "b.wav")
    table = written(folder / "metadata.csv", "wavs/a|one\nwavs/b|two\n")
    assert texts(found(tmp_path, folder / "a.wav", table)) == {"a.wav": "one"}


def test_a_table_may_be_chosen_beside_a_folder_or_a_zip(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "set" / "wavs", "a.wav", "b.wav")
    archive = packed(tmp_path / "c.zip", {"x/c.wav": sound(tmp_path / "c.wav", 900).read_bytes()})
    table = written(tmp_path / "set" / "metadata.csv", "a|one\nb|two\nc|three\n")
    expected = {"a.wav": "one", "b.wav": "two", "x/c.wav": "three"}
    assert texts(found(tmp_path, folder, table, archive)) == expected
    assert found(tmp_path, folder, table, archive).notes == ()


def test_who_speaks(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "team", "ann/wavs/1.wav", "bob/2.wav", "3.wav", "ann/4.wav")
    written(folder / "x.csv", "file,speaker\nann/4.wav,carl\n")

    def speakers(**settings: object) -> list[str]:
        return [each.speaker for each in found(tmp_path, folder, **settings).recordings]

    assert speakers() == ["", "carl", "", ""]
    assert speakers(speaker="dora") == ["dora", "carl", "dora", "dora"]
    assert speakers(speaker="dora", speaker_by_folder=True) == ["team", "carl", "ann", "bob"]
    single = found(tmp_path, folder / "3.wav", speaker="dora", speaker_by_folder=True)
    assert single.recordings[0].speaker == "dora"


@given(text=st.text(max_size=300) | st.text("ab|,;\t\n\"'{}[]:.=0", max_size=300))
@trying(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_table_or_bad_input(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table"
    path.write_bytes(("file,text\n" + text).encode("utf-8", "replace"))
    for name in ("a.csv", "a.tsv", "a.jsonl", "a.trans.txt"):
        for row in read_table(path, name).rows:
            assert row.file


# Hugging Face


def rows(tmp_path: Path, count: int = 3) -> dict[str, list[object]]:
    files = [sound(tmp_path / f"{index}.wav", 300 + 10 * index) for index in range(count)]
    return {
        "audio": [{"bytes": file.read_bytes(), "path": f"clip{file.name}"} for file in files],
        "sentence": [f"text {index}" for index in range(count)],
        "speaker": [index % 2 for index in range(count)],
        "language": ["en"] * count,
    }


def saved(tmp_path: Path) -> tuple[Path, Path]:
    """The same rows as a Parquet file and as a folder of save_to_disk with two splits."""
    import datasets
    import pyarrow as pa

    features = datasets.Features(
        audio=datasets.Audio(decode=False),
        sentence=datasets.Value("string"),
        speaker=datasets.ClassLabel(names=["ann", "bob"]),
        language=datasets.Value("string"),
    )
    made = datasets.Dataset(pa.Table.from_pydict(rows(tmp_path), schema=features.arrow_schema))
    made.to_parquet(str(tmp_path / "clips.parquet"))
    splits = datasets.DatasetDict(train=made.select([0, 1]), test=made.select([2]))
    splits.save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "clips.parquet", tmp_path / "saved"


def test_hugging_face_rows_become_recordings_with_their_texts(tmp_path: Path) -> None:
    parquet, folder = saved(tmp_path)
    what = found(tmp_path, parquet)
    assert [each.name for each in what.recordings] == [f"clips/clip{index}.wav" for index in range(3)]
    for index, each in enumerate(what.recordings):
        assert each.path.read_bytes() == (tmp_path / f"{index}.wav").read_bytes()
        assert each.given == (GivenText(f"text {index}"),)
        assert (each.speaker, each.language) == (["ann", "bob"][index % 2], "en")
        assert each.given_from == "clips.parquet"
    disk = found(tmp_path, folder)
    assert sorted(texts(disk).values()) == ["text 0", "text 1", "text 2"]
    assert what.problems == disk.problems == what.notes == disk.notes == ()


def test_an_audiofolder_is_read_by_its_metadata(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "data", "train/a.wav", "train/b.wav")
    lines = [
        {"file_name": "a.wav", "transcription": "one"},
        {"file_name": "b.wav", "transcription": "two"},
    ]
    written(folder / "train/metadata.jsonl", "\n".join(map(json.dumps, lines)))
    assert texts(found(tmp_path, folder)) == {"train/a.wav": "one", "train/b.wav": "two"}


def test_parquet_of_others_names_and_files_without_sound(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sample = content(tmp_path)
    folder = sounds(tmp_path / "in", "beside.wav")
    raw = pa.table({"audio": [sample, None], "text": ["raw", "none"]})
    pq.write_table(raw, folder / "raw.parquet")
    named = [{"bytes": sample, "path": "../../x.wav"}, {"bytes": sample, "path": "/etc/x.wav"}]
    outer = [{"bytes": None, "path": "beside.wav"}, {"bytes": None, "path": "/etc/gone.wav"}]
    pq.write_table(
        pa.table({"audio": named + outer, "text": ["1", "2", "3", "4"]}), folder / "named.parquet"
    )
    pq.write_table(pa.table({"a": [1]}), folder / "numbers.parquet")
    what = found(tmp_path, folder)
    assert texts(what) == {
        "beside.wav": "3", "named/000002-x.wav": "2", "named/x.wav": "1", "raw/000001": "raw",
    }  # fmt: skip
    assert what.notes == ("named/named.parquet names 1 recording that cannot be found: /etc/gone.wav.",)


def test_damaged_and_swollen_files_of_rows_are_reported(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet, folder = saved(tmp_path)
    bad = sounds(tmp_path / "bad", "good.wav")
    whole = parquet.read_bytes()
    (bad / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (bad / "noise.parquet").write_bytes(b"PAR1" + os.urandom(500) + b"PAR1")
    (arrow,) = (folder / "train").glob("*.arrow")
    stream = bytearray(arrow.read_bytes())
    (bad / "cut.arrow").write_bytes(stream[: len(stream) - len(stream) // 3])
    swollen = pa.table({"audio": pa.array([bytes(1 << 20)] * 64).dictionary_encode()})
    pq.write_table(swollen.cast(pa.schema({"audio": pa.binary()})), bad / "swollen.parquet")
    what = found(tmp_path, bad)
    assert list(by_name(what)) == ["good.wav"]
    assert [each.name for each in what.problems] == [
        "cut.arrow", "cut.parquet", "noise.parquet", "swollen.parquet",
    ]  # fmt: skip
    assert "100 times" in what.problems[3].problem
    assert not list((tmp_path / "unpacked").glob("*-1/*.wav"))


def test_memory_stays_that_of_a_few_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {"bytes": os.urandom(1 << 20), "path": "x.wav"}
    schema = pa.schema({"audio": pa.struct({"bytes": pa.binary(), "path": pa.string()})})
    with pq.ParquetWriter(tmp_path / "big.parquet", schema, use_dictionary=False) as writer:
        for _ in range(16):
            writer.write_table(pa.Table.from_pylist([{"audio": row}], schema))
    before = pa.total_allocated_bytes()
    highest = 0

    class Watching(Control):
        def check(self) -> None:
            nonlocal highest
            highest = max(highest, pa.total_allocated_bytes() - before)

    with pytest.raises(BadInput):  # noise is no recording
        find([tmp_path / "big.parquet"], tmp_path / "u", PrepareSettings(), Watching())
    assert 1 << 20 < highest < 12 << 20
