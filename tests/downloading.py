"""What the tests of downloads share: a hub, a studio that asks it, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio.jobs import Job, JobStatus
from studio.models.manifest import MANIFEST
from studio.models.registry import entry_of
from studio.models.validation import ModelState
from studio.services.studio import Studio
from studio.settings import load_settings
from tests.hub import Hub
from tests.model_folders import BASE, contents

ENTRY = entry_of(BASE)
WEIGHTS, CODEC = "model.safetensors", "speech_tokenizer/model.safetensors"
FILES = contents(ENTRY, 400_000)  # two files of 1.6 MB, and small ones
TOTAL = sum(map(len, FILES.values()))


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub with the model BASE, which the environment names as the one to ask."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with Hub({ENTRY.hugging_face: dict(FILES)}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def opened(tmp_path: Path, home: str = "home") -> Studio:
    """A studio that gives a silent hub up soon. Several homes share their models."""
    settings = load_settings(
        home=tmp_path / home, models_dir=tmp_path / "models", download_stall_s=2, job_heartbeat_s=0.1
    )
    return Studio(settings)


def finished(studio: Studio, job: Job | None = None, provider: str = "huggingface") -> Job:
    job = job or studio.models.download(BASE, provider)
    return studio.jobs.wait(job.id, 60)


def done(studio: Studio, job: Job | None = None) -> Job:
    job = finished(studio, job)
    assert job.status is JobStatus.DONE, f"{job.message}\n{studio.jobs.log_tail(job.id)}"
    return job


def until(studio: Studio, job: Job, ready: Callable[[Job], object]) -> Job:
    end = time.monotonic() + 20
    while not ready(job):
        assert time.monotonic() < end, "it did not happen in time"
        job = studio.jobs.wait(job.id, 0.02)
        assert job.status.active, f"{job.message}\n{studio.jobs.log_tail(job.id)}"
    return job


def target(studio: Studio) -> Path:
    return studio.model_folders.target(BASE)


def is_whole(studio: Studio) -> bool:
    """Whether exactly what the hub has, and our note, is in the model's folder, and nothing else."""
    folder = target(studio)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    beside = {path.name for path in folder.parent.iterdir()} - {folder.name, f".{folder.name}.lock"}
    return (
        found == {*FILES, MANIFEST}
        and all((folder / name).read_bytes() == content for name, content in FILES.items())
        and not beside
        and studio.models.status(BASE).report.valid
    )


def nothing_published(studio: Studio) -> bool:
    return studio.models.status(BASE).report.state is ModelState.ABSENT and not target(studio).exists()
