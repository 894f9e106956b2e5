"""How long browsers keep the page's scripts, of which it has more than a hundred."""

from __future__ import annotations

import re

from studio.api.asgi import ASGIApp, Message, Receive, Scope, Send

#: Gradio's builder (Vite) puts eight characters of a hash of the content into each file's name.
_HASHED = re.compile(r"/assets/[^/]+-[\w-]{8}\.(?:js|css|woff2?|ttf|svg|png|jpg|wasm)")
_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
_OK = 200


class Caching:
    """ASGI middleware: a file whose name changes with what it holds is asked for once. Gradio says nothing of
    it, and browsers then ask for all of them again after a while, most often soon after it was installed. What
    says itself how long it may be kept is left as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _OK:
                headers = message.get("headers", ())
                if all(name.lower() != b"cache-control" for name, _ in headers):
                    message["headers"] = [*headers, _FOR_EVER]
            await send(message)

        named = scope["type"] == "http" and _HASHED.fullmatch(scope["path"])
        await self._app(scope, receive, kept if named else send)
