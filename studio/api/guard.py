"""What stands before every request: Gradio's open redirect closed, other sites' pages kept from
acting here, and headers that keep the page to itself."""

from __future__ import annotations

import re
import secrets
from urllib.parse import unquote

from starlette.requests import HTTPConnection

from studio.api.access import presented
from studio.api.asgi import ASGIApp, Message, Receive, Scope, Send, respond
from studio.api.errors import error_body
from studio.hosting import VISITOR_COOKIE

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
#: Nobody else's page shows ours in a frame, except a Space's.
_NO_FRAMES = (b"x-frame-options", b"SAMEORIGIN")


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

    Any page that a browser shows can post to a studio on the same machine, or to one that the person is
    signed in to, and open its WebSockets. Browsers say of each request where it comes from (Sec-Fetch-Site,
    whatever proxies stand between, or Origin). Only pages of `origins` may act here besides the studio's
    own. A request with a key is no page's trick: no page can send one for somebody else. (A password by which
    a proxy lets people in is no key: browsers send that along by themselves.)
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: frozenset[str] | None = None,
        visitors: bool = False,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        self._app, self._hosts, self._visitors, self._origins = app, hosts, visitors, origins
        self._headers = _HEADERS if visitors else (*_HEADERS, _NO_FRAMES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await respond(scope, send, 403, error_body(scope["path"], 403, *refusal))
        else:
            headers = self._headers
            if self._visitors and scope["path"] == "/" and not _has_visitor_cookie(scope):
                headers = (*headers, (b"set-cookie", _visitor_cookie()))
            await self._app(scope, receive, _with_headers(send, headers))

    def _refusal(self, scope: Scope) -> tuple[str, str] | None:
        """Why the request is refused, and what to do; None where it is not."""
        if names_a_url(scope["path"]) or names_a_url(scope.get("raw_path", b"").decode("latin-1")):
            return "That is not a file of this studio.", "Files are found by their ids: /docs."
        if self._hosts is not None and _host(scope) not in self._hosts:
            return (
                "This studio answers only on its own machine.",
                "Open http://127.0.0.1 there; --host and --auth open it to others.",
            )
        if scope.get("method") not in _READING and self._is_another_site_s(scope):
            return (
                "Another site's page may not act in this studio.",
                "Use the studio's own page, or name the site in cors_origins.",
            )
        return None

    def _is_another_site_s(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if presented(HTTPConnection(scope)) is not None or origin in self._origins:
            return False
        site = headers.get(b"sec-fetch-site", b"")
        if site in (b"same-origin", b"none", b"cross-site"):
            return site == b"cross-site"
        if not origin:  # no browser
            return False
        own = (headers.get(b"host", b""), headers.get(b"x-forwarded-host", b""))
        return origin.partition("://")[2].encode("latin-1") not in {each.lower() for each in own if each}


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
