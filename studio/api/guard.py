"""What stands before every request: Gradio's open redirect closed, other sites' pages kept from
acting here, and headers that keep the page to itself."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from studio.hosting import VISITOR_COOKIE

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

#: What stands before the name in Gradio's routes that serve or fetch a file: file=NAME, file/NAME.
_FILE_ROUTE = re.compile(r"/(?:file|proxy)[=/]", re.IGNORECASE)
_LOOKS_LIKE_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|[/\\]{2})", re.IGNORECASE)
#: What a browser drops from an address before it reads it (WHATWG URL): these anywhere, and all
#: control characters and spaces at its beginning.
_DROPPED = str.maketrans("", "", "\t\n\r")
_BEFORE = "".join(map(chr, range(0x21)))
_DRIVE = re.compile(r"^[a-z]:[/\\](?![/\\])", re.IGNORECASE)  # C:\ is a file, not a scheme

#: Methods that change nothing.
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

#: Everything the page loads comes from the page's own host. Gradio needs inline scripts and eval.
_CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' ws: wss: data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
_HEADERS = (
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


class Guard:
    """ASGI middleware.

    Gradio 6.17.3 answers `/gradio_api/file=http://...`, and `file/http://...`, with a redirect to
    that address (CVE-2026-59806): a link to this studio would lead anywhere, and a server that
    follows it could be led inside. No file of ours has a name that looks like a URL, so those are refused.

    `hosts` are the names under which the studio may be asked, None for any. A studio without a
    sign-in answers only to this machine's own names: a website whose name is made to lead to
    127.0.0.1 (DNS rebinding) would otherwise be the studio's own page to the browser.

    With `visitors` each browser gets a random name in a cookie, by which a public studio without a
    sign-in keeps its visitors apart.

    Any page that a browser shows can post to a studio on the same machine. Browsers say of each
    request where it comes from (Sec-Fetch-Site), whatever proxies stand between.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str] | None = None, visitors: bool = False
    ) -> None:
        self._app, self._hosts, self._visitors = app, hosts, visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif names_a_url(scope["path"]) or names_a_url(scope.get("raw_path", b"").decode("latin-1")):
            await _refuse(send, "That is not a file of this studio.")
        elif scope["method"] not in _READING and (b"sec-fetch-site", b"cross-site") in scope["headers"]:
            await _refuse(send, "Another site's page may not act in this studio.")
        elif self._hosts is not None and _host(scope) not in self._hosts:
            await _refuse(send, "This studio answers only on its own machine: open http://127.0.0.1.")
        else:
            headers: tuple[tuple[bytes, bytes], ...] = _HEADERS
            if self._visitors and scope["path"] == "/" and not _has_visitor_cookie(scope):
                headers = (*_HEADERS, (b"set-cookie", _visitor_cookie()))
            await self._app(scope, receive, _with_headers(send, headers))


def _has_visitor_cookie(scope: Scope) -> bool:
    cookies = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
    return f"{VISITOR_COOKIE}=" in cookies


def _visitor_cookie() -> bytes:
    # A Space's page stands in a frame of another site, which only SameSite=None serves.
    name = f"{VISITOR_COOKIE}={secrets.token_urlsafe(16)}"
    return f"{name}; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=None".encode()


def _host(scope: Scope) -> str:
    """The name that was asked for, without its port."""
    value = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return value.rsplit(":", 1)[0] if re.search(r":\d*$", value) else value


def names_a_url(path: str) -> bool:
    """Whether `path` asks Gradio for a file by something that looks like a URL, however encoded."""
    for _ in range(5):  # people encode the encoding
        for route in _FILE_ROUTE.finditer(path):
            value = path[route.end() :].translate(_DROPPED).lstrip(_BEFORE)
            if _LOOKS_LIKE_URL.match(value) and not _DRIVE.match(value):
                return True
        decoded = unquote(path)
        if decoded == path:
            return False
        path = decoded
    return True


def _with_headers(send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            message["headers"] = [
                *message.get("headers", ()),
                *(header for header in headers if header[0] not in present),
            ]
        await send(message)

    return send_with_headers


async def _refuse(send: Send, detail: str) -> None:
    body = json.dumps({"detail": detail, "hint": ""}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
