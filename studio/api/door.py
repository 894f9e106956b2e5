"""What a request passes on its way to the routes: whether work is still taken, how much may be sent, and an
answer in words where something breaks off."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketDisconnect

from studio.api.access import Access
from studio.api.asgi import ASGIApp, Message, Receive, Scope, Send, respond
from studio.api.errors import body_of, error_body
from studio.api.worded import worded
from studio.errors import Busy, NotReady, StorageFailed, StudioError
from studio.files import free_bytes

log = logging.getLogger(__name__)

#: Methods that begin nothing.
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: The page uploads many files at once, each of which Gradio measures.
_PAGE_UPLOAD = "/gradio_api/upload"
#: What stands around a file in a form, or beside it in JSON, bytes.
_AROUND = 1_000_000
#: What a stranger may send before being asked for a key: bodies are read before routes ask, bytes.
_UNASKED = 1_000_000
#: What uploads leave free on the disk, for the database and for what is at work, bytes.
_RESERVE = 200_000_000
_WS_BROKEN = 1011
_CRASH = "internal_error"
_FULL = StorageFailed(
    "The disk of the studio is nearly full.", "Delete takes, videos or models that are not needed."
)
_CLOSE = {"connection": "close"}  # the rest of the body is not read


class Door:
    """ASGI middleware.

    While the studio stops, what begins something is answered with 503 and what reads goes on; while as many wait
    for the engines as may, what would join them is answered with 429. A body has at most the bytes of
    `max_upload_mb` in base64, a stranger's far less, and no more than that is read. While the disk that has the
    folder `spool` is nearly full, what would be put there is answered with 507. Every refusal has the shape of
    errors. What breaks off is logged under an id, which is all that the answer tells of it.
    """

    def __init__(self, app: ASGIApp, access: Access, max_upload_mb: int, spool: Path) -> None:
        self._app, self._access, self._spool = app, access, spool
        self._max_upload_mb = max_upload_mb
        self._max_bytes = max_upload_mb * 1_000_000 * 4 // 3 + _AROUND

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif not self._access.ready and scope.get("method") not in _READING:
            error = NotReady("The studio is about to stop.", "Try again when it is up again.")
            headers = {"retry-after": str(error.retry_after)}
            await respond(scope, send, error.http_status, body_of(error, scope["path"]), headers)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, uploads, length = False, scope["path"] == _PAGE_UPLOAD, _length(scope)

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        crowded = self._access.has_no_place_for(scope["method"], scope["path"])
        if crowded and await self._turned_away(scope, send):
            return
        measured: Receive = receive
        answer: Send = watched
        if not uploads and length > self._max_bytes:
            await respond(scope, send, 413, self._too_large(scope["path"]), _CLOSE)
            return
        if (uploads or length > _UNASKED) and free_bytes(self._spool) - length < _RESERVE:
            if uploads:
                await PlainTextResponse(f"{_FULL.message} {_FULL.hint}", _FULL.http_status, _CLOSE)(
                    scope, receive, send
                )
            else:
                await respond(scope, send, _FULL.http_status, body_of(_FULL, scope["path"]), _CLOSE)
            return
        if not uploads:  # whose answers the page shows as they are
            measured, answer = self._measured(scope, receive), worded(scope, watched)
        try:
            await self._app(scope, measured, answer)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the last line of defence
            body = self._broke_off(error, scope)
            if not begun:  # otherwise the server closes the connection, as the answer is not whole
                await respond(scope, send, 500, body)

    async def _turned_away(self, scope: Scope, send: Send) -> bool:
        """Whether the request was refused, as its route would do once it had read it: a crowd that is to come
        back has to hear so at once. What else is wrong is left to the route."""
        try:
            self._access.check(await self._access.caller(HTTPConnection(scope)))
        except (Busy, NotReady) as error:
            self._access.metrics.failed("api", error.kind)
            headers = {"retry-after": str(error.retry_after)}
            if _length(scope) > _UNASKED:
                headers |= _CLOSE
            await respond(scope, send, error.http_status, body_of(error, scope["path"]), headers)
            return True
        except (StudioError, HTTPException):
            pass
        return False

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except WebSocketDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the last line of defence
            body = self._broke_off(error, scope)
            with suppress(RuntimeError, OSError):  # it may be closed already
                reason = f"error_id {body['error_id']}"
                await send({"type": "websocket.close", "code": _WS_BROKEN, "reason": reason})

    def _measured(self, scope: Scope, receive: Receive) -> Receive:
        got, asked = 0, False

        async def measured() -> Message:
            nonlocal got, asked
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._max_bytes:
                raise HTTPException(413, detail=self._words())
            if got > _UNASKED and not asked:
                await run_in_threadpool(self._access.owner, HTTPConnection(scope))
                asked = True
            return message

        return measured

    def _too_large(self, path: str) -> dict[str, Any]:
        words = self._words()
        return error_body(path, 413, words["detail"], words["hint"], kind="too_large")

    def _words(self) -> dict[str, str]:
        return {
            "detail": f"More than {self._max_upload_mb} MB are not taken.",
            "hint": "Send less, or raise max_upload_mb.",
        }

    def _broke_off(self, error: Exception, scope: Scope) -> dict[str, Any]:
        """The body for a crash; the log has the rest."""
        body = error_body(
            scope["path"], 500, "Something unexpected went wrong.", "The log has it under error_id.",
            kind=_CRASH,
        )  # fmt: skip
        self._access.metrics.failed("api", _CRASH)
        route = getattr(scope.get("route"), "path", "")
        about = {"error_id": body["error_id"], "route": route}
        log.error("request broke off", exc_info=error, extra=about)
        return body


def _length(scope: Scope) -> int:
    given = dict(scope["headers"]).get(b"content-length", b"0")
    return int(given) if given.isdigit() else 0
