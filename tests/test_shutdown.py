"""Whom a server with a sign-in lets in, what it keeps to itself, and how it ends: in a process of its own."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from studio.api.access import Access, Caller
from studio.api.sign_in import MOST_FAILURES
from studio.services.studio import Studio
from tabs.ending import finish
from tests.running import HTTP, Server, generate, made_key, spooled, until


def sentences(count: int) -> str:
    return " ".join(f"Sentence number {number}." for number in range(count))


#: Half a minute of work for the embedded engine.
LONG = sentences(8_000)
#: What tells nothing of anybody's.
PUBLIC = {"/health", "/ready", "/api/health", "/tts/speak-streaming/protocol"}
#: Gradio's own, which ask by themselves.
GRADIO = ("/gradio_api", "/login", "/logout", "/token", "/user", "/config", "/theme.css", "/static",
          "/assets", "/svelte", "/favicon.ico", "/robots.txt", "/manifest.json", "/pwa_icon",
          "/app_id", "/monitoring", "/custom_component", "/app")  # fmt: skip
FOREIGN = {"Origin": "https://evil.example"}


@pytest.fixture
def access(studio: Studio) -> Access:
    return Access(studio, lambda _: "")


def test_what_is_in_flight_is_waited_for(studio: Studio, access: Access) -> None:
    release, admitted, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        with access.admit(Caller("")):
            admitted.set()
            release.wait(20)

    def end() -> None:
        finish(studio, access, grace_s=20)
        ended.set()

    threads = [threading.Thread(target=each) for each in (work, end)]
    threads[0].start()
    admitted.wait()
    threads[1].start()
    until(lambda: not access.ready)
    assert not ended.wait(0.3)
    release.set()
    assert ended.wait(10)
    for thread in threads:
        thread.join()


def test_what_takes_longer_than_the_grace_is_stopped(studio: Studio, access: Access) -> None:
    def forever(task: Any) -> None:
        while True:
            task.control.check()
            time.sleep(0.01)

    task = studio.tasks.start("test", "For ever", forever)
    finish(studio, access, grace_s=0.1)
    assert studio.tasks.status(task).state.value == "stopped"
    assert studio.working == 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A studio on a network, with a sign-in and a key, and the key."""
    home = tmp_path_factory.mktemp("shared") / "home"
    key = made_key(home)
    with Server(
        home,
        *("--host", "0.0.0.0", "--auth", "ann:blue,bob:green", "--log-level", "debug"),
        TIMBRE_CORS_ORIGINS="https://friend.example",
        TIMBRE_SHUTDOWN_GRACE_S="60",
    ) as running:
        yield running, key


