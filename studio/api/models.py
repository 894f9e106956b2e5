"""Models over HTTP: which there are, fetched, checked, and where they lie."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from studio.api.access import Access, Caller
from studio.api.jobs import JobRow, job_row
from studio.hosting import is_loopback
from studio.models.qwen import QWEN
from studio.models.validation import ModelReport, ModelState
from studio.services import downloads
from studio.services.models import ModelStatus
from studio.services.studio import Studio

_ALL = "all"


class ModelRequest(BaseModel):
    """Which model."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = Field(description="Its key.", examples=["qwen-0.6b-base"])


class DownloadRequest(ModelRequest):
    """Which model, from whom."""

    provider: str = Field(downloads.AUTO, description="auto, huggingface or modelscope.")
    accept_license: bool = Field(
        False, description="You have read what stands as `consent` and accept it."
    )


class ProblemRow(BaseModel):
    """What is wrong with one file, and why that matters."""

    file: str
    message: str


class ReportRow(BaseModel):
    """What lies on the disk of a model."""

    model: str
    state: ModelState
    valid: bool
    problems: list[ProblemRow]
    size_bytes: int


class ModelRow(ReportRow):
    """A model of the studio's table."""

    label: str
    family: str
    engine: str
    serves: str
    practice: bool = Field(description="Random weights made here, for trying it all out.")
    license: str
    license_url: str
    consent: str = Field(description="What has to be accepted before the download; empty: nothing.")
    consent_needed: bool
    download_bytes: int = Field(description="About what a download takes; 0: not known.")
    vram_gb: float | None
    loaded: bool = Field(description="It is in memory.")
    job: JobRow | None = Field(description="Its download, while it runs or after it ended badly.")


class PathRow(BaseModel):
    """Where a model lies."""

    model: str
    path: str = Field(description="Its folder; where that is on another machine, below its models.")
    opened: bool = Field(description="The machine's own file manager shows it.")
    message: str


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes below /api/tts/qwen3/models, for the models of every engine."""
    routes = APIRouter(prefix="/api/tts/qwen3/models", tags=["models"])
    models = studio.models

    @routes.get("")
    def listing(
        family: str = Query(QWEN, description="Qwen, XTTS, Whisper ..., or all."),
        caller: Caller = Depends(access.caller),
    ) -> list[ModelRow]:
        """The models of a family, installed or not."""
        del caller
        wanted = family.casefold()
        return [
            model_row(status)
            for status in models.list()
            if wanted in (_ALL, status.entry.family.casefold())
        ]

    @routes.post("/download", status_code=202)
    def download(wanted: DownloadRequest, caller: Caller = Depends(access.caller)) -> JobRow:
        """Begin to fetch a model, or to make a practice model; a job, which /jobs stops. One that runs
        already is returned as it is. How far it is comes by WebSocket at /api/progress as well."""
        if wanted.accept_license and models.status(wanted.model).consent_needed:
            models.accept(wanted.model)
        return job_row(models.download(wanted.model, wanted.provider, caller.owner))

    @routes.post("/validate")
    def validate(wanted: ModelRequest, caller: Caller = Depends(access.caller)) -> ReportRow:
        """Look at a model's folder now: what is missing or wrong, and why that matters."""
        del caller
        return _report_row(wanted.model, models.validate(wanted.model))

    @routes.post("/open-path")
    def open_path(
        wanted: ModelRequest, request: Request, caller: Caller = Depends(access.caller)
    ) -> PathRow:
        """Show a model's folder in the file manager of the machine, for those who sit at it; others are
        told where it is."""
        del caller
        folder = models.path(wanted.model)
        if not _sits_here(studio, request):
            shown = f"{folder.parent.name}/{folder.name}"
            return PathRow(
                model=wanted.model,
                path=shown,
                opened=False,
                message=f"It is on the studio's machine, in {shown} below its models.",
            )
        opened = _shown(folder)
        message = "Its folder is open." if opened else f"There is no file manager; it is {folder}."
        return PathRow(model=wanted.model, path=str(folder), opened=opened, message=message)

    return routes


def model_row(status: ModelStatus) -> ModelRow:
    """A model as programs see it."""
    entry = status.entry
    return ModelRow(
        **_report_row(entry.key, status.report).model_dump(),
        label=entry.label,
        family=entry.family,
        engine=entry.engine,
        serves=entry.serves,
        practice=entry.practice,
        license=entry.license,
        license_url=entry.license_url,
        consent=entry.consent,
        consent_needed=status.consent_needed,
        download_bytes=entry.published_bytes,
        vram_gb=entry.vram_gb,
        loaded=status.loaded,
        job=None if status.download is None else job_row(status.download),
    )


def _report_row(key: str, report: ModelReport) -> ReportRow:
    return ReportRow(
        model=key,
        state=report.state,
        valid=report.valid,
        problems=[ProblemRow(file=each.file, message=each.message) for each in report.problems],
        size_bytes=report.size_bytes,
    )


def _sits_here(studio: Studio, request: Request) -> bool:
    """Whether whoever asks is at this very machine: a proxy before us would be as near."""
    near = request.client is not None and is_loopback(request.client.host)
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for"))
    return near and not forwarded and is_loopback(studio.settings.host) and not studio.settings.share


def _shown(folder: Path) -> bool:
    """Ask the system to show `folder`; whether there is somebody to ask."""
    name = {"win32": "explorer", "darwin": "open"}.get(sys.platform, "xdg-open")
    program = shutil.which(name)
    if program is None:
        return False
    process = subprocess.Popen(
        [program, str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    threading.Thread(target=process.wait, name="file manager", daemon=True).start()  # no zombie
    return True
