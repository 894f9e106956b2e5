"""Routes served on loopback by uvicorn in a thread: real sockets, without the page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException
from starlette.requests import HTTPConnection

from studio.api.access import Access
from studio.api.errors import handlers
from studio.services.studio import Studio
from tests.running import free_port, until

RouterOf = Callable[[Studio, Access], APIRouter]


def user(connection: HTTPConnection) -> str:
    """Stands for the page's sign-in: a header says who it is."""
    name = connection.headers.get("x-user")
    if name is None:
        raise HTTPException(401, detail={"detail": "Sign in first.", "hint": "Open the page."})
    return name


def app_of(studio: Studio, routers: Sequence[RouterOf]) -> tuple[FastAPI, Access]:
    access = Access(studio, user)
    app = FastAPI(exception_handlers=handlers())
    for router in routers:
        app.include_router(router(studio, access))
    return app, access


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address, such as http://127.0.0.1:1234, until the block ends."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
