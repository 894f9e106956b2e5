"""Who is let in, how much of it at once, and for how long."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.api.access import Access, Caller
from studio.api.errors import OwnerOf, handlers
from studio.db import Database
from studio.errors import BadInput, Busy, NotFound, NotReady
from studio.services.api_keys import ApiKeys
from studio.services.studio import Studio
from studio.settings import load_settings


def nobody_signs_in(_: HTTPConnection) -> str | None:
    return ""


def a_space(_: HTTPConnection) -> str | None:
    return None


def signed_in(connection: HTTPConnection) -> str | None:
    """Stands for the page's sign-in: a header says who it is."""
    name = connection.headers.get("x-user")
    if name is None:
        raise HTTPException(401, detail={"detail": "Sign in first.", "hint": "Open the page."})
    return name


@pytest.fixture
def clients(studio: Studio) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of a small app whose routes tell who asks."""
    with ExitStack() as stack:

        def client(owner_of: OwnerOf = nobody_signs_in) -> TestClient:
            access = Access(studio, owner_of)
            app = FastAPI(exception_handlers=handlers())

            @app.get("/who")
            def who(caller: Caller = Depends(access.caller)) -> dict[str, str]:
                return {"owner": caller.owner, "key": caller.key}

            @app.get("/page", dependencies=[Depends(access.owner)])
            def page() -> None: ...

            @app.websocket("/ws")
            async def ws(socket: WebSocket, caller: Caller = Depends(access.caller)) -> None:
                await socket.accept()
                await socket.send_json(caller.owner)
                await socket.close()

            return stack.enter_context(TestClient(app))

        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_studio_of_one_s_own_needs_no_key(clients: Callable[..., TestClient]) -> None:
    client = clients()
    assert client.get("/who").json() == {"owner": "", "key": ""}
    # OpenAI's clients send a key whether there are any or not.
    assert client.get("/who", headers=bearer("not-needed")).json() == {"owner": "", "key": ""}


def test_once_there_is_a_key_programs_need_one(
    clients: Callable[..., TestClient], studio: Studio
) -> None:
    client = clients()
    key = studio.api_keys.create("reader", owner="ann")
    for headers in ({}, bearer(key[:-1]), bearer(key + "x"), bearer(""), {"X-API-Key": "tk_"},
                    {"Authorization": f"Basic {key}"}, {"Authorization": key}):  # fmt: skip
        answer = client.get("/who", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "keys create" in answer.json()["hint"]
    for headers in (bearer(key), {"X-API-Key": key}, {"Authorization": f"bEARER  {key} "}):
        assert client.get("/who", headers=headers).json() == {"owner": "ann", "key": "reader"}


def test_the_page_of_an_open_studio_stays_open(
    clients: Callable[..., TestClient], studio: Studio
) -> None:
    client = clients()
    studio.api_keys.create("reader")
    assert client.get("/page").status_code == 200
    assert client.get("/page", headers=bearer("tk_wrong")).status_code == 401


def test_a_sign_in_stands_for_a_key(clients: Callable[..., TestClient], studio: Studio) -> None:
    client = clients(signed_in)
    assert client.get("/who").status_code == 401
    assert client.get("/who", headers=bearer("any")).status_code == 401
    assert client.get("/who", headers={"x-user": "ann"}).json() == {"owner": "ann", "key": ""}
    key = studio.api_keys.create("reader", owner="bob")
    both = {"x-user": "ann", **bearer(key)}
    assert client.get("/who", headers=both).json() == {"owner": "bob", "key": "reader"}
    assert client.get("/who", headers={"x-user": "ann", **bearer("tk_no")}).status_code == 401


def test_on_a_space_programs_need_a_key(clients: Callable[..., TestClient], studio: Studio) -> None:
    client = clients(a_space)
    assert client.get("/who").status_code == 401
    assert client.get("/page").status_code == 200
    key = studio.api_keys.create("reader", owner="bob")
    assert client.get("/who", headers=bearer(key)).json()["owner"] == "bob"


def test_websockets_are_asked_like_requests(clients: Callable[..., TestClient], studio: Studio) -> None:
    client = clients()
    key = studio.api_keys.create("reader", owner="ann")
    with client.websocket_connect("/ws", headers=bearer(key)) as socket:
        assert socket.receive_json() == "ann"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws"):
        pass


def test_what_another_process_does_to_the_keys_counts_at_once(
    clients: Callable[..., TestClient], studio: Studio
) -> None:
    client = clients()
    elsewhere = ApiKeys(Database(studio.workspace.database))
    key = elsewhere.create("reader")
    assert client.get("/who").status_code == 401
    assert client.get("/who", headers=bearer(key)).status_code == 200
    elsewhere.create("other")
    elsewhere.revoke("reader")
    assert client.get("/who", headers=bearer(key)).status_code == 401
    with pytest.raises(NotFound, match="reader"):
        elsewhere.revoke("reader")


def test_keys_are_random_and_kept_as_hashes_only(studio: Studio) -> None:
    keys = [studio.api_keys.create(f"key {number}") for number in range(3)]
    assert len(set(keys)) == 3
    assert all(key.startswith("tk_") and len(key) >= 46 for key in keys)  # 256 bits in base64
    kept = b"".join(
        path.read_bytes() for path in studio.workspace.home.rglob("*") if path.is_file()
    )  # the write-ahead log too
    assert b"key 1" in kept
    for key in keys:
        assert key.encode() not in kept
        assert key[3:].encode() not in kept
        assert key not in repr(studio.api_keys.all())


def test_every_key_is_compared_in_constant_time(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [studio.api_keys.create(f"key {number}") for number in range(4)]
    compared: list[str] = []
    real = hmac.compare_digest

    def watched(a: str, b: str) -> bool:
        compared.append(b)
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    for given, name in ((keys[0], "key 0"), (keys[3], "key 3"), ("tk_wrong", None), ("\udc80", None)):
        compared.clear()
        found = studio.api_keys.find(given)
        assert (found.name if found else None) == name
        assert len(compared) == 4


def test_the_last_use_is_kept_to_the_minute(
    clients: Callable[..., TestClient], studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, headers = clients(), bearer(studio.api_keys.create("reader"))
    studio.api_keys.create("other")

    def last_used() -> float | None:
        return next(key.last_used for key in studio.api_keys.all() if key.name == "reader")

    assert last_used() is None
    for path, moment, kept in (
        ("/who", 1e9, 1e9),
        ("/who", 1e9 + 59, 1e9),
        ("/page", 1e9 + 61, 1e9 + 61),
    ):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert client.get(path, headers=headers).status_code == 200
        assert last_used() == kept
    assert [key.last_used for key in studio.api_keys.all()].count(None) == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "a\x00", "\u202etxt"])
def test_a_name_that_is_none_is_refused(studio: Studio, name: str) -> None:
    with pytest.raises(BadInput, match="name"):
        studio.api_keys.create(name)


def test_a_name_is_given_once(studio: Studio) -> None:
    studio.api_keys.create("reader")
    with pytest.raises(BadInput, match="already"):
        studio.api_keys.create(" reader ")


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Callable[..., Access]]:
    """Makes an access with other settings than usual."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Access:
            opened = stack.enter_context(Studio(load_settings(home=tmp_path / "home", **settings)))
            return Access(opened, nobody_signs_in)

        yield make


