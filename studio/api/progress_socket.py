"""How downloads and the trying out of voices stand, by WebSocket: told when it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Depends, WebSocket
from fastapi.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from studio.api.access import Access, Caller
from studio.api.models import model_row
from studio.api.voices import clone_row
from studio.errors import Busy, unknown
from studio.models.qwen import QWEN
from studio.services.studio import Studio

#: Connections at once; each asks the disk now and then.
MAX_CONNECTIONS = 64
_POLL_S = 0.25
#: So that whoever stands between does not take the connection for dead.
_HEARTBEAT_S = 10.0
_STOPPING = 1012  # RFC 6455: the server restarts

#: What there is to tell, by the id of what it is told of.
Rows = Mapping[str, dict[str, Any]]


def router(studio: Studio, access: Access) -> APIRouter:
    """The socket /api/progress."""
    routes = APIRouter(tags=["progress"])
    open_now: set[WebSocket] = set()

    @routes.websocket("/api/progress")
    async def progress(
        socket: WebSocket, scope: str = "", caller: Caller = Depends(access.caller)
    ) -> None:
        """First {"type": "snapshot", "scope", "items": [...]}, then {"type": "progress", "scope", "item"}
        for each that has changed, {"type": "gone", "scope", "id"} for each that is no longer there, and
        {"type": "heartbeat"} where nothing else was said for ten seconds.

        An item has an "id" and is else what GET /api/tts/qwen3/models, or clone-status, answers.
        """
        # What is raised before the connection is accepted refuses it, with a status and a body.
        if scope not in _SCOPES:
            raise unknown("scope", scope, _SCOPES)
        if len(open_now) >= MAX_CONNECTIONS:
            raise Busy(f"{len(open_now)} connections are open already.", "Close one, or try again.")
        open_now.add(socket)
        try:
            await socket.accept()
            await _tell(socket, scope, lambda: _SCOPES[scope](studio, caller.owner), access)
        except WebSocketDisconnect:
            return
        finally:
            open_now.discard(socket)

    return routes


async def _tell(socket: WebSocket, scope: str, look: Callable[[], Rows], access: Access) -> None:
    known = await run_in_threadpool(look)
    await socket.send_json({"type": "snapshot", "scope": scope, "items": list(known.values())})
    gone = asyncio.create_task(_gone(socket))
    said = time.monotonic()
    try:
        while True:
            await asyncio.wait((gone,), timeout=_POLL_S)
            if gone.done():
                return
            if not access.ready:
                await socket.close(_STOPPING)
                return
            rows = await run_in_threadpool(look)
            messages = list(_changes(scope, known, rows))
            if not messages and time.monotonic() - said >= _HEARTBEAT_S:
                messages = [{"type": "heartbeat"}]
            for message in messages:
                await socket.send_json(message)
                said = time.monotonic()
            known = rows
    finally:
        gone.cancel()


async def _gone(socket: WebSocket) -> None:
    """Ends when the other side has; what it says is not read."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _changes(scope: str, before: Rows, now: Rows) -> list[dict[str, Any]]:
    changed = [row for key, row in now.items() if before.get(key) != row]
    left = [key for key in before if key not in now]
    return [
        *({"type": "progress", "scope": scope, "item": row} for row in changed),
        *({"type": "gone", "scope": scope, "id": key} for key in left),
    ]


def _models(studio: Studio, owner: str) -> Rows:
    """The models are the machine's, whoever fetches them."""
    del owner
    return {
        status.entry.key: {"id": status.entry.key, **model_row(status).model_dump(mode="json")}
        for status in studio.models.list()
        if status.entry.family == QWEN
    }


def _voices(studio: Studio, owner: str) -> Rows:
    return {
        voice: {**clone_row(voice, status).model_dump(mode="json"), "id": voice}
        for voice, status in studio.cloning.all(owner).items()
    }


_SCOPES: Mapping[str, Callable[[Studio, str], Rows]] = {
    "qwen3_tts_models": _models,
    "qwen3_tts_voice_clone": _voices,
}
