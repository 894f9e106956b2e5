"""What goes wrong has one shape, says what to do, and shows nothing of the inside; the door before the routes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import anyio
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response, UploadFile
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.api.access import Access
from studio.api.door import Door
from studio.api.errors import handlers
from studio.api.guard import Guard
from studio.errors import BadInput, Busy, EngineFailed, NotFound, StudioError
from studio.services.studio import Studio
from tests.small_disk import tiny_disk

SECRET = "tk_abcdefghijklmnopqrstuvwxyz0123456789"
ALLOWED = "https://friend.example"


class Wanted(BaseModel):
    text: str
    speed: float = 1.0


@pytest.fixture
def access(studio: Studio) -> Access:
    return Access(studio, lambda _: "")


@pytest.fixture
def client(studio: Studio, access: Access) -> Iterator[TestClient]:
    """An app with what stands before the routes; at most 1 MB are taken."""
    app = FastAPI(
        exception_handlers=handlers(),
        middleware=[
            Middleware(Guard, hosts=frozenset({"testserver"}), origins=frozenset({ALLOWED})),
            Middleware(Door, access=access, max_upload_mb=1, spool=studio.workspace.gradio_temp),
        ],
    )
    failures: dict[str, Callable[[], Exception]] = {
        "bad": lambda: BadInput("The text is too long.", "Shorten it."),
        "gone": lambda: NotFound("There is no take.", ""),
        "busy": lambda: Busy("Many wait.", "Come back.", retry_after=7),
        "engine": lambda: EngineFailed("It broke.", "Try again."),
        "plain": lambda: HTTPException(400, detail="Plainly bad."),
        "gradio": lambda: HTTPException(
            401, detail={"error": "Not authenticated", "auth_message": None}
        ),
        "words": lambda: HTTPException(418, detail={"detail": "Short.", "hint": "Stout."}),
        "crash": lambda: RuntimeError(f"the key {SECRET} and /home/ann"),
    }

    def fail(what: str) -> None:
        raise failures[what]()

    for prefix in ("", "/v1"):
        app.get(prefix + "/fail/{what}")(fail)

    @app.post("/v1/speech")
    @app.post("/speech")
    def speech(wanted: Wanted) -> str:
        return wanted.text

    @app.api_route("/wordless/{status}", methods=["GET", "HEAD"])
    def wordless(status: int, said: str = "") -> Response:
        return PlainTextResponse(said, status, {"Content-Range": "bytes */9"})

    @app.post("/upload")
    def upload(file: UploadFile) -> int:
        return len(file.file.read())

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @app.websocket("/ws/{what}")
    async def ws(socket: WebSocket, what: str) -> None:
        await socket.accept()
        if what != "fine":
            fail(what)
        await socket.send_text("hello")
        await socket.close()

    with TestClient(app) as opened:
        yield opened


@pytest.mark.parametrize(
    ("what", "status", "detail", "hint"),
    [
        ("bad", 422, "The text is too long.", "Shorten it."),
        ("gone", 404, "There is no take.", ""),
        ("busy", 429, "Many wait.", "Come back."),
        ("engine", 500, "It broke.", "Try again."),
        ("plain", 400, "Plainly bad.", "Look at what was sent; /docs has every route with its fields."),
        ("words", 418, "Short.", "Stout."),
        (
            *("gradio", 401, "Not authenticated"),
            "Open the page and sign in, or give a key: “Authorization: Bearer tk_...”.",
        ),
    ],
)
def test_every_error_has_one_shape(
    client: TestClient, what: str, status: int, detail: str, hint: str
) -> None:
    answer = client.get(f"/fail/{what}")
    body = answer.json()
    assert answer.status_code == status
    assert set(body) == {"detail", "hint", "error_id"}
    assert (body["detail"], body["hint"]) == (detail, hint)
    assert len(body["error_id"]) == 12
    assert client.get(f"/fail/{what}").json()["error_id"] != body["error_id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("retry-after") == ("7" if what == "busy" else None)


@pytest.mark.parametrize(
    ("what", "kind", "code"),
    [
        ("bad", "invalid_request_error", "bad_input"),
        ("gone", "invalid_request_error", "not_found"),
        ("busy", "rate_limit_error", "busy"),
        ("engine", "server_error", "engine_failed"),
        ("crash", "server_error", "internal_error"),
        ("plain", "invalid_request_error", "bad_request"),
    ],
)
def test_below_v1_openai_s_clients_find_their_shape_too(
    client: TestClient, what: str, kind: str, code: str
) -> None:
    body = client.get(f"/v1/fail/{what}").json()
    assert set(body) == {"detail", "hint", "error_id", "error"}
    assert set(body["error"]) == {"message", "type", "code", "param"}
    assert body["error"]["message"] == f"{body['detail']} {body['hint']}".strip()
    assert (body["error"]["type"], body["error"]["code"]) == (kind, code)


def test_refusals_without_a_word_get_the_shape_of_errors(client: TestClient) -> None:
    """As Gradio's own routes make them, and players that ask for bytes beyond a file's end."""
    for said, detail in (("", "Not Found"), ("Gone for good", "Gone for good")):
        answer = client.get("/wordless/404", params={"said": said})
        assert answer.status_code == 404
        assert set(answer.json()) == {"detail", "hint", "error_id"}
        assert answer.json()["detail"] == detail
        assert answer.json()["hint"]
    ranged = client.get("/wordless/416")
    assert ranged.headers["content-range"] == "bytes */9"
    assert ranged.headers["content-type"] == "application/json"
    assert ranged.json()["hint"]
    assert client.get("/wordless/200", params={"said": "fine"}).text == "fine"
    assert client.head("/wordless/404").content == b""


def test_what_cannot_be_read_is_named(client: TestClient) -> None:
    for path in ("/speech", "/v1/speech"):
        for given in (b"{", b"null", b"[]", b'{"text": 7}', b'{"text": "a", "speed": "fast"}'):
            answer = client.post(path, content=given, headers={"content-type": "application/json"})
            assert answer.status_code == 422
            assert "cannot be read" in answer.json()["detail"]
    assert "speed" in answer.json()["detail"]
    assert answer.json()["error"]["param"] == "speed"
    assert client.get("/nothing").json()["detail"] == "Not Found"
    assert client.delete("/speech").status_code == 405


def test_a_crash_tells_nothing_but_where_to_look(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    from studio.log import _JsonLines

    with caplog.at_level(logging.INFO):
        answer = client.get("/fail/crash")
    assert answer.status_code == 500
    assert set(answer.json()) == {"detail", "hint", "error_id"}
    for inside in ("RuntimeError", "Traceback", SECRET, "/home", ".py"):
        assert inside not in answer.text
    lines = [json.loads(_JsonLines().format(record)) for record in caplog.records]
    (found,) = [
        line for line in lines if line.get("error_id") == answer.json()["error_id"] and "trace" in line
    ]
    assert "RuntimeError" in found["trace"]
    assert SECRET not in json.dumps(lines)


def test_errors_are_logged_under_their_id(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "studio"):  # whatever a command has set before
        body = client.post("/speech", json={"text": 7, "speed": "my secret words"}).json()
    said = [vars(record)["fields"] for record in caplog.records if hasattr(record, "fields")]
    assert {"status": 422, "kind": "bad_input", "error_id": body["error_id"]} in said
    assert "my secret words" not in caplog.text + json.dumps(said)


def test_a_websocket_that_breaks_off_is_closed_with_the_id(client: TestClient) -> None:
    with client.websocket_connect("/ws/crash") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert closed.value.code == 1011
    assert "error_id" in closed.value.reason
    assert SECRET not in closed.value.reason


def test_what_is_too_large_is_refused(client: TestClient) -> None:
    largest = 1_000_000 * 4 // 3 + 1_000_000
    assert client.post("/raw", content=bytes(largest)).json() == largest
    refused = client.post("/raw", content=bytes(largest + 1))
    chunked = client.post("/raw", content=(bytes(100_000) for _ in range(40)))
    form = client.post("/upload", files={"file": bytes(3_000_000)})
    nested = client.post("/speech", content=(b"[" * 100_000 for _ in range(40)))
    for answer in (refused, chunked, form, nested):
        assert answer.status_code == 413, answer.text
        assert "1 MB" in answer.json()["detail"]
        assert "max_upload_mb" in answer.json()["hint"]
    assert client.post("/upload", files={"file": bytes(900_000)}).json() == 900_000


def sent_endlessly(
    client: TestClient, path: str = "/raw", headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[int, int]:
    """The status of the answer, and how many bytes were taken. TestClient gathers a body before it sends it,
    so the app is asked as a server asks it."""
    taken, answered = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 100_000
        assert taken < 10_000_000
        return {"type": "http.request", "body": bytes(100_000), "more_body": True}

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": [(b"host", b"testserver"), *headers],
    }  # fmt: skip
    anyio.run(client.app, scope, receive, send)
    return answered[0]["status"], taken


def test_a_body_is_not_read_to_its_end_once_it_is_too_large(client: TestClient) -> None:
    status, taken = sent_endlessly(client)
    assert status == 413
    assert taken < 2_700_000


def test_what_would_fill_the_disk_is_refused(access: Access) -> None:
    with tiny_disk("205m") as disk:
        app = FastAPI(middleware=[Middleware(Door, access=access, max_upload_mb=200, spool=disk)])

        @app.post("/gradio_api/upload")
        @app.post("/raw")
        async def raw(request: Request) -> int:
            return len(await request.body())

        with TestClient(app) as client:
            assert client.post("/raw", content=bytes(4_000_000)).json() == 4_000_000
            refused = client.post("/raw", content=bytes(20_000_000))
            assert refused.status_code == 507
            assert "nearly full" in refused.json()["detail"]
            (disk / "ballast").write_bytes(bytes(16_000_000))
            assert client.post("/raw", content=b"little").json() == 6
            on_the_page = client.post("/gradio_api/upload", content=b"little")
            assert on_the_page.status_code == 507
            assert on_the_page.text.startswith("The disk of the studio is nearly full. Delete")


def test_a_stranger_s_body_is_hardly_read(studio: Studio) -> None:
    def signed_in(_: HTTPConnection) -> str | None:
        raise HTTPException(401, detail={"detail": "Sign in first.", "hint": "Open the page."})

    access, key = Access(studio, signed_in), studio.api_keys.create("reader")
    app = FastAPI(
        exception_handlers=handlers(),
        middleware=[
            Middleware(Door, access=access, max_upload_mb=2, spool=studio.workspace.gradio_temp)
        ],
    )

    @app.post("/speech", dependencies=[Depends(access.caller)])
    def speech(wanted: Wanted) -> str:
        return wanted.text

    json_body = (b"content-type", b"application/json")
    with TestClient(app) as client:
        for headers in ([json_body], [json_body, (b"x-api-key", b"tk_wrong")]):
            assert sent_endlessly(client, "/speech", headers) == (401, 1_100_000)
        status, taken = sent_endlessly(client, "/speech", [json_body, (b"x-api-key", key.encode())])
        assert status == 413
        assert taken > 2_000_000


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"origin": "http://testserver"}, True),
        ({"origin": "https://testserver"}, True),
        ({"origin": ALLOWED}, True),
        ({"origin": ALLOWED, "sec-fetch-site": "cross-site"}, True),
        ({"origin": "https://proxy.example", "x-forwarded-host": "proxy.example"}, True),
        ({"origin": "https://proxy.example", "sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://evil.example", "authorization": "Bearer tk_x"}, True),
        ({"origin": "https://evil.example", "x-api-key": "tk_x"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "https://testserver.evil.example"}, False),
        ({"origin": "http://testserver:3000"}, False),
        ({"origin": "http://testserver:3000", "sec-fetch-site": "same-site"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://testserver", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "https://evil.example", "cookie": "access-token=1"}, False),
        ({"origin": "https://evil.example", "authorization": "Basic YW5uOmJsdWU="}, False),
        ({"origin": "https://evil.example", "x-api-key": ""}, False),
    ],
)
def test_only_the_studio_s_own_page_acts(
    client: TestClient, headers: dict[str, str], allowed: bool
) -> None:
    answer = client.post("/speech", json={"text": "hi"}, headers=headers)
    assert answer.status_code == (200 if allowed else 403)
    assert client.get("/nothing", headers=headers).status_code == 404  # reading is not acting
    if allowed:
        with client.websocket_connect("/ws/fine", headers=headers) as socket:
            assert socket.receive_text() == "hello"
    else:
        assert "Another site" in answer.json()["detail"]
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/fine", headers=headers):
            pass


def test_a_name_that_is_made_to_lead_here_opens_nothing(client: TestClient) -> None:
    elsewhere = {"host": "rebound.example"}
    assert client.post("/speech", json={"text": "hi"}, headers=elsewhere).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/fine", headers=elsewhere):
        pass


def test_while_the_studio_stops_only_reading_goes_on(client: TestClient, access: Access) -> None:
    access.close()
    for path in ("/speech", "/v1/speech"):
        refused = client.post(path, json={"text": "hi"})
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert "stop" in refused.json()["detail"]
    assert refused.json()["error"]["type"] == "server_error"
    assert client.get("/fail/gone").status_code == 404
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/fine"):
        pass


def test_every_error_has_a_status_that_http_knows() -> None:
    """A 4xx for what the person can change, a 5xx else; only a studio that is not ready says 503."""

    def all_of(error: type[StudioError]) -> Iterator[type[StudioError]]:
        yield error
        for each in error.__subclasses__():
            yield from all_of(each)

    for error in all_of(StudioError):
        assert 400 <= error.http_status < 600
        assert (error.http_status == 503) == (error.kind == "not_ready")
        assert (error.retry_after is not None) == (error.http_status in (429, 503))
