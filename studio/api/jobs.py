"""Long work over HTTP: downloads, builds of training sets, training runs, and what is made of them."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, Field

from studio.api.access import Access, Caller
from studio.api.documented import plain_text
from studio.errors import NotFound
from studio.jobs import Job, JobStatus
from studio.services.studio import Studio

_MAX_LISTED = 200
_MAX_LINES = 2_000


class JobRow(BaseModel):
    """How a job stands. Times are seconds since 1970."""

    id: str
    kind: str = Field(examples=["download"])
    title: str = Field(examples=["Download Qwen3-TTS 0.6B Base"])
    status: JobStatus
    stage: str
    step: int
    total: int = Field(description="Steps in all; 0 while that is not known.")
    progress: float | None = Field(description="0 to 1; null while it cannot be told.")
    eta_s: float | None = Field(description="Seconds that are left; null while they cannot be told.")
    attempt: int = Field(description="How often it has been started.")
    stopping: bool = Field(description="It was asked to stop and has not yet.")
    message: str = Field(description="Why it ended, for people.")
    hint: str
    error_id: str = Field(description="Finds the fault in the log.")
    result: Any = None
    created: float
    started: float | None
    finished: float | None


def job_row(job: Job) -> JobRow:
    """A job as programs see it."""
    eta = job.eta(time.time())
    return JobRow(
        id=job.id,
        kind=job.kind,
        title=job.title,
        status=job.status,
        stage=job.stage,
        step=job.step,
        total=job.total,
        progress=job.fraction,
        eta_s=None if eta is None else round(eta, 1),
        attempt=job.attempt,
        stopping=job.cancel and job.status.active,
        message=job.message,
        hint=job.hint,
        error_id=job.error_id,
        result=job.result,
        created=job.created,
        started=job.started,
        finished=job.finished,
    )


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes below /jobs. What is not the caller's is not found."""
    routes = APIRouter(prefix="/jobs", tags=["jobs"])

    @routes.get("")
    def jobs(
        status: list[JobStatus] = Query((), description="Only those; none: all."),
        kind: str = Query(
            "", description="download, practice, dataset, training, merge, export, import."
        ),
        limit: int = Query(50, ge=1, le=_MAX_LISTED),
        caller: Caller = Depends(access.caller),
    ) -> list[JobRow]:
        """The caller's jobs, the newest first."""
        found = studio.jobs.store.list(
            statuses=status, kind=kind or None, owner=caller.owner, limit=limit
        )
        return [job_row(job) for job in found]

    @routes.get("/{job_id}")
    def job(job_id: str, caller: Caller = Depends(access.caller)) -> JobRow:
        """How a job stands."""
        return job_row(_owned(studio, job_id, caller))

    @routes.post("/{job_id}/cancel")
    def cancel(job_id: str, caller: Caller = Depends(access.caller)) -> JobRow:
        """Ask a job to stop, and return at once; one that has ended stays as it is."""
        return job_row(studio.jobs.cancel(_owned(studio, job_id, caller).id))

    @routes.get(
        "/{job_id}/log",
        response_class=Response,
        responses=plain_text("text/plain", description="The lines."),
    )
    def log(
        job_id: str,
        lines: int = Query(200, ge=1, le=_MAX_LINES),
        caller: Caller = Depends(access.caller),
    ) -> PlainTextResponse:
        """The last lines of a job's log; nothing where there is none yet."""
        text = studio.jobs.log_tail(_owned(studio, job_id, caller).id, lines)
        return PlainTextResponse(text, headers={"Cache-Control": "no-store"})

    return routes


def _owned(studio: Studio, job_id: str, caller: Caller) -> Job:
    job = studio.jobs.store.get(job_id)
    if job.owner != caller.owner:
        raise NotFound(f"There is no job “{job_id[:40]}”.", "It may have been removed.")
    return job