def test_a_key_has_its_requests_a_minute(
    limited: Callable[..., Access], monkeypatch: pytest.MonkeyPatch
) -> None:
    access, now = limited(api_rate_per_min=3), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(3):
        with access.admit(Caller("", "a")):
            now += 10
    with pytest.raises(Busy) as refused, access.admit(Caller("", "a")):
        pass
    assert refused.value.retry_after == 30
    # Each has its own, and so has who is signed in; without a sign-in nothing tells callers apart.
    for other in (Caller("", "b"), Caller("a"), Caller("ann"), Caller("")):
        for _ in range(3):
            with access.admit(other):
                pass
    now += 30.1
    with access.admit(Caller("", "a")):
        pass
    with pytest.raises(Busy, match="minute"), access.admit(Caller("", "a")):
        pass
    with pytest.raises(Busy, match="minute"), access.admit(Caller("ann")):
        pass
    with access.admit(Caller("")):
        pass


def test_a_key_has_so_many_requests_at_once(limited: Callable[..., Access]) -> None:
    access = limited(api_concurrency=2)
    with access.admit(Caller("", "a")), access.admit(Caller("", "a")):
        with pytest.raises(Busy, match="in the works"), access.admit(Caller("", "a")):
            pass
        with access.admit(Caller("", "b")), access.admit(Caller("")):
            assert access.in_flight == 4
        with access.admit(Caller("a")), access.admit(Caller("a")):
            with pytest.raises(Busy, match="in the works"), access.admit(Caller("a")):
                pass
    with pytest.raises(ValueError, match="broke off"), access.admit(Caller("", "a")):
        raise ValueError("broke off")
    with access.admit(Caller("", "a")), access.admit(Caller("", "a")):
        assert access.in_flight == 2
    assert access.in_flight == 0


