"""The sound of data sets' segments over HTTP, for the page's table."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse

from studio.api.errors import OwnerOf
from studio.api.tickets import TICKETS
from studio.services.studio import Studio

_KIND = "dataset"


def audio_address(dataset_id: str, owner: str, segment_id: str) -> str:
    """Where a segment can be heard, from the page."""
    return f"datasets/{TICKETS.issue(_KIND, dataset_id, owner)}/{segment_id}.wav"


def router(studio: Studio, owner_of: OwnerOf) -> APIRouter:
    """The routes below /datasets."""
    routes = APIRouter(prefix="/datasets", tags=["datasets"])

    @routes.get("/{ticket}/{segment_id}.wav")
    def audio(ticket: str, segment_id: str, owner: str | None = Depends(owner_of)) -> FileResponse:
        """A segment as WAV, kept or not."""
        dataset_id, whose = TICKETS.redeem(_KIND, ticket, owner)
        path = studio.datasets.audio(dataset_id, whose, segment_id)
        # Another build may make other sound under the same name.
        return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": "no-cache"})

    return routes
