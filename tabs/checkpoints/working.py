"""The jobs of checkpoints that the page tells of, and the zips that they have written."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from studio.jobs import Job, JobStatus
from studio.names import readable
from studio.services.run_jobs import EXPORT
from studio.services.studio import Studio
from tabs.checkpoints.work_view import Work

#: So long it is told what became of a job, and a zip waits to be taken away, seconds.
_LINGER_S, _ZIP_S = 3600, 24 * 3600


def to_show(studio: Studio, jobs: Sequence[Job], kinds: Sequence[str]) -> list[Work]:
    """Of the owner's jobs those that run and wait, else what became of the last one: for an hour, or
    for as long as its zip can be taken away."""
    found = [job for job in jobs if job.kind in kinds]
    active = [Work(job) for job in found if job.status.active]
    if active or not found:
        return active
    last = max(found, key=lambda job: job.finished or 0.0)
    zip = _zip_of(studio, last)
    recent = time.time() - (last.finished or 0.0) < _LINGER_S
    return [Work(last, zip)] if recent or zip is not None else []


def new_zip(studio: Studio, owner: str, name: str) -> Path:
    """Where a zip for the owner's browser may be written. Zips are large, so the owner's last one goes."""
    own = {
        Path(job.params["target"]).parent
        for job in studio.runs.made(owner)
        if job.kind == EXPORT and not job.status.active
    }
    for folder in own & set(_folders(studio)):
        shutil.rmtree(folder, ignore_errors=True)
    return _zips(studio) / secrets.token_hex(8) / f"{readable(name)}.zip"


def sweep(studio: Studio) -> None:
    """Remove the zips, whoever's, that nobody has asked for in a day."""
    for folder in _folders(studio):
        with suppress(FileNotFoundError):  # somebody else sweeps as well
            if time.time() - folder.stat().st_mtime > _ZIP_S:
                shutil.rmtree(folder, ignore_errors=True)


def _zip_of(studio: Studio, job: Job) -> Path | None:
    """The zip that an export has written for the browser, while it is there."""
    if job.kind != EXPORT or job.status is not JobStatus.DONE:
        return None
    target = Path(job.params["target"])
    return target if target.is_relative_to(_zips(studio)) and target.is_file() else None


def _folders(studio: Studio) -> list[Path]:
    zips = _zips(studio)
    return list(zips.iterdir()) if zips.is_dir() else []


def _zips(studio: Studio) -> Path:
    return studio.workspace.gradio_temp / "exports" / "checkpoints"
