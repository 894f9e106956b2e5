"""Routes of the API without the page: who asks is said in a header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from studio.api.access import Access
from studio.api.errors import handlers
from studio.services.studio import Studio

Maker = Callable[[Studio, Access], APIRouter]


def user(connection: HTTPConnection) -> str:
    """Stands for the page's sign-in: a header says who it is."""
    name = connection.headers.get("x-user")
    if name is None:
        raise HTTPException(401)
    return name


@contextmanager
def serving(studio: Studio, *makers: Maker) -> Iterator[TestClient]:
    """A client of Ann's for the routers that `makers` make; its app has the Access as `app.state.access`."""
    access = Access(studio, user)
    app = FastAPI(exception_handlers=handlers())
    app.state.access = access
    for maker in makers:
        app.include_router(maker(studio, access))
    with TestClient(app, headers={"x-user": "ann"}, raise_server_exceptions=False) as client:
        yield client
