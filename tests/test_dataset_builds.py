"""Promises of builds as jobs: they go on after a kill, stop when told, and say what the disk says."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from studio.dataset.metadata import read_metadata
from studio.dataset.values import PrepareSettings
from studio.errors import Busy, ModelMissing, StorageFailed
from studio.jobs import Job, JobContext, JobStatus
from studio.services.studio import Studio
from studio.settings import load_settings
from tests.running import until
from tests.small_disk import tiny_disk
from tests.spoken import saved
from tests.test_prepare_job import HERE, SENTENCES, build, context_of, files, folder_of, results, take
from training.prepare.job import run

BOTH = replace(HERE, processes=2)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Four with their texts."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number, sentence in enumerate(SENTENCES):
        saved(folder / f"take {number}.wav", take(sentence, seed=number))
        (folder / f"take {number}.txt").write_text(sentence)
    return folder


def was_full(id: str, context: JobContext) -> bool:
    """Whether a build of a set was told so."""
    try:
        run({"dataset": id, "recognizer": None}, context)
    except StorageFailed as error:
        return "full" in error.message and bool(error.hint)
    return False


def running(studio: Studio, id: str) -> Job:
    studio.jobs.tick()
    job = studio.datasets.job(id, "")
    assert job is not None
    return job


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_killed_build_goes_on_without_redoing_what_was_finished(
    studio: Studio, recordings: Path, tmp_path: Path
) -> None:
    # So long that it is not done when a shorter one is.
    saved(recordings / "take 3.wav", take(*[SENTENCES[3]] * 12, seed=3))
    (recordings / "take 3.txt").write_text(" ".join([SENTENCES[3]] * 12))
    made = studio.datasets.create("Ann", "", BOTH, [recordings])
    first = studio.datasets.build(made.id, "")
    until(lambda: len(results(studio)) >= 1, 60)
    family = psutil.Process(running(studio, made.id).pid).children(recursive=True)
    os.kill(running(studio, made.id).pid or 0, signal.SIGKILL)
    until(lambda: running(studio, made.id).status is JobStatus.INTERRUPTED)
    psutil.wait_procs(family, timeout=5)
    assert not [each for each in family if each.is_running()]
    assert studio.datasets.get(made.id, "").state == "interrupted"
    assert files(studio, made.id) == {}
    finished = results(studio)

    again = studio.datasets.build(made.id, "")
    assert (again.id, again.attempt) == (first.id, 2)
    ended = studio.jobs.wait(again.id, 120)
    assert (ended.status, ended.result["sources"]) == (JobStatus.DONE, 4)
    assert studio.datasets.get(made.id, "").state == "ready"
    assert finished.items() <= results(studio).items()

    with Studio(load_settings(home=tmp_path / "other", models_dir=tmp_path / "models")) as other:
        same = other.datasets.create("Ann", "", HERE, [recordings])
        build(other, same.id)
        assert files(other, same.id) == files(studio, made.id)


def test_while_it_is_built_a_set_is_not_built_copied_or_deleted(
    studio: Studio, recordings: Path
) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    job = studio.datasets.build(made.id, "")
    until(lambda: running(studio, made.id).pid)
    process = psutil.Process(running(studio, made.id).pid)
    process.suspend()  # or it might be done before it is stopped
    assert studio.datasets.get(made.id, "").state == "building"
    for refused in (studio.datasets.build, studio.datasets.delete):
        with pytest.raises(Busy, match="being built"):
            refused(made.id, "")
    with pytest.raises(Busy, match="being built"):
        studio.datasets.duplicate(made.id, "", "Copy")

    studio.datasets.stop(made.id, "")
    process.resume()
    assert studio.jobs.wait(job.id, 60).status is JobStatus.CANCELLED
    assert studio.datasets.get(made.id, "").state == "interrupted"
    studio.datasets.delete(made.id, "")
    assert studio.jobs.store.list() == []


def test_what_is_decided_while_it_is_built_counts(studio: Studio, recordings: Path) -> None:
    made = studio.datasets.create("Ann", "", HERE, [recordings])
    build(studio, made.id)
    before = studio.datasets.get(made.id, "").kept
    [first, *_] = [each.id for each in studio.datasets.ledger(made.id, "").segments]
    job = studio.datasets.build(made.id, "")
    studio.datasets.decide(made.id, "", [first], False)
    ended = studio.jobs.wait(job.id, 120)
    assert ended.status is JobStatus.DONE, ended.message + studio.jobs.log_tail(job.id)
    assert ended.result["kept"] == before - 1


def test_the_best_recognizer_is_chosen_and_none_is_said(studio: Studio, recordings: Path) -> None:
    settings = PrepareSettings(language="en", processes=1)
    made = studio.datasets.create("Ann", "", settings, [recordings])
    job = studio.datasets.build(made.id, "")
    studio.datasets.stop(made.id, "")
    assert job.params["recognizer"] == {"engine": "pocketsphinx", "model": "", "language": "en"}

    other = replace(settings, language="de")
    made = studio.datasets.create("Anna", "", other, [recordings / "take 0.wav"])
    job = studio.datasets.build(made.id, "")
    assert job.params["recognizer"] is None
    ended = studio.jobs.wait(job.id, 120)
    assert any("No recognizer" in note for note in ended.result["notes"])

    studio.datasets.change(made.id, "", settings=replace(other, recognizer="whisper"))
    with pytest.raises(ModelMissing):
        studio.datasets.build(made.id, "")
    assert studio.datasets.get(made.id, "").job == job.id


def test_a_full_disk_is_said_and_the_next_build_ends_like_any_other(
    studio: Studio, recordings: Path
) -> None:
    inputs = [recordings / f"take {number}.wav" for number in range(3)]
    expected = studio.datasets.create("Ann", "", HERE, inputs)
    build(studio, expected.id)
    with tiny_disk("4m") as disk, Studio(load_settings(home=disk / "home")) as small:
        made = small.datasets.create("Ann", "", HERE, inputs)
        ballast, failures = disk / "ballast", 0
        for room in range(20_000, 1_000_000, 90_000):
            context = context_of(small, made.id)
            ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - room)))
            failures += was_full(made.id, context)
            ballast.unlink()
            root = folder_of(small, made.id).root
            named = read_metadata(root) if (root / "metadata.csv").exists() else []
            assert all((root / row.audio).is_file() for row in named)
            assert not list(root.rglob("*.partial"))
        assert failures >= 3
        build(small, made.id)
        assert files(small, made.id) == files(studio, expected.id)