@contextmanager
def signed_in(server: Server, user: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as client:
        answer = client.post("/login", data={"username": user, "password": password})
        assert answer.status_code == 200
        yield client


def test_a_key_lets_programs_in(shared: tuple[Server, str]) -> None:
    server, key = shared
    asked = {"text": "Hello there."}
    refused = HTTP.post(f"{server.url}/tts/wav", json=asked)
    assert refused.status_code == 401
    assert refused.json()["hint"]
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        answer = HTTP.post(f"{server.url}/tts/wav", json=asked, headers=headers)
        assert answer.content.startswith(b"RIFF"), answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith("attachment")
    wrong = {"Authorization": f"Bearer {key}x"}
    assert HTTP.post(f"{server.url}/tts/wav", json=asked, headers=wrong).status_code == 401
    # The key opens nothing of the page's.
    key_header = {"Authorization": f"Bearer {key}"}
    assert HTTP.get(f"{server.url}/config", headers=key_header).status_code == 401


def test_every_route_asks_who_is_there(shared: tuple[Server, str]) -> None:
    server, key = shared
    paths = HTTP.get(f"{server.url}/openapi.json").json()["paths"]
    public, asked = set(), 0
    for path, methods in paths.items():
        if path == "/" or path.startswith(GRADIO):
            continue
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            address = server.url + re.sub(r"{\w+}", "x", path)
            for headers in ({}, {"X-API-Key": f"{key}x"}, {"Cookie": "access-token-x=1"}):
                answer = HTTP.request(method, address, headers=headers, json={})
                asked += 1
                if answer.status_code == 401:
                    assert answer.json()["hint"], path
                    assert answer.headers["www-authenticate"], path
                else:
                    public.add(path)
                    assert answer.status_code == 200, (path, answer.text)
    assert asked > 60
    assert public == PUBLIC


def test_no_other_website_reads_or_acts(shared: tuple[Server, str]) -> None:
    server, key = shared
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    for path in ("/", "/config", "/ready", "/tts", "/gradio_api/queue/join", "/login"):
        for answer in (
            HTTP.get(server.url + path, headers=FOREIGN),
            HTTP.options(server.url + path, headers={**FOREIGN, **asks}),
        ):
            assert "access-control-allow-origin" not in answer.headers, path
        assert HTTP.post(server.url + path, headers=FOREIGN).status_code == 403, path
    friend = {"Origin": "https://friend.example"}
    allowed = HTTP.options(f"{server.url}/tts/wav", headers={**friend, **asks})
    assert allowed.headers["access-control-allow-origin"] == "https://friend.example"
    assert "x-api-key" in allowed.headers["access-control-allow-headers"].lower()
    spoken = HTTP.post(
        f"{server.url}/tts/wav", json={"text": "Hi."}, headers={**friend, "X-API-Key": key}
    )
    assert spoken.status_code == 200
    assert spoken.headers["access-control-allow-origin"] == "https://friend.example"
    assert spoken.headers.get("access-control-allow-credentials") != "true"


def test_the_log_has_neither_keys_nor_texts(shared: tuple[Server, str]) -> None:
    server, key = shared
    headers = {"Authorization": f"Bearer {key}"}
    HTTP.post(f"{server.url}/tts/wav", json={"text": "Purple elephants sing."}, headers=headers)
    HTTP.post(f"{server.url}/tts/wav", json={"text": 7, "voice": "Purple elephants"}, headers=headers)
    HTTP.get(f"{server.url}/tts/Purple-elephants?key={key}", headers=headers)
    assert "request refused" in server.log
    for secret in (key, key[3:], "elephants", "blue"):
        assert secret not in server.log


@pytest.mark.parametrize(
    "path",
    ["/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x", "/gradio_api/file=/etc/passwd",
     "/takes/x/stream", "/takes/x/audio", "/takes/x/subtitles"],
)  # fmt: skip
def test_a_closed_door_lets_nobody_in(shared: tuple[Server, str], path: str) -> None:
    server, _ = shared
    status, _, body = server.raw(path)
    assert status == 401
    said = json.loads(body)
    assert set(said) == {"detail", "hint", "error_id"}
    assert all(said.values())
    wrong = {"cookie": "access-token-x=1; access-token-unsecure-x=1; access-token-unsecure-=1"}
    assert HTTP.get(server.url + path, headers=wrong).status_code == 401


def test_the_closed_page_shows_the_sign_in_alone(shared: tuple[Server, str]) -> None:
    server, _ = shared
    page = server.raw("/")[2].decode()
    assert "preset-generate" not in page
    with signed_in(server, "ann", "blue") as ann:
        assert "preset-generate" in ann.get("/").text


@pytest.mark.parametrize(
    ("user", "password"), [("ann", "green"), ("ann", ""), ("", "blue"), ("eve", "blue"), ("ANN", "blue")]
)
def test_a_wrong_password_is_refused(shared: tuple[Server, str], user: str, password: str) -> None:
    server, _ = shared
    answer = HTTP.post(f"{server.url}/login", data={"username": user, "password": password})
    assert answer.status_code in (400, 422)
    assert not answer.cookies


def test_who_guesses_passwords_has_to_wait_and_nobody_else(shared: tuple[Server, str]) -> None:
    """Behind a proxy, whose clients are told apart."""
    server, _ = shared
    guesser, given = {"X-Forwarded-For": "203.0.113.9"}, {"username": "ann", "password": "wrong"}
    answers = [
        HTTP.post(f"{server.url}/login", data=given, headers=guesser) for _ in range(MOST_FAILURES + 1)
    ]
    assert [each.status_code for each in answers] == [400] * MOST_FAILURES + [429]
    assert set(answers[0].json()) == set(answers[-1].json()) == {"detail", "hint", "error_id"}
    assert int(answers[-1].headers["retry-after"]) > 30
    assert "ten wrong passwords" in server.raw("/")[2].decode()
    with signed_in(server, "ann", "blue"):
        pass


def test_a_take_is_its_owner_s_alone(shared: tuple[Server, str]) -> None:
    server, _ = shared
    with signed_in(server, "ann", "blue") as ann, signed_in(server, "bob", "green") as bob:
        take = generate(server, ann)
        path = f"/takes/{take}/audio"
        until(lambda: ann.get(path).status_code == 200)
        for route in ("audio", "stream", "subtitles"):
            assert ann.get(f"/takes/{take}/{route}").status_code == 200
            assert bob.get(f"/takes/{take}/{route}").status_code == 404
            assert server.raw(f"/takes/{take}/{route}")[0] == 401


def test_signing_out_closes_the_door_again(shared: tuple[Server, str]) -> None:
    server, _ = shared
    with signed_in(server, "ann", "blue") as ann:
        token = dict(ann.cookies)
        assert ann.get("/config").status_code == 200
        ann.get("/logout")
        ann.cookies.update(token)
        assert ann.get("/config").status_code == 401
        assert ann.get("/takes/x/audio").status_code == 401


def test_passwords_are_not_logged(shared: tuple[Server, str]) -> None:
    server, _ = shared
    with signed_in(server, "ann", "blue"):
        assert "blue" not in server.log
        assert "green" not in server.log


def test_a_signal_lets_finish_and_a_second_one_does_not(shared: tuple[Server, str]) -> None:
    """The last test of this server."""
    server, key = shared
    headers = {"Authorization": f"Bearer {key}"}
    status: list[int] = []

    def speak() -> None:
        try:
            asked = {"text": LONG}
            answer = httpx.post(f"{server.url}/tts/wav", json=asked, headers=headers, timeout=60)
            status.append(answer.status_code)
        except httpx.TransportError:
            status.append(0)

    speaking = threading.Thread(target=speak)
    speaking.start()
    until(lambda: spooled(server.home) > 500_000)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: HTTP.get(f"{server.url}/ready").status_code == 503)
    assert HTTP.get(f"{server.url}/health").status_code == 200
    refused = HTTP.post(f"{server.url}/tts/wav", json={"text": "Hi."}, headers=headers)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert server.process.poll() is None
    assert server.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    speaking.join()
    assert status == [0]
