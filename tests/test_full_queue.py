"""While as many wait for the engines as may: who would join them hears so before the request is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.middleware import Middleware

from studio.api.access import QUEUEING, Access, Caller
from studio.api.documented import include
from studio.api.door import Door
from studio.api.errors import handlers
from studio.api.routes import routers
from studio.services.studio import Studio
from studio.settings import load_settings

BROKEN = {"content": b"{", "headers": {"content-type": "application/json"}}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with Studio(load_settings(home=home, models_dir=home / "models", max_waiting=2)) as opened:
        yield opened


@pytest.fixture(scope="module")
def access(studio: Studio) -> Access:
    return Access(studio, lambda _: "")


@pytest.fixture(scope="module")
def client(studio: Studio, access: Access) -> Iterator[TestClient]:
    door = Middleware(Door, access=access, max_upload_mb=5, spool=studio.workspace.gradio_temp)
    app = FastAPI(exception_handlers=handlers(studio.metrics), middleware=[door])
    include(app, routers(studio, access))
    with TestClient(app) as opened:
        yield opened


@pytest.fixture
def full(access: Access) -> Iterator[None]:
    """One has the device, two wait."""
    with ExitStack() as stack:
        for name in "abc":
            stack.enter_context(access.admit(Caller("", name)))
        yield


@pytest.mark.parametrize("path", sorted(QUEUEING))
@pytest.mark.usefixtures("full")
def test_it_says_so_whatever_is_sent(client: TestClient, path: str) -> None:
    for sent in (BROKEN, {}):
        answer = client.post(path, **sent)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.json()["detail"] == "2 requests are waiting already."
        assert ("error" in answer.json()) == path.startswith("/v1/")


@pytest.mark.parametrize("path", sorted(QUEUEING))
def test_where_there_is_room_the_request_is_read(client: TestClient, path: str) -> None:
    assert client.post(path, **BROKEN).status_code in (400, 422)


@pytest.mark.usefixtures("full")
def test_what_does_not_join_the_queue_goes_on(client: TestClient) -> None:
    assert client.get("/v1/models").status_code == 200
    assert client.get("/v1/audio/speech").status_code == 405
    assert client.post("/jobs/none/cancel").status_code == 404


@pytest.mark.usefixtures("full")
def test_who_may_not_come_in_hears_that(client: TestClient, studio: Studio) -> None:
    key = studio.api_keys.create("program")
    try:
        stranger = client.post("/v1/audio/speech", json={"input": "Hello."})
        assert stranger.status_code == 401
        known = client.post("/v1/audio/speech", headers={"Authorization": f"Bearer {key}"})
        assert known.status_code == 429
    finally:
        studio.api_keys.revoke("program")


@pytest.mark.usefixtures("full")
def test_of_a_long_request_the_rest_is_not_read(client: TestClient) -> None:
    answer = client.post("/stt", files={"file": ("long.wav", bytes(2_000_000))})
    assert (answer.status_code, answer.headers["connection"]) == (429, "close")
