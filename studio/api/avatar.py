"""Videos of faces that speak over HTTP, for the page and for programs: what there is, watched, with subtitles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, Response

from engines import devices
from engines.base import Placement
from studio import __version__
from studio.api.avatar_requests import engine_row
from studio.api.documented import plain_text, sound
from studio.api.errors import OwnerOf
from studio.errors import NotFound, unknown
from studio.services.avatar_values import Making, VideoRecord
from studio.services.studio import Studio

_MP4 = "video/mp4"


def router(studio: Studio, owner_of: OwnerOf) -> APIRouter:
    """The routes below /api; an id is 128 random bits, and files are found by it alone."""
    routes = APIRouter(prefix="/api", tags=["avatar"])
    avatars = studio.avatars

    @routes.get("/health")
    def health() -> dict[str, Any]:
        """Whether the studio answers, which engines are loaded, and where they run. For everybody: it tells
        nothing of anybody's."""
        loaded = [state for state in studio.engines.state().engines if state.loaded]
        ids = [state.id for state in loaded]
        return {
            "status": "ok",
            "version": __version__,
            "models_loaded": ids,
            "avatar_loaded": any(each in studio.engines.registry.avatar_ids for each in ids),
            "device": _device(studio, [each.placement for each in loaded]),
        }

    @routes.get("/avatar", dependencies=[Depends(owner_of)])
    def overview() -> dict[str, Any]:
        """The built-in avatars, the default first, and the engines with what can be set."""
        return {
            "avatars": [
                {
                    "id": each.id,
                    "label": each.label,
                    "description": each.description,
                    "picture": f"/api/avatar/pictures/{each.id}",
                }
                for each in studio.faces.built_in()
            ],
            "engines": [engine_row(info, avatars.models(info.id)) for info in avatars.engines()],
            "label": studio.settings.avatar_label,
            "max_seconds": studio.settings.max_video_s,
        }

    @routes.get(
        "/avatar/pictures/{avatar_id}",
        dependencies=[Depends(owner_of)],
        response_class=FileResponse,
        responses=sound("image/png", "image/jpeg", description="The picture."),
    )
    def picture(avatar_id: str) -> FileResponse:
        """A built-in avatar's picture."""
        known = {each.id: each.picture for each in studio.faces.built_in()}
        if avatar_id not in known:
            raise unknown("avatar", avatar_id, known)
        return FileResponse(known[avatar_id])

    @routes.get(
        "/avatar/jobs/{job_id}/preview.jpg",
        response_class=Response,
        responses=sound("image/jpeg", description="The picture."),
    )
    def preview(job_id: str, owner: str | None = Depends(owner_of)) -> Response:
        """The newest picture of a video in the making."""
        detail = avatars.status(job_id, owner).detail
        if not isinstance(detail, Making) or not detail.preview:
            raise NotFound("There is no picture yet.", "Ask again in a moment.")
        return Response(detail.preview, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @routes.get(
        "/avatar/videos/{video_id}",
        response_class=FileResponse,
        responses=sound(_MP4, description="The video."),
    )
    def video(
        video_id: str, download: bool = False, owner: str | None = Depends(owner_of)
    ) -> FileResponse:
        """The MP4, or the range of it that a player asks for; as an attachment with `download`."""
        path = avatars.path(avatars.get(video_id, owner))
        how = "attachment" if download else "inline"
        headers = {"Cache-Control": "private, max-age=86400"}  # a video does not change
        return FileResponse(path, 200, headers, _MP4, filename=path.name, content_disposition_type=how)

    @routes.get(
        "/avatar/videos/{video_id}/subtitles.{format}",
        response_class=Response,
        responses=plain_text("application/x-subrip", "text/vtt", description="The subtitles."),
    )
    def subtitles(video_id: str, format: str, owner: str | None = Depends(owner_of)) -> Response:
        """The subtitles of a video that was made with some, as srt or vtt."""
        record: VideoRecord = avatars.get(video_id, owner)
        mime, content = avatars.subtitles(record, format)
        name = f"{Path(record.file).stem}.{format}"
        return Response(
            content,
            media_type=f"{mime}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return routes


def _device(studio: Studio, placements: list[Placement | None]) -> str:
    """Where neural engines run. As long as none is loaded it is what is set, and finding out what "auto"
    stands for takes seconds where torch is not there yet."""
    for placement in placements:
        if placement is not None:
            return placement.device
    if studio.settings.device == devices.AUTO and "torch" in sys.modules:
        return devices.choose().device
    return studio.settings.device
