"""Refusals that come as plain text or without a word, as those of Gradio and of file ranges do, in the shape
that every error has."""

from __future__ import annotations

import http
import json

from studio.api.asgi import Message, Scope, Send
from studio.api.errors import error_body, hint_for

_REFUSED = 400  # and above
_MOST_BYTES = 2_000
_REPLACED = frozenset({b"content-type", b"content-length"})


def worded(scope: Scope, send: Send) -> Send:
    """`send` for an HTTP request, with such refusals as {detail, hint, error_id}; their headers stay."""
    if scope["method"] == "HEAD":  # which has no body to say it in
        return send
    start: Message | None = None
    text = b""

    async def sending(message: Message) -> None:
        nonlocal start, text
        if message["type"] == "http.response.start" and _is_wordless(message):
            start = message
        elif start is None:
            await send(message)
        else:
            text += message.get("body", b"")[: _MOST_BYTES - len(text)]
            if not message.get("more_body", False):
                await _refuse(scope, send, start, text)

    return sending


def _is_wordless(start: Message) -> bool:
    kinds = [value for name, value in start.get("headers", ()) if name.lower() == b"content-type"]
    return start["status"] >= _REFUSED and all(kind.startswith(b"text/plain") for kind in kinds)


async def _refuse(scope: Scope, send: Send, start: Message, text: bytes) -> None:
    status = start["status"]
    said = text.decode("utf-8", "replace").strip() or http.HTTPStatus(status).phrase
    body = json.dumps(error_body(scope["path"], status, said, hint_for(status))).encode()
    kept = [header for header in start.get("headers", ()) if header[0].lower() not in _REPLACED]
    about = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({**start, "headers": [*kept, *about]})
    await send({"type": "http.response.body", "body": body})
