"""Promises of downloads, kept with the real client over real HTTP."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio.errors import BadInput, NotFound
from studio.jobs import JobStatus
from studio.models.manifest import MANIFEST
from studio.services.studio import Studio
from tests.downloading import (
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
from tests.model_folders import BASE, make_model
from tests.running import free_port


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serving(monkeypatch, tmp_path) as hub:
        yield hub


@pytest.fixture
def studio(hub: Hub, tmp_path: Path) -> Iterator[Studio]:
    with opened(tmp_path) as studio:
        yield studio


def test_one_click_brings_the_whole_model_and_notes_where_it_came_from(
    studio: Studio, hub: Hub, tmp_path: Path
) -> None:
    job = done(studio)
    assert job.result["provider"] == "huggingface"
    assert is_whole(studio)
    note = json.loads((target(studio) / MANIFEST).read_text())
    assert (note["repository"], note["revision"]) == (ENTRY.hugging_face, hub.revision)
    assert note["files"].keys() == FILES.keys()
    assert note["files"][WEIGHTS]["sha256"] == hashlib.sha256(FILES[WEIGHTS]).hexdigest()
    assert all(hub.served[name] == len(content) for name, content in FILES.items())
    stored = sum(path.stat().st_size for path in (tmp_path / "hf").rglob("*") if path.is_file())
    assert stored < 10_000, "a second copy stayed in the cache"


def test_progress_is_in_bytes_with_the_speed_and_the_time_left(studio: Studio, hub: Hub) -> None:
    hub.faults.pause_s = 0.02
    job = studio.models.download(BASE)
    job = until(studio, job, lambda job: job.step > 600_000 and job.eta(time.time()))
    assert (job.total, "MB/s" in job.stage) == (TOTAL, True)
    assert 0 < job.step < job.total
    left = job.eta(time.time())
    assert left is not None
    assert 0 < left < 30
    assert studio.models.status(BASE).busy
    assert studio.models.download(BASE).id == job.id, "the second click starts no second download"
    done(studio, job)


def test_only_what_the_model_needs_is_fetched(studio: Studio, hub: Hub) -> None:
    hub.repos[ENTRY.hugging_face] |= {"README.md": b"words", "training.bin": bytes(9999)}
    done(studio)
    assert is_whole(studio)
    assert not {"README.md", "training.bin"} & set(hub.served)


def test_cancel_stops_within_two_seconds_and_leaves_no_process(studio: Studio, hub: Hub) -> None:
    hub.faults.hangs_on = WEIGHTS
    job = studio.models.download(BASE)
    job = until(studio, job, lambda job: job.step > 100_000)
    assert job.pid is not None
    children = psutil.Process(job.pid).children(recursive=True)
    began = time.monotonic()
    studio.models.cancel(BASE)
    assert finished(studio, job).status is JobStatus.CANCELLED
    assert time.monotonic() - began < 2
    assert not any(child.is_running() for child in children)
    assert nothing_published(studio)


def test_two_studios_with_the_same_models_do_not_download_at_once(
    studio: Studio, hub: Hub, tmp_path: Path
) -> None:
    hub.faults.pause_s = 0.02
    job = until(studio, studio.models.download(BASE), lambda job: job.step > 300_000)
    with opened(tmp_path, "another home") as other:
        assert "by another Timbre" in finished(other).message
    done(studio, job)
    assert is_whole(studio)


def test_a_whole_model_is_left_as_it_is(studio: Studio, hub: Hub) -> None:
    make_model(target(studio))
    assert done(studio).result["already"] is True
    assert hub.asked == []


def test_without_network_the_way_by_hand_is_the_remedy(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    job = finished(studio)
    assert "Hugging Face could not be reached" in job.message
    for command in studio.models.by_hand(BASE):
        assert command in job.hint


def test_the_other_provider_is_tried_and_the_log_says_so(studio: Studio, hub: Hub) -> None:
    hub.repos.clear()
    job = finished(studio, provider="auto")
    assert job.status is JobStatus.FAILED
    assert "has no Qwen/" in job.message
    assert "pip install modelscope" in job.message
    assert "trying ModelScope" in studio.jobs.log_tail(job.id)


MODELSCOPE = {
    "hub/api.py": """
class HubApi:
    def get_model_files(self, repo, revision, recursive):
        from pathlib import Path
        root = Path(__file__).with_name("files")
        return [{"Path": path.relative_to(root).as_posix(), "Size": path.stat().st_size}
                for path in root.rglob("*") if path.is_file()]
""",
    "hub/snapshot_download.py": """
import shutil
from pathlib import Path
def snapshot_download(repo, revision, local_dir, allow_patterns):
    for name in allow_patterns:
        (Path(local_dir) / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).with_name("files") / name, Path(local_dir) / name)
""",
}


def test_a_download_from_the_other_provider_is_checked_and_published_alike(
    studio: Studio, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for ModelScope's package, which is not among ours."""
    package = tmp_path / "extra/modelscope"
    made = {name: code.encode() for name, code in MODELSCOPE.items()}
    made |= {"__init__.py": b"", "hub/__init__.py": b""}
    for name, content in {**made, **{f"hub/files/{name}": FILES[name] for name in FILES}}.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(content)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    hub.faults.status = 503
    assert done(studio, studio.models.download(BASE)).result["provider"] == "modelscope"
    assert is_whole(studio)


def test_an_account_is_used_but_never_shown(
    studio: Studio, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "canary" + "-of-the-account"
    monkeypatch.setenv("HF_TOKEN", token)
    hub.faults.status = 403
    job = finished(studio)
    assert "HF_TOKEN" in job.message
    hub.faults.status = 0
    job = done(studio)
    shown_to = {path.split("/")[1] for path, headers in hub.asked if token in str(headers)}
    assert shown_to == {"api", ENTRY.hugging_face.split("/")[0]}, "not to where the files are stored"
    assert token not in f"{job}{studio.jobs.log_tail(job.id)}"


def test_what_cannot_be_fetched_is_refused_at_once(
    studio: Studio, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match=r"qwen-0\.6b-base"):
        studio.models.download("qwen-0.6b")
    with pytest.raises(NotFound, match="huggingface"):
        studio.models.download(BASE, "hugging")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BadInput, match="HF_HUB_OFFLINE is set"):
        studio.models.download(BASE)
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert hub.asked == []
