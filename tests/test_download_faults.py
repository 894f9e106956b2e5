"""Whatever a hub, the line or the disk does: nothing wrong is published, nothing right is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio.jobs import JobStatus
from studio.models.publishing import aside_of, partial_of
from studio.models.registry import entry_of
from studio.services.studio import Studio
from tests.downloading import (
    CODEC,
    ENTRY,
    FILES,
    TOTAL,
    WEIGHTS,
    done,
    finished,
    is_whole,
    nothing_published,
    opened,
    serving,
    target,
    until,
)
from tests.hub import Hub
from tests.model_folders import BASE, contents, make_model
from tests.small_disk import tiny_disk


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serving(monkeypatch, tmp_path) as hub:
        yield hub


@pytest.fixture
def studio(hub: Hub, tmp_path: Path) -> Iterator[Studio]:
    with opened(tmp_path) as studio:
        yield studio


def test_a_cut_connection_is_gone_on_from(studio: Studio, hub: Hub) -> None:
    hub.faults.cut_after = {WEIGHTS: 800_000, CODEC: 1_000_000}
    job = done(studio)
    assert is_whole(studio)
    # What a piece of 256 KiB had not filled yet is fetched again, no more.
    assert hub.served[WEIGHTS] < len(FILES[WEIGHTS]) + 300_000
    assert any("bytes=" in headers.get("Range", "") for _, headers in hub.asked)
    assert "broke off" in studio.jobs.log_tail(job.id)


def test_a_flipped_byte_is_found_and_that_file_alone_fetched_again(studio: Studio, hub: Hub) -> None:
    hub.faults.flipped = {WEIGHTS: 1}
    job = done(studio)
    assert is_whole(studio)
    assert hub.served[WEIGHTS] == 2 * len(FILES[WEIGHTS])
    assert hub.served[CODEC] == len(FILES[CODEC])
    assert "SHA-256 is not the published one" in studio.jobs.log_tail(job.id)


@pytest.mark.parametrize("name", [WEIGHTS, "vocab.json"])
def test_a_byte_that_stays_wrong_is_an_error_and_publishes_nothing(
    studio: Studio, hub: Hub, name: str
) -> None:
    hub.faults.flipped = {name: 99}
    job = finished(studio)
    assert job.status is JobStatus.FAILED
    assert f"{name} from Hugging Face was not right 2 times" in job.message
    assert hub.served[name] == 2 * len(FILES[name])
    assert nothing_published(studio)
    hub.faults.flipped = {}
    done(studio)
    assert hub.served[CODEC] == len(FILES[CODEC]), "what was right is kept"


@pytest.mark.parametrize("fault", ["ignores_range", "shifts_range"])
def test_wrong_answers_to_range_do_no_harm(studio: Studio, hub: Hub, fault: str) -> None:
    setattr(hub.faults, fault, True)
    hub.faults.cut_after = {WEIGHTS: 800_000}
    done(studio)
    assert is_whole(studio)


def test_a_killed_download_goes_on_and_fetches_only_the_rest(studio: Studio, hub: Hub) -> None:
    hub.faults.pause_s = 0.01
    job = studio.models.download(BASE)
    job = until(studio, job, lambda job: job.step > 1_500_000)
    assert job.pid is not None
    children = psutil.Process(job.pid).children(recursive=True)
    psutil.Process(job.pid).kill()
    psutil.wait_procs(children, timeout=5)
    assert not any(child.is_running() for child in children), "the client outlived its job"
    assert finished(studio, job).status is not JobStatus.DONE
    hub.faults.pause_s = 0
    kept = partial_of(target(studio))
    there = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    hub.served.clear()
    done(studio, studio.jobs.resume(job.id))
    assert is_whole(studio)
    assert sum(hub.served.values()) < TOTAL - there + 2_000


def test_a_hub_that_hangs_is_given_up_after_the_time_limit(studio: Studio, hub: Hub) -> None:
    hub.faults.hangs_on = WEIGHTS
    job = finished(studio)
    assert job.status is JobStatus.FAILED
    assert "silent: nothing came for 2 seconds" in job.message


def test_a_disk_that_is_too_small_is_said_with_figures_before_anything_is_fetched(
    studio: Studio, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tiny_disk("2m") as disk:
        monkeypatch.setenv("QWEN_TTS_MODELS_DIR", str(disk))
        job = finished(studio)
        assert job.status is JobStatus.FAILED
        assert "3 MB are needed and 2 MB are free" in job.message
        assert "Free " in job.hint
        assert sum(hub.served.values()) == 0


def test_a_disk_that_fills_up_is_said_so_and_the_download_goes_on_later(
    studio: Studio, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tiny_disk("4m") as disk:
        monkeypatch.setenv("QWEN_TTS_MODELS_DIR", str(disk))
        hub.faults.pause_s = 0.03
        job = studio.models.download(BASE)
        until(studio, job, lambda job: job.step > 200_000)
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - 300_000))
        job = finished(studio, job)
        assert job.status is JobStatus.FAILED
        assert "The disk is full" in job.message
        assert "kept" in job.hint
        assert not list(disk.glob(f"{ENTRY.folder}*"))
        (disk / "ballast").unlink()
        hub.faults.pause_s = 0
        assert done(studio).result["folder"] == str(disk / ENTRY.folder)


@pytest.mark.parametrize("how", ["not listed", "listed, but not there"])
def test_a_file_that_the_hub_lacks_is_named(studio: Studio, hub: Hub, how: str) -> None:
    if how == "not listed":
        del hub.repos[ENTRY.hugging_face]["vocab.json"]
    else:
        hub.faults.gone = {"vocab.json"}
    job = finished(studio)
    assert job.status is JobStatus.FAILED
    assert "vocab.json" in job.message
    assert nothing_published(studio)


def test_hostile_names_in_the_listing_write_nothing_outside(
    studio: Studio, hub: Hub, tmp_path: Path
) -> None:
    hub.faults.extra_names = (
        "../evil.json", "../../evil.json", "/tmp/evil.json", "..\\evil.json", "config.json/../../evil.json",
        "%2e%2e/evil.json", "speech_tokenizer/../../evil.json", "./config.json", "con", "\0",
    )  # fmt: skip
    done(studio)
    assert is_whole(studio)
    assert not list(tmp_path.rglob("*evil*"))
    assert not [path for path, _ in hub.asked if "evil" in path]


def test_another_model_under_that_name_is_not_published(studio: Studio, hub: Hub) -> None:
    hub.repos[ENTRY.hugging_face]["config.json"] = contents(entry_of("qwen-1.7b-base"))["config.json"]
    job = finished(studio)
    assert "this is another model" in job.message
    assert nothing_published(studio)


def test_a_damaged_model_is_replaced_only_by_a_whole_one(studio: Studio, hub: Hub) -> None:
    make_model(target(studio))
    (target(studio) / "vocab.json").unlink()
    (target(studio) / "mine.txt").write_text("mine")
    hub.faults.flipped = {WEIGHTS: 99}
    assert finished(studio).status is JobStatus.FAILED
    assert (target(studio) / "mine.txt").read_text() == "mine"
    hub.faults.flipped = {}
    target(studio).rename(aside_of(target(studio)))  # as if killed between the two renames
    done(studio)
    assert is_whole(studio)


def test_of_a_model_that_lacks_a_small_file_only_that_one_is_fetched(studio: Studio, hub: Hub) -> None:
    for name, content in FILES.items():
        (target(studio) / name).parent.mkdir(parents=True, exist_ok=True)
        (target(studio) / name).write_bytes(content)
    (target(studio) / "vocab.json").unlink()
    (target(studio) / CODEC).write_bytes(b"something else")
    hub.faults.flipped = {CODEC: 99}
    assert finished(studio).status is JobStatus.FAILED
    assert (target(studio) / CODEC).read_bytes() == b"something else", "the old one stays as it was"
    hub.faults.flipped = {}
    done(studio)
    assert is_whole(studio)
    assert set(hub.served) == {CODEC, "vocab.json"}
