"""What the two that stand before the routes share: the types of ASGI, and an answer of their own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008  # WebSocket


async def respond(
    scope: Scope,
    send: Send,
    status: int,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer a request, or refuse a WebSocket, with `body` as JSON."""
    prefix = ""
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": body["detail"]})
            return
        prefix = "websocket."
    content = json.dumps(body).encode()
    given = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    await send({"type": f"{prefix}http.response.start", "status": status, "headers": raw})
    await send({"type": f"{prefix}http.response.body", "body": content})
