"""The history keeps, finds, exports and forgets takes."""

from __future__ import annotations

import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from engines.base import Capability
from studio.errors import NotFound
from studio.services.history import sidecar_path
from studio.services.kept import MAX_NOTE
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder, TakeRecord

TEXT = "A short text."


def spoken(studio: Studio, text: str = TEXT, owner: str = "") -> TakeRecord:
    return studio.speech.speak(SpeechOrder(Capability.PRESET, text, "espeak", "en-us", seed=7), owner)


def rows(studio: Studio, *texts: str, owner: str = "") -> list[TakeRecord]:
    """Takes as rows alone, where no sound is wanted."""
    records = [
        TakeRecord(
            f"{owner}{number}", time.time(), owner, "preset", "espeak", "Fiona", "en-us", text, {}, 7,
            2.0, 0.5, 22_050, f"{number}.wav", "done",
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip
    for record in records:
        studio.history.add(record)
    return records


def found(studio: Studio, search: str, **how: bool) -> list[str]:
    return [record.text for record in studio.history.list("", search, **how)]


def test_favourites_and_notes_are_kept(studio: Studio) -> None:
    first, second = rows(studio, "one", "two")
    studio.history.set_favourite(first.id, "", True)
    studio.history.set_note(first.id, "", "  for the intro \ud83d ")
    kept = studio.history.get(first.id, "")
    assert (kept.favourite, kept.note) == (True, "for the intro")
    assert found(studio, "", favourites=True) == ["one"]
    studio.history.set_favourite(first.id, "", False)
    assert found(studio, "", favourites=True) == []
    assert studio.history.get(second.id, "") == second


def test_a_note_has_an_end(studio: Studio) -> None:
    (record,) = rows(studio, "one")
    studio.history.set_note(record.id, "", "x" * 10 * MAX_NOTE)
    assert len(studio.history.get(record.id, "").note) == MAX_NOTE


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("100%", "Now 100% sure"),
        ("snake_case", "a snake_case name"),
        ("back\\slash", "a back\\slash"),
        ("GRÜSSE", "Schöne Grüße"),
        ("СЛОВО", "одно слово"),
        ("e\u0301te\u0301", "un été"),
        ("语音", "中文语音合成"),
        ("it's", "it's quoted"),
    ],
)
def test_search_finds_what_it_says_and_nothing_else(studio: Studio, search: str, expected: str) -> None:
    rows(
        studio, "Now 100% sure", "Now 1000 sure", "a snake_case name", "a snakeXcase name", "a back\\slash",
        "Schöne Grüße", "одно слово", "un été", "中文语音合成", "it's quoted",
    )  # fmt: skip
    assert found(studio, search) == [expected]


def test_search_looks_in_voices_and_notes_too(studio: Studio) -> None:
    first, _ = rows(studio, "one", "two")
    studio.history.set_note(first.id, "", "Intro")
    assert found(studio, "fiona") == ["two", "one"]
    assert found(studio, "intro") == ["one"]
    assert found(studio, "\ud800") == ["two", "one"]  # JSON can carry half a character


