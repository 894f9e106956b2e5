"""The page's sign-in, which Gradio lets everybody try as often as they like: no guessing of passwords."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque

from studio.api.asgi import ASGIApp, Message, Receive, Scope, Send, respond
from studio.api.errors import body_of
from studio.errors import Busy
from studio.metrics import Metrics

#: How often a sign-in from one address may fail within a minute.
MOST_FAILURES = 10
_MINUTE_S = 60.0
_REFUSED = 400  # and above: statuses of what failed


class SignInLimit:
    """ASGI middleware.

    Where that many sign-ins of an address have failed, further ones are answered with 429 and Retry-After
    without a look at the password. A try counts from its beginning on, since many could begin at once, and
    no longer when it succeeds. Of one event loop.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        #: When the failures of each address began, by the monotonic clock; whose newest is oldest first.
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_sign_in(scope):
            await self._app(scope, receive, send)
            return
        address, now, status = _address(scope), time.monotonic(), 0
        wait = self._wait_of(address, now)
        if wait:
            self._metrics.rejected("sign_in")
            error = Busy("Too many sign-ins from your address failed.", f"Try again in {wait} s.", wait)
            headers = {"retry-after": str(wait)}
            await respond(scope, send, error.http_status, body_of(error, scope["path"]), headers)
            return

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self._failures.setdefault(address, deque()).append(now)
        self._failures.move_to_end(address)
        await self._app(scope, receive, watched)
        if 0 < status < _REFUSED:
            self._take_back(address, now)

    def _wait_of(self, address: str, now: float) -> int:
        """Seconds until the address may try again; 0: now."""
        while self._failures:  # nobody's are kept for longer than they count
            first, times = next(iter(self._failures.items()))
            if now - times[-1] < _MINUTE_S:
                break
            del self._failures[first]
        times = self._failures.get(address, deque())
        while times and now - times[0] >= _MINUTE_S:
            times.popleft()
        return max(1, math.ceil(times[0] + _MINUTE_S - now)) if len(times) >= MOST_FAILURES else 0

    def _take_back(self, address: str, moment: float) -> None:
        times = self._failures.get(address, deque())
        if moment in times:
            times.remove(moment)
        if not times:
            self._failures.pop(address, None)


def _is_sign_in(scope: Scope) -> bool:
    """Whether it is Gradio's /login, also below a proxy's path."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    return str(scope["path"]).rstrip("/").endswith("/login")


def _address(scope: Scope) -> str:
    """Who asks. Of IPv6 the first half, since the other is the caller's own to choose."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return address.packed[:8].hex() if mapped is None else str(mapped)
    return host
