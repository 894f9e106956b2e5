"""The sound of data sets' segments over HTTP, for the page's table."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse

from studio.api.errors import OwnerOf, errors_as_http
from studio.errors import NotFound
from studio.services.studio import Studio

#: More sets than people have open at once.
_MOST = 10_000


class Tickets:
    """Data sets' ids are made of their names, which others can guess. A ticket is 128 random bits that
    only the owner's page sees, and is good for one set while the studio runs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._known: dict[tuple[str, str], str] = {}

    def issue(self, dataset_id: str, owner: str) -> str:
        """The owner's ticket for a set, the same at every asking."""
        with self._lock:
            ticket = self._known.get((dataset_id, owner)) or secrets.token_hex(16)
            self._known[dataset_id, owner] = ticket
            self._of[ticket] = (dataset_id, owner)
            self._of.move_to_end(ticket)
            if len(self._of) > _MOST:
                del self._known[self._of.popitem(last=False)[1]]
            return ticket

    def redeem(self, ticket: str, owner: str | None) -> tuple[str, str]:
        """Set and owner. `owner`: who asks, None where that cannot be told. Raises NotFound."""
        with self._lock:
            found = self._of.get(ticket)
        if found is None or owner not in (None, found[1]):
            raise NotFound("That sound is not there.", "Reload the page.")
        return found


#: One for the process, as the page and the routes are two ways into one studio.
TICKETS = Tickets()


def audio_address(dataset_id: str, owner: str, segment_id: str) -> str:
    """Where a segment can be heard, from the page."""
    return f"datasets/{TICKETS.issue(dataset_id, owner)}/{segment_id}.wav"


def router(studio: Studio, owner_of: OwnerOf) -> APIRouter:
    """The routes below /datasets."""
    routes = APIRouter(prefix="/datasets", tags=["datasets"])

    @routes.get("/{ticket}/{segment_id}.wav")
    def audio(ticket: str, segment_id: str, owner: str | None = Depends(owner_of)) -> FileResponse:
        """A segment as WAV, kept or not."""
        with errors_as_http():
            dataset_id, whose = TICKETS.redeem(ticket, owner)
            path = studio.datasets.audio(dataset_id, whose, segment_id)
        # Another build may make other sound under the same name.
        return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": "no-cache"})

    return routes
