"""The lexicon over HTTP: its export."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from studio.api.documented import plain_text
from studio.api.errors import OwnerOf
from studio.services.studio import Studio

_CSV, _PLS = "csv", "pls"
_MIME = {_CSV: "text/csv", _PLS: "application/pls+xml"}


def router(studio: Studio, owner_of: OwnerOf) -> APIRouter:
    """The routes below /lexicon; whoever may open the page may read it."""
    routes = APIRouter(prefix="/lexicon", tags=["lexicon"])

    @routes.get(
        "/export",
        dependencies=[Depends(owner_of)],
        response_class=Response,
        responses=plain_text(*_MIME.values(), description="The entries, as an attachment."),
    )
    def export(format: str = _CSV, language: str = "") -> Response:
        """All entries, or those for a language, as an attachment: csv or pls."""
        text = studio.lexicon.export(format, language)
        ending = format.lower().lstrip(".")
        # Excel takes a CSV for UTF-8 only by the mark at its beginning.
        content = text.encode("utf-8-sig" if ending == _CSV else "utf-8")
        return Response(
            content,
            media_type=f"{_MIME.get(ending, _MIME[_PLS])}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="lexicon.{ending}"'},
        )

    return routes