def test_the_queue_is_bounded_over_all(limited: Callable[..., Access]) -> None:
    access = limited(max_waiting=2, api_concurrency=0)
    with ExitStack() as stack:
        for name in "abc":  # one has the device, two wait
            stack.enter_context(access.admit(Caller("", name)))
        for name in ("d", ""):
            with pytest.raises(Busy, match="waiting") as refused, access.admit(Caller("", name)):
                pass
            assert refused.value.retry_after
            assert refused.value.http_status == 429
    with access.admit(Caller("", "d")):
        pass


def test_no_limit_is_exceeded_by_many_at_once(limited: Callable[..., Access]) -> None:
    access, most, refusals = limited(api_concurrency=3, api_rate_per_min=0), [0], [0]
    lock, start = threading.Lock(), threading.Barrier(12)

    def ask() -> None:
        start.wait()
        for _ in range(50):
            try:
                with access.admit(Caller("", "a")):
                    with lock:
                        most[0] = max(most[0], access.in_flight)
                    time.sleep(0)
            except Busy:
                with lock:
                    refusals[0] += 1

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 3
    assert access.in_flight == 0


def test_a_studio_that_stops_admits_nobody(limited: Callable[..., Access]) -> None:
    access = limited()
    with access.admit(Caller("")):
        access.close()
        assert not access.ready
        with pytest.raises(NotReady) as refused, access.admit(Caller("")):
            pass
        assert access.in_flight == 1
    assert (refused.value.http_status, access.in_flight) == (503, 0)
    assert refused.value.retry_after


def test_a_deadline_can_be_brought_nearer_only(limited: Callable[..., Access]) -> None:
    access = limited(request_timeout_s=50)

    def left(given: float | None = None, header: str | None = None) -> float:
        raw = [] if header is None else [(b"x-timeout", header.encode())]
        connection = HTTPConnection({"type": "http", "headers": raw})
        return access.deadline(given, connection) - time.monotonic()

    assert left() == pytest.approx(50, abs=1)
    assert left(5) == pytest.approx(5, abs=1)
    assert left(500) == pytest.approx(50, abs=1)
    assert left(header="7.5") == pytest.approx(7.5, abs=1)
    assert left(3, "7.5") == pytest.approx(3, abs=1)
    for wrong in ("0", "-1", "soon", "nan", "inf", ""):
        with pytest.raises(BadInput, match="timeout"):
            left(header=wrong)
    for given in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="timeout"):
            left(given)
