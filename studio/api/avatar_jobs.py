"""Videos of faces that speak over HTTP: made at once or as jobs, and deleted."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from studio.api.access import Access, Caller
from studio.api.admitting import admitted
from studio.api.avatar_requests import VideoRequest, job_row, order_from
from studio.api.documented import INFERENCE, errors, sound
from studio.api.running import Running, Standing, outcome
from studio.services.avatar_values import VideoRecord
from studio.services.studio import Studio

_MP4 = "video/mp4"
_MADE = {"X-Video-Id": "Its id.", "X-Take-Id": "Id of the speech in it; empty for a given sound."}


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes below /api that make videos and delete them; see studio.api.avatar for the others."""
    routes = APIRouter(prefix="/api", tags=["avatar"])
    avatars = studio.avatars

    @routes.post(
        "/generate",
        response_class=FileResponse,
        responses={**errors(400, *INFERENCE), **sound(_MP4, description="The video.", headers=_MADE)},
    )
    async def generate(
        request: Request, wanted: VideoRequest, caller: Caller = Depends(access.caller)
    ) -> FileResponse:
        """A video, waited for. Who hangs up stops it, and so does the deadline."""
        deadline = access.deadline(connection=request)
        with access.admit(caller):
            task_id = await run_in_threadpool(_start, studio, wanted, caller.owner)
            record = await outcome(_work(studio, task_id), deadline, request)
        path = avatars.path(record)
        headers = {"X-Video-Id": record.id, "X-Take-Id": record.take}
        return FileResponse(path, media_type=_MP4, filename=path.name, headers=headers)

    @routes.post("/avatar/jobs", status_code=202, responses=errors(400, *INFERENCE))
    def begin(wanted: VideoRequest, caller: Caller = Depends(access.caller)) -> dict[str, str]:
        """Begin a video and return its job's id at once."""
        return {
            "id": admitted(access, caller, studio.tasks, lambda: _start(studio, wanted, caller.owner))
        }

    @routes.get("/avatar/jobs/{job_id}")
    def job(job_id: str, caller: Caller = Depends(access.caller)) -> dict[str, Any]:
        """How a job stands; until some minutes after its end."""
        return job_row(avatars.status(job_id, caller.owner))

    @routes.delete("/avatar/jobs/{job_id}")
    def stop(job_id: str, caller: Caller = Depends(access.caller)) -> dict[str, Any]:
        """Stop a job; harmless when it has ended."""
        avatars.stop(job_id, caller.owner)
        return job_row(avatars.status(job_id, caller.owner))

    @routes.delete("/avatar/videos/{video_id}", status_code=204)
    def delete(video_id: str, caller: Caller = Depends(access.caller)) -> None:
        """Delete a video with all its files."""
        avatars.delete(video_id, caller.owner)

    return routes


def _start(studio: Studio, wanted: VideoRequest, owner: str) -> str:
    if not wanted.text.strip():
        said = {"detail": "There is no text to speak.", "hint": "Give it as “text”."}
        raise HTTPException(400, detail=said)
    return studio.avatars.start(order_from(studio, wanted, owner), owner)


def _work(studio: Studio, task_id: str) -> Running[VideoRecord]:
    avatars = studio.avatars

    def look() -> Standing:
        now = avatars.status(task_id)
        return Standing(now.stage, now.fraction, now.elapsed, now.eta, now.state.finished)

    return Running(look, lambda: avatars.stop(task_id), lambda: avatars.outcome(task_id))
