"""Promises of a build: the same files whatever happens on the way, and a word on all that goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import zipfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from studio import __version__
from studio.audio.types import Samples
from studio.dataset.ledger import DatasetFolder
from studio.dataset.metadata import read_metadata
from studio.dataset.values import NONE, Limits, PrepareSettings
from studio.errors import BadInput, Busy, Cancelled
from studio.files import write_json
from studio.jobs import JobContext
from studio.services.dataset_values import SegmentQuery
from studio.services.studio import Studio
from studio.settings import load_settings
from tests.spoken import RATE, saved, silence, spoken
from training.prepare.job import run

#: Builds in this process, with the texts that lie beside the recordings.
HERE = PrepareSettings(recognizer=NONE, processes=1, language="en", eval_share=0.3)
SPHINX = {"engine": "pocketsphinx", "model": "", "language": "en"}

SENTENCES = (
    "We will see you at the station this morning.",
    "The quick brown fox jumps over the lazy dog.",
    "Please close the window, it is cold in here.",
    "My brother works in a large office downtown.",
)


def take(*sentences: str, seed: int = 0, pause: float = 0.7) -> Samples:
    """Sentences with pauses between them, in a quiet room."""
    parts = [silence(0.7)]
    for sentence in sentences:
        parts += [spoken(sentence), silence(pause)]
    sound = np.concatenate(parts)
    return sound + np.random.default_rng(seed).normal(0, 1e-3, len(sound)).astype(np.float32)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two takes of a sentence each with their texts, and one of two without."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number, sentence in enumerate(SENTENCES[:2], 1):
        saved(folder / f"take {number}.wav", take(sentence, seed=number))
        (folder / f"take {number}.txt").write_text(sentence)
    saved(folder / "take 3.wav", take(*SENTENCES[2:], seed=3))
    return folder


def context_of(studio: Studio, id: str) -> JobContext:
    job = studio.jobs.store.create("training.prepare.job:run", {"dataset": id}, title="Build")
    studio.jobs.store.ask_to_stop(job.id)  # nobody else is to start it
    return JobContext(job, studio.settings, studio.jobs.folder(job.id))


def build(studio: Studio, id: str, recognizer: dict[str, str] | None = None) -> dict[str, Any]:
    """In this process."""
    return run({"dataset": id, "recognizer": recognizer}, context_of(studio, id))


def folder_of(studio: Studio, id: str) -> DatasetFolder:
    return DatasetFolder(studio.workspace.datasets / id)


def files(studio: Studio, id: str) -> dict[str, bytes]:
    """All that has to be the same in every build."""
    root = folder_of(studio, id).root
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "config.json" and path.suffix != ".lock"
    }


def results(studio: Studio) -> dict[str, int]:
    """What was prepared, and when."""
    found = studio.workspace.prepared.glob("*/prepared.json")
    return {path.parent.name: path.stat().st_mtime_ns for path in found}


def test_recordings_become_segments_with_texts_and_files(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    result = build(studio, made.id)
    assert (result["sources"], result["problems"]) == (3, [])
    rows = read_metadata(folder_of(studio, made.id).root)
    assert sorted(row.text for row in rows) == sorted(SENTENCES[:2])
    assert {row.speaker for row in rows} == {"Ann"}
    assert result["kept"] == 2
    assert result["kept_s"] == pytest.approx(sum(row.segment.duration for row in kept(studio, made.id)))
    now = studio.datasets.get(made.id, "")
    assert (now.state, now.stale, now.language, now.recordings) == ("ready", "", "en", 3)
    assert [source.name for source in now.sources] == ["take 1.wav", "take 2.wav", "take 3.wav"]
    assert now.notes == tuple(result["notes"])
    assert all(source.speech_s > 1 and source.speaker == "Ann" for source in now.sources)
    made_by = about(studio, made.id)["built_with"]
    assert (made_by["recognizer"], made_by["timbre"]) == ("none", __version__)
    assert made_by["webrtcvad-wheels"] == version("webrtcvad-wheels")


def about(studio: Studio, id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder_of(studio, id).root / "dataset.json").read_text("utf-8"))
    return found


def kept(studio: Studio, id: str) -> list[Any]:
    return list(studio.datasets.segments(id, "", SegmentQuery(kept=True)).rows)


def test_recognised_texts_stand_beside_given_ones(studio: Studio, recordings: Path) -> None:
    settings = replace(HERE, recognizer="pocketsphinx", limits=Limits(min_confidence=None))
    untold = saved(recordings / "untold.wav", take(SENTENCES[3], seed=4))
    made = studio.datasets.create("Ann", "", settings, [recordings / "take 1.wav", untold])
    build(studio, made.id, SPHINX)
    rows = studio.datasets.segments(made.id, "", SegmentQuery()).rows
    given = [row.segment for row in rows if row.segment.given]
    assert [each.text for each in given] == list(SENTENCES[:1])
    assert len(rows) == 2
    assert all(each.given_error is not None and each.recognised for each in given)
    assert all(row.segment.text for row in rows)
    made_by = about(studio, made.id)["built_with"]
    assert (made_by["recognizer"], made_by["pocketsphinx"]) == ("pocketsphinx", version("pocketsphinx"))


def test_a_second_build_does_nothing_again(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    build(studio, made.id)
    before, prepared = files(studio, made.id), results(studio)
    assert len(prepared) == 3
    left = studio.workspace.prepared / ".abc.999999999.0123abcd.partial"  # by a process that was killed
    left.mkdir()
    (left / "sound").write_bytes(b"1234")
    build(studio, made.id)
    assert files(studio, made.id) == before
    assert results(studio) == prepared
    assert not left.exists()


def test_what_no_build_has_used_for_a_month_leaves_the_cache(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    build(studio, made.id)
    before, prepared = files(studio, made.id), results(studio)
    other = studio.datasets.create("Bob", "", HERE, [recordings / "take 1.wav"])
    for folder in studio.workspace.prepared.iterdir():
        os.utime(folder, (1.0, time.time() - 31 * 24 * 3600))
    build(studio, other.id)
    assert len(results(studio)) == 1
    assert files(studio, made.id) == before
    build(studio, made.id)
    assert results(studio).keys() == prepared.keys()
    assert files(studio, made.id) == before


def test_a_set_that_is_deleted_leaves_nothing_of_its_recordings(
    studio: Studio, recordings: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(recordings / "take 3.wav", "take 3.wav")
    first, archived = recordings / "take 1.wav", tmp_path / "more.zip"
    os.utime(first, (1e9, 1e9))  # its hash is remembered
    made = studio.datasets.create("Ann", "ann", HERE, [first, archived], copy=True)
    build(studio, made.id)
    cache = studio.workspace.prepared
    for source in studio.datasets.get(made.id, "ann").sources:
        write_json(cache / "texts" / f"{source.id}.json", {})  # as recognising leaves them
    other = studio.datasets.create("Bob", "bob", HERE, [first])
    build(studio, other.id)
    studio.datasets.delete(made.id, "ann")
    [source] = studio.datasets.get(other.id, "bob").sources
    left = {path.relative_to(cache).parts[0] for path in cache.rglob("*") if path.is_file()}
    assert left == {*results(studio), "hashes", "texts"}
    assert {path.stem.partition("-")[0] for path in cache.glob("*/*.wav")} == {source.id}
    assert [path.stem for path in (cache / "texts").iterdir()] == [source.id]
    assert [path.stem for path in (cache / "hashes").iterdir()] == [other.id]


def test_only_what_is_new_is_prepared(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    build(studio, made.id)
    prepared = results(studio)
    saved(recordings / "take 4.wav", take(SENTENCES[0], seed=9))
    build(studio, made.id)
    assert prepared.items() <= results(studio).items()
    assert len(results(studio)) == 4


def test_what_people_decided_outlives_a_build(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    build(studio, made.id)
    first, second, *_ = [
        row.segment.id for row in studio.datasets.segments(made.id, "", SegmentQuery()).rows
    ]
    studio.datasets.decide(made.id, "", [first], False)
    studio.datasets.edit_text(made.id, "", second, "Something else.")
    before = files(studio, made.id)
    folder_of(studio, made.id).ledger_file.write_text('{"kind": "seg')  # which a build mends
    build(studio, made.id)
    assert files(studio, made.id) == before
    assert [row.text for row in kept(studio, made.id)] == ["Something else."]


def test_what_people_wrote_stays_with_what_it_was_written_of(studio: Studio, recordings: Path) -> None:
    """Other settings give the same ids to other stretches."""
    long = saved(recordings / "long.wav", take(*SENTENCES, seed=5, pause=0.3))
    settings = replace(HERE, max_s=4.0)
    made = studio.datasets.create("Ann", "", settings, [long])
    build(studio, made.id)
    cut = studio.datasets.ledger(made.id, "").segments
    assert len(cut) > 2
    for number, segment in enumerate(cut):
        studio.datasets.edit_text(made.id, "", segment.id, f"Text {number}.")
    before = folder_of(studio, made.id).review_file.read_bytes()

    studio.datasets.change(made.id, "", settings=replace(settings, max_s=8.0))
    result = build(studio, made.id)
    longer = studio.datasets.ledger(made.id, "").segments
    assert len(longer) < len(cut)
    assert not kept(studio, made.id), "each says more than what somebody wrote of a part of it"
    assert any(f"decided of {len(cut)} segments" in note for note in result["notes"])
    studio.datasets.edit_text(made.id, "", longer[0].id, "All of it.")

    studio.datasets.change(made.id, "", settings=replace(settings, padding_s=0.1))
    build(studio, made.id)
    texts = [row.text for row in kept(studio, made.id)]
    assert texts == [f"Text {number}." for number in range(len(cut))]
    studio.datasets.change(made.id, "", settings=replace(settings, max_s=8.0))
    build(studio, made.id)
    assert [row.text for row in kept(studio, made.id)] == ["All of it."]
    studio.datasets.edit_text(made.id, "", longer[0].id, None)
    studio.datasets.change(made.id, "", settings=settings)
    build(studio, made.id)
    assert folder_of(studio, made.id).review_file.read_bytes() == before


def test_other_settings_replace_the_sounds(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    build(studio, made.id)
    before = files(studio, made.id)
    louder = studio.datasets.change(made.id, "", settings=replace(HERE, loudness_lufs=-25.0))
    assert "build it again" in louder.stale
    build(studio, made.id)
    after = files(studio, made.id)
    assert after.keys() == before.keys()
    assert not any(after[name] == before[name] for name in after if name.endswith(".wav"))
    assert studio.datasets.get(made.id, "").stale == ""


def test_bad_files_are_reported_and_the_rest_goes_on(studio: Studio, recordings: Path) -> None:
    (recordings / "bad.wav").write_bytes(b"nothing of sound")
    shutil.copy(recordings / "take 1.wav", recordings / "copy.wav")
    whole = (recordings / "take 3.wav").read_bytes()
    (recordings / "take 3.wav").write_bytes(whole[: len(whole) // 2])
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    result = build(studio, made.id)
    problems = {each["name"]: each for each in result["problems"]}
    assert "bad.wav" in problems
    assert all(each["problem"] and each["hint"] for each in problems.values())
    assert result["kept"] == 2
    assert any("copy.wav (as take 1.wav)" in note for note in result["notes"])


def test_nothing_but_bad_files_is_said(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"nothing of sound")
    made = studio.datasets.create("Ann", "", HERE, [tmp_path / "bad.wav"])
    with pytest.raises(BadInput, match=r"bad\.wav"):
        build(studio, made.id)
    assert files(studio, made.id) == {}


@pytest.mark.parametrize("kind", ["silence", "music"])
def test_without_speech_nothing_is_kept_and_that_is_said(
    studio: Studio, tmp_path: Path, kind: str
) -> None:
    seconds = np.arange(8 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in (220.0, 277.2, 329.6)) / 6
    sound = silence(8.0) if kind == "silence" else chord.astype(np.float32)
    path = saved(tmp_path / f"{kind}.wav", sound)
    made = studio.datasets.create("Ann", "", HERE, [path])
    result = build(studio, made.id)
    assert (result["kept"], result["sources"], result["problems"]) == (0, 1, [])
    assert result["words"]
    assert result["notes"]
    assert all(
        row.segment.duration <= 11.001
        for row in studio.datasets.segments(made.id, "", SegmentQuery()).rows
    )
    assert read_metadata(folder_of(studio, made.id).root) == []


def test_nothing_kept_is_an_end_as_well(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", replace(HERE, limits=Limits(min_snr_db=90)), [recordings])
    result = build(studio, made.id)
    assert result["kept"] == 0
    assert "No segment is kept." in result["notes"]
    assert studio.datasets.apply(made.id, "", Limits()).kept == 2, "given texts were kept"


def test_voices_are_compared_where_a_limit_asks_for_it_or_it_is_said_why_not(
    studio: Studio, recordings: Path
) -> None:
    settings = replace(HERE, limits=Limits(min_speaker_similarity=0.5))
    made = studio.datasets.create("Ann", "", settings, [recordings])
    result = build(studio, made.id)
    assert any("Voices were not compared" in note for note in result["notes"])
    assert (result["kept"], studio.datasets.get(made.id, "").stale) == (2, "")


def test_two_builds_of_one_set_are_refused(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    with FileLock(folder_of(studio, made.id).root / ".build.lock"), pytest.raises(Busy, match="already"):
        build(studio, made.id)


def test_it_stops_where_it_is_told_to(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    context = context_of(studio, made.id)
    context.cancel()
    with pytest.raises(Cancelled):
        run({"dataset": made.id, "recognizer": None}, context)
    assert not list(studio.workspace.prepared.glob("*/prepared.json"))


def test_one_process_or_two_make_the_same(studio: Studio, recordings: Path) -> None:
    one = studio.datasets.create("Ann", "", HERE, [recordings])
    build(studio, one.id)
    expected = files(studio, one.id)
    shutil.rmtree(studio.workspace.prepared)
    studio.datasets.change(one.id, "", settings=replace(HERE, processes=2))
    build(studio, one.id)
    assert files(studio, one.id) == expected


class _Killer:
    """Kills this process before its n-th change to the disk."""

    def __init__(self, home: Path, number: int) -> None:
        self._home, self._left = str(home), number

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        changes = event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir")
        if event == "open" and isinstance(arguments[2], int):
            changes = bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if changes and self._home in str(arguments[0]):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def killed_at(studio: Studio, id: str, number: int) -> bool:
    """Build in a copy of this process; whether it was killed before its end."""
    context = context_of(studio, id)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sys.addaudithook(_Killer(studio.settings.home, number))
            run({"dataset": id, "recognizer": None}, context)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(sys.platform != "linux", reason="a process with threads can be copied on Linux only")
def test_a_build_killed_before_every_change_to_the_disk_ends_like_any_other(
    studio: Studio, recordings: Path, tmp_path: Path
) -> None:
    with Studio(load_settings(home=tmp_path / "other", models_dir=tmp_path / "models")) as other:
        same = other.datasets.create("Ann", "", HERE, [recordings])
        build(other, same.id)
        expected = files(other, same.id)
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    root, kills = folder_of(studio, made.id).root, 0
    while killed_at(studio, made.id, kills + 1):
        kills += 1
        named = read_metadata(root) if (root / "metadata.csv").exists() else []
        assert all((root / row.audio).is_file() for row in named)
    assert kills > 20
    assert files(studio, made.id) == expected
    assert len(results(studio)) == 3