def test_pages_follow_one_another_without_gap_or_overlap(studio: Studio) -> None:
    texts = [f"take {number}" for number in range(25)]
    rows(studio, *texts)
    pages = [studio.history.list("", limit=10, offset=offset) for offset in (0, 10, 20, 30)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [record.text for page in pages for record in page] == texts[::-1]


def test_owners_are_separate(studio: Studio) -> None:
    (mine,) = rows(studio, "secret", owner="ann")
    for forbidden in (
        lambda: studio.history.get(mine.id, "bob"),
        lambda: studio.history.delete(mine.id, "bob"),
        lambda: studio.history.set_note(mine.id, "bob", "x"),
        lambda: studio.history.set_favourite(mine.id, "bob", True),
        lambda: studio.history.export([mine.id], "bob", studio.workspace.outputs / "x.zip"),
    ):
        with pytest.raises(NotFound):
            forbidden()
    assert studio.history.list("bob", "secret") == []
    assert studio.history.get(mine.id, "ann") == mine


def test_delete_removes_the_row_and_the_files(studio: Studio) -> None:
    record, other = spoken(studio), spoken(studio)
    path = studio.history.path(record)
    assert sidecar_path(path).exists()
    studio.history.delete(record.id, "")
    assert not path.exists()
    assert not sidecar_path(path).exists()
    assert studio.history.list("") == [other]
    assert studio.history.path(other).exists()
    with pytest.raises(NotFound):
        studio.history.delete(record.id, "")


def test_delete_leaves_no_copy_behind(studio: Studio) -> None:
    record, other = spoken(studio), spoken(studio, "Another text.")
    for folder in (studio.workspace.encoded, studio.workspace.gradio_temp / "takes"):
        folder.mkdir(parents=True, exist_ok=True)
        for take in (record, other):
            (folder / studio.history.path(take).with_suffix(".mp3").name).write_bytes(b"a copy")
    stem = studio.history.path(record).stem
    studio.history.delete(record.id, "")
    left = [path.name for path in studio.settings.home.rglob("*.mp3")]
    assert len(left) == 2
    assert not any(stem in name for name in left)


def test_a_row_that_names_a_file_outside_deletes_nothing(studio: Studio, tmp_path: Path) -> None:
    canary = tmp_path / "canary.wav"
    canary.write_bytes(b"precious")
    (record,) = rows(studio, "one")
    escaping = replace(record, id="bad", file="../../canary.wav")
    studio.history.add(escaping)
    with pytest.raises(Exception, match="leads out"):
        studio.history.delete("bad", "")
    assert canary.read_bytes() == b"precious"


def test_a_file_removed_by_hand_is_named(studio: Studio) -> None:
    record = spoken(studio)
    path = studio.history.path(record)
    path.unlink()
    for ask in (studio.history.path, studio.history.words):
        with pytest.raises(NotFound, match=path.name):
            ask(record)
    studio.history.delete(record.id, "")
    assert studio.history.list("") == []


def test_a_sidecar_removed_by_hand_takes_only_the_timings(studio: Studio, tmp_path: Path) -> None:
    record = spoken(studio)
    path = studio.history.path(record)
    sidecar_path(path).unlink()
    assert studio.history.words(record) == ()
    with zipfile.ZipFile(studio.history.export([record.id], "", tmp_path / "x.zip")) as archive:
        assert archive.namelist() == [path.name]


def test_an_export_holds_the_same_bytes(studio: Studio, tmp_path: Path) -> None:
    records = [spoken(studio, f"Take {number}.") for number in range(2)]
    ids = [record.id for record in records]
    target = studio.history.export([*ids, ids[0]], "", tmp_path / "folder" / "takes.zip")
    expected = {}
    for record in records:
        path = studio.history.path(record)
        expected |= {file.name: file.read_bytes() for file in (path, sidecar_path(path))}
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == expected


def test_an_export_with_an_unknown_take_leaves_nothing(studio: Studio, tmp_path: Path) -> None:
    record = spoken(studio)
    with pytest.raises(NotFound):
        studio.history.export([record.id, "no such take"], "", tmp_path / "takes.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_an_estimate_learns_from_past_takes(studio: Studio) -> None:
    before = studio.history.estimate("preset", "espeak", 1_000, 1.0)
    assert before.seconds is None
    assert before.audio_seconds == pytest.approx(
        2 * studio.history.estimate("preset", "espeak", 1_000, 2.0).audio_seconds
    )
    rows(studio, "x" * 10, "x" * 30)  # 40 characters took 1 s and sound for 4 s
    after = studio.history.estimate("preset", "espeak", 1_000, 1.0)
    assert after.audio_seconds == pytest.approx(100)
    assert after.seconds == pytest.approx(25)
    assert studio.history.estimate("clone", "espeak", 1_000, 1.0).seconds is None


def test_the_history_outlives_the_studio(studio: Studio) -> None:
    record = spoken(studio)
    with Studio(studio.settings) as another:
        assert another.history.list("") == [record]
        assert another.history.path(record).exists()
