"""Who may use the routes, how much of them at once, and for how long."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import HTTPException
from fastapi.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from studio.api.errors import OwnerOf
from studio.errors import BadInput, Busy, NotReady, TimedOut
from studio.services.api_keys import ApiKey
from studio.services.studio import Studio

#: The routes that take a place in the queue with what they are sent: where there is none, they need not read it.
QUEUEING = frozenset(
    (
        *("/v1/audio/speech", "/v1/audio/transcriptions", "/tts", "/tts/wav", "/stt"),
        *("/api/generate_stream", "/api/transcribe", "/api/switch_model"),
        *("/api/generate", "/api/avatar/jobs", "/api/personality/create_smart"),
    )
)
_MINUTE_S = 60.0
_NO_KEY = "Give a key as “Authorization: Bearer tk_...”; `python app.py keys create NAME` makes one."


@dataclass(frozen=True)
class Caller:
    """Who asks for something."""

    owner: str  # whose takes, voices and jobs these are
    key: str = ""  # name of the key; "" for the page's session, and where none is needed

    @property
    def counted_as(self) -> str:
        """Whose requests are counted together: the key's, or those of whoever is signed in to the page. ""
        in a studio without a sign-in, where nothing tells callers apart."""
        if self.key:
            return f"key {self.key}"
        return f"user {self.owner}" if self.owner else ""


class Access:
    """One for the server; thread-safe.

    `Depends(access.caller)` is for routes that programs use, `Depends(access.owner)` for what the page loads
    too: of a studio without a sign-in the page is open, but programs need a key once there is one.
    """

    def __init__(self, studio: Studio, owner_of: OwnerOf) -> None:
        self._settings, self._keys, self._engines = studio.settings, studio.api_keys, studio.engines
        self._owner_of, self.metrics = owner_of, studio.metrics
        self._lock = threading.Lock()
        self._closing = False
        self._in_flight = 0
        self._at_once: defaultdict[str, int] = defaultdict(int)
        self._begun: defaultdict[str, deque[float]] = defaultdict(deque)

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Who asks; a dependency for HTTP and WebSocket. Raises HTTPException 401."""
        # Not left to a thread: beside an engine at work that would take ten times as long, and whoever is
        # to be told to come back has to hear so at once. Reading never waits for those who write.
        key = self._presented(connection)
        if key is not None:
            if key.use_is_stale:
                await run_in_threadpool(self._keys.note_use, key)
            return Caller(key.owner, key.name)
        owner = self._owner_of(connection)
        # "" is a studio without a sign-in, None one that keeps its visitors apart by what they cannot
        # send here.
        if owner is None or (owner == "" and self._keys.any()):
            raise _unauthorised("This needs a key.")
        return Caller(owner)

    def owner(self, connection: HTTPConnection) -> str | None:
        """Whose things may be seen, None where an id is key enough; a dependency for what the page loads.
        Raises HTTPException 401."""
        key = self._presented(connection)
        if key is None:
            return self._owner_of(connection)
        self._keys.note_use(key)
        return key.owner

    @contextmanager
    def admit(self, caller: Caller) -> Iterator[None]:
        """Work for the engines, from here to the end of the block.

        Never waits. Raises Busy where the caller has too much in the works or asked too often, or too many
        wait already, and NotReady where the studio is about to stop.
        """
        self._enter(caller)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1
                self._at_once[caller.counted_as] -= 1
                if not self._at_once[caller.counted_as]:
                    del self._at_once[caller.counted_as]

    def deadline(self, given: float | None = None, connection: HTTPConnection | None = None) -> float:
        """The moment, by `time.monotonic()`, at which the work on a request has to end. `given`, in seconds,
        and the request's header X-Timeout can only bring it nearer. Raises BadInput for what is no number of
        seconds."""
        header = connection.headers.get("x-timeout") if connection is not None else None
        wanted = [self._settings.request_timeout_s]
        for each in (given, header):
            if each is not None:
                wanted.append(_seconds(each))
        return time.monotonic() + min(wanted)

    @property
    def ready(self) -> bool:
        """Whether new work is taken."""
        return not self._closing

    def has_no_place_for(self, method: str, path: str) -> bool:
        """Whether a request would join a queue that is full."""
        return method == "POST" and path in QUEUEING and self._settings.api and self._full

    @property
    def in_flight(self) -> int:
        """How much admitted work has not ended."""
        return self._in_flight

    def close(self) -> None:
        """Take no new work from now on; what was admitted goes on."""
        self._closing = True

    def check(self, caller: Caller) -> None:
        """Raise what `admit` would raise now: for routes that have something to work out before it."""
        with self._lock:
            self._check(caller, time.monotonic())

    def _enter(self, caller: Caller) -> None:
        now = time.monotonic()
        with self._lock:
            self._check(caller, now)
            self._in_flight += 1
            self._at_once[caller.counted_as] += 1
            if caller.counted_as:
                self._begun[caller.counted_as].append(now)

    def _check(self, caller: Caller, now: float) -> None:
        if self._closing:
            self.metrics.rejected("closing")
            raise NotReady("The studio is about to stop.", "Try again when it is up again.")
        if caller.counted_as:
            self._check_own(caller.counted_as, now)
        if self._full:
            self.metrics.rejected("queue")
            raise Busy(f"{self._waiting} requests are waiting already.", "Try again in a moment.")

    @property
    def _full(self) -> bool:
        return self._waiting >= self._settings.max_waiting

    @property
    def _waiting(self) -> int:
        return max(self._in_flight - 1, self._engines.waiting)

    def _check_own(self, caller: str, now: float) -> None:
        settings, begun = self._settings, self._begun[caller]
        while begun and now - begun[0] >= _MINUTE_S:
            begun.popleft()
        if settings.api_rate_per_min and len(begun) >= settings.api_rate_per_min:
            self.metrics.rejected("rate")
            wait = max(1, math.ceil(begun[0] + _MINUTE_S - now))
            raise Busy(
                f"You have made your {settings.api_rate_per_min} requests a minute.",
                f"Try again in {wait} s, or raise api_rate_per_min.",
                retry_after=wait,
            )
        if settings.api_concurrency and self._at_once[caller] >= settings.api_concurrency:
            self.metrics.rejected("concurrency")
            raise Busy(
                f"You have {self._at_once[caller]} requests in the works already.",
                "Wait for one of them, or raise api_concurrency.",
            )

    def _presented(self, connection: HTTPConnection) -> ApiKey | None:
        """The key that came along; None where none came. Raises HTTPException 401 for one that is none.

        As long as there are no keys, what came is ignored: OpenAI's clients always send one.
        """
        given = presented(connection)
        if given is None:
            return None
        found = self._keys.find(given)
        if found is None and self._keys.any():
            raise _unauthorised("That key is not known.")
        return found


def presented(connection: HTTPConnection) -> str | None:
    """What the request says is its key."""
    scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return connection.headers.get("x-api-key") or None


def timed_out(seconds: float) -> TimedOut:
    """The error for work that passed its deadline."""
    return TimedOut(
        f"It was not done within {seconds:g} s.",
        "Ask for less at once, or allow more time: X-Timeout, request_timeout_s.",
    )


def _seconds(given: float | str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise BadInput("The timeout is no number of seconds.", "Give one above 0, such as 30.")
    return seconds


def _unauthorised(detail: str) -> HTTPException:
    return HTTPException(
        401, detail={"detail": detail, "hint": _NO_KEY}, headers={"WWW-Authenticate": "Bearer"}
    )
