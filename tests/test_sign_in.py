"""Passwords of the page cannot be guessed in bulk."""

from __future__ import annotations

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.api import sign_in
from studio.api.sign_in import MOST_FAILURES, SignInLimit
from studio.metrics import Metrics

RIGHT, WRONG = {"content": b"right"}, {"content": b"wrong"}


@pytest.fixture
def app() -> SignInLimit:
    """Stands before a sign-in, and another route, that know one password."""

    async def ask(request: Request) -> Response:
        right = await request.body() == b"right"
        return PlainTextResponse("", 200 if right else 400)

    routes = [Route(path, ask, methods=["GET", "POST"]) for path in ("/login", "/login/", "/other")]
    return SignInLimit(Starlette(routes=routes), Metrics())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the limit takes for the time, as the only element."""
    now = [1000.0]  # whole, so that seconds add up exactly

    class Clock:
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(sign_in, "time", Clock)
    return now


def client(app: SignInLimit, address: str = "192.0.2.1") -> TestClient:
    return TestClient(app, client=(address, 4_000))


def test_after_many_failures_an_address_has_to_wait(app: SignInLimit, clock: list[float]) -> None:
    guessing = client(app)
    for number in range(MOST_FAILURES):
        path = "/login" if number % 2 else "/login/"
        assert guessing.post(path, **WRONG).status_code == 400
        clock[0] += 1
    for given in (WRONG, RIGHT):  # which of them it is cannot be found out
        refused = guessing.post("/login", **given)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == str(60 - MOST_FAILURES)
        assert set(refused.json()) == {"detail", "hint", "error_id"}
    assert guessing.post("/other", **WRONG).status_code == 400
    assert guessing.get("/login").status_code == 400
    assert client(app, "192.0.2.2").post("/login", **RIGHT).status_code == 200
    clock[0] += 60 - MOST_FAILURES
    assert guessing.post("/login", **RIGHT).status_code == 200
    assert guessing.post("/login", **WRONG).status_code == 400  # the first one is over a minute ago
    assert guessing.post("/login", **RIGHT).status_code == 429


def test_who_signs_in_is_not_counted_and_frees_nobody(app: SignInLimit) -> None:
    person = client(app)
    for _ in range(3 * MOST_FAILURES):
        assert person.post("/login", **RIGHT).status_code == 200
    for _ in range(MOST_FAILURES):
        assert person.post("/login", **WRONG).status_code == 400
        assert person.post("/login", **RIGHT).status_code in (200, 429)
    assert person.post("/login", **RIGHT).status_code == 429


def test_an_ipv6_address_is_as_good_as_its_neighbours(app: SignInLimit) -> None:
    statuses = [
        client(app, f"2001:db8::{number:x}").post("/login", **WRONG).status_code
        for number in range(1, MOST_FAILURES + 2)
    ]
    assert statuses == [400] * MOST_FAILURES + [429]
    assert client(app, "2001:db8:0:1::1").post("/login", **RIGHT).status_code == 200


def test_many_at_once_are_no_way_round(app: SignInLimit) -> None:
    """Each has begun before the first one has sent its password."""
    statuses: list[int] = []

    async def all_at_once() -> None:
        go = anyio.Event()

        async def receive() -> dict[str, object]:
            await go.wait()
            return {"type": "http.request", "body": b"wrong", "more_body": False}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(int(str(message["status"])))

        scope = {
            "type": "http", "method": "POST", "path": "/login", "raw_path": b"/login",
            "query_string": b"", "root_path": "", "headers": [], "client": ("192.0.2.1", 4_000),
        }  # fmt: skip
        async with anyio.create_task_group() as group:
            for _ in range(3 * MOST_FAILURES):
                group.start_soon(app, dict(scope), receive, send)
            await anyio.lowlevel.checkpoint()
            go.set()

    anyio.run(all_at_once)
    assert statuses.count(400) == MOST_FAILURES
    assert statuses.count(429) == 2 * MOST_FAILURES
