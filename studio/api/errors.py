"""What all routes share: who asks, and everything that goes wrong as HTTP says it.

Each error's body is {"detail": what happened, "hint": what to do, "error_id": what the log calls it}. Below
/v1/ it has besides the object "error" that OpenAI's clients read.
"""

from __future__ import annotations

import http
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from studio.errors import BadInput, StudioError
from studio.log import event
from studio.metrics import Metrics

log = logging.getLogger(__name__)

#: Who asks, None where an id is key enough; raises HTTPException 401 where nobody is signed in but
#: should be.
OwnerOf = Callable[[HTTPConnection], str | None]

_OPENAI = "/v1/"
#: OpenAI's words for statuses; the others are invalid requests (4xx) or the server's fault (5xx).
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_SERVER_ERROR = 500
#: What to do about a refusal that comes without a word on it, as those of Gradio and FastAPI do.
_HINTS = {
    400: "Look at what was sent; /docs has every route with its fields.",
    401: "Open the page and sign in, or give a key: “Authorization: Bearer tk_...”.",
    403: "That is not given out; /docs has every route.",
    404: "Look at the address; /docs has every route.",
    405: "Look at the method; /docs has every route.",
    413: "Send less at once.",
    416: "Ask for bytes that the file has.",
    503: "Try again in a moment.",
}


#: Of requests and WebSockets.
_Handler = Callable[[Any, Any], Coroutine[Any, Any, Response]]


def handlers(metrics: Metrics | None = None) -> dict[Any, _Handler]:
    """The exception handlers of an app that has our routes: FastAPI(exception_handlers=handlers()).
    What is none of these is `studio.api.door`'s to answer. `metrics` counts them."""
    plain: dict[Any, _Handler] = {
        StudioError: _studio_error,
        HTTPException: _http_error,
        RequestValidationError: _unreadable,
        WebSocketRequestValidationError: _unreadable,
    }
    if metrics is None:
        return plain
    return {error: _counted(handler, metrics) for error, handler in plain.items()}


def _counted(handler: _Handler, metrics: Metrics) -> _Handler:
    async def count(connection: HTTPConnection, error: Any) -> Response:
        if isinstance(error, HTTPException):
            kind = _kind_of(error.status_code)
        else:
            kind = error.kind if isinstance(error, StudioError) else BadInput.kind
        metrics.failed("api", kind)
        return await handler(connection, error)

    return count


def answer(
    path: str,
    status: int,
    detail: str,
    hint: str = "",
    *,
    kind: str = "",
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error's answer, logged under its id. `kind`: a stable word for programs."""
    body = error_body(path, status, detail, hint, kind=kind, param=param)
    return JSONResponse(body, status, headers=dict(headers or {}))


def error_body(
    path: str, status: int, detail: str, hint: str = "", *, kind: str = "", param: str | None = None
) -> dict[str, Any]:
    """The body of an error, logged under its id; also for those that are said within a stream."""
    kind = kind or _kind_of(status)
    detail, hint = _sendable(detail), _sendable(hint)
    error_id = secrets.token_hex(6)
    level = logging.WARNING if status >= _SERVER_ERROR else logging.INFO
    event(log, "request refused", level, status=status, kind=kind, error_id=error_id)
    body: dict[str, Any] = {"detail": detail, "hint": hint, "error_id": error_id}
    if path.startswith(_OPENAI):
        body["error"] = {
            "message": f"{detail} {hint}".strip(),
            "type": _OPENAI_TYPES.get(
                status, "server_error" if status >= _SERVER_ERROR else "invalid_request_error"
            ),
            "code": kind,
            "param": None if param is None else _sendable(param),
        }
    return body


def hint_for(status: int) -> str:
    """What to do about a refusal of which nothing but its status is known."""
    return _HINTS.get(status, "")


def _sendable(text: str) -> str:
    """`text`, which may repeat what was sent: JSON can hold halves of characters, which UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _kind_of(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase.lower().replace(" ", "_")
    except ValueError:
        return "error"


def body_of(error: StudioError, path: str = "") -> dict[str, Any]:
    """The body for `error`, as for a stream that has begun."""
    return error_body(path, error.http_status, error.message, error.hint, kind=error.kind)


async def _studio_error(connection: HTTPConnection, error: StudioError) -> JSONResponse:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return answer(
        connection.url.path,
        error.http_status,
        error.message,
        error.hint,
        kind=error.kind,
        headers=headers,
    )


async def _http_error(connection: HTTPConnection, error: HTTPException) -> JSONResponse:
    said: Any = error.detail
    if isinstance(said, dict):  # Gradio calls it "error"
        detail, hint = said.get("detail") or said.get("error") or "", said.get("hint", "")
    else:
        detail, hint = said, ""
    status = error.status_code
    return answer(
        connection.url.path, status, str(detail), str(hint) or hint_for(status), headers=error.headers
    )


async def _unreadable(
    connection: HTTPConnection, error: RequestValidationError | WebSocketRequestValidationError
) -> JSONResponse:
    wrong = [(".".join(map(str, each["loc"][1:])), each["msg"]) for each in error.errors()]
    said = "; ".join(f"{name or 'the body'}: {message}" for name, message in wrong)
    param = wrong[0][0] if wrong and wrong[0][0] else None
    return answer(
        connection.url.path,
        422,
        f"The request cannot be read: {said}.",
        "See /docs.",
        kind="bad_input",
        param=param,
    )
