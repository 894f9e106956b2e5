"""Promises of importing: each recording has its text, from tables, subtitles and files beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from tests.importing import by_name, found, packed, sound, sounds, texts, written
from training.prepare.tables import read_table
from training.prepare.values import GivenText


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
