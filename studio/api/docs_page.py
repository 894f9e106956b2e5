"""/docs: every route with its fields, examples and answers, drawn from /openapi.json by a page of our own.

The page that FastAPI brings loads its scripts from another host, which this studio's pages may not do, and which
is not there without a network.
"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from studio.settings import CHECKOUT


def router() -> APIRouter:
    """GET /docs."""
    routes = APIRouter()

    @routes.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        """The page."""
        return FileResponse(CHECKOUT / "assets" / "docs.html", media_type="text/html")

    return routes
