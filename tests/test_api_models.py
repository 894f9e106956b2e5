"""Models over HTTP, and how downloads and voices stand by WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from studio.api import jobs, models, progress_socket, voices
from studio.api.access import Access
from studio.errors import NotFound
from studio.models.registry import MODELS
from studio.services.studio import Studio
from studio.services.voice_values import NewVoice
from tests.api_serving import serving
from tests.downloading import opened
from tests.downloading import serving as hub_serving
from tests.model_folders import BASE, make_model
from tests.running import until
from tests.spoken import saved, spoken

HERE = "/api/tts/qwen3/models"
BOB = {"x-user": "bob"}


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    with serving(studio, jobs.router, models.router, progress_socket.router, voices.router) as opened:
        yield opened


@pytest.fixture
def xtts_needs_consent() -> str:
    return next(key for key, entry in MODELS.items() if entry.consent)


def row_of(client: TestClient, key: str = BASE) -> dict[str, Any]:
    rows = client.get(HERE, params={"family": "all"}).json()
    found: dict[str, Any] = next(row for row in rows if row["model"] == key)
    return found


def test_the_models_of_a_family_are_listed(studio: Studio, client: TestClient) -> None:
    rows = client.get(HERE).json()
    assert [row["model"] for row in rows] == [
        key for key, entry in MODELS.items() if entry.family == "Qwen"
    ]
    assert (rows[0]["valid"], rows[0]["loaded"], rows[0]["job"]) == (False, False, None)
    every = client.get(HERE, params={"family": "all"}).json()
    assert [row["model"] for row in every] == list(MODELS)
    make_model(studio.model_folders.target(BASE))
    assert (row_of(client)["state"], row_of(client)["valid"]) == ("valid", True)


def test_what_is_wrong_with_a_model_is_said(studio: Studio, client: TestClient) -> None:
    absent = client.post(f"{HERE}/validate", json={"model": BASE}).json()
    assert (absent["state"], absent["valid"]) == ("absent", False)
    folder = make_model(studio.model_folders.target(BASE))
    whole = client.post(f"{HERE}/validate", json={"model": BASE}).json()
    assert (whole["state"], whole["problems"]) == ("valid", [])
    (folder / "vocab.json").unlink()
    partial = client.post(f"{HERE}/validate", json={"model": BASE}).json()
    assert partial["state"] == "partial"
    assert [problem["file"] for problem in partial["problems"]] == ["vocab.json"]
    assert str(studio.settings.models_dir) not in str(partial)


@pytest.mark.parametrize("route", ["download", "validate", "open-path"])
def test_a_model_that_there_is_not_is_not_found(client: TestClient, route: str) -> None:
    answer = client.post(f"{HERE}/{route}", json={"model": "qwen-0.6b-bass"})
    assert answer.status_code == 404
    assert BASE in answer.json()["hint"]
    assert client.post(f"{HERE}/{route}", json={}).status_code == 422
    assert client.post(f"{HERE}/{route}", json={"model": "../../etc"}).status_code == 404


def test_half_a_character_is_said_in_words(client: TestClient) -> None:
    """JSON can hold a lone surrogate, which no answer can repeat."""
    answer = client.post(
        f"{HERE}/validate",
        content=b'{"model": "\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no model “?”."


def test_where_a_model_lies_is_told_in_words_to_those_who_are_elsewhere(
    studio: Studio, client: TestClient
) -> None:
    missing = client.post(f"{HERE}/open-path", json={"model": BASE})
    assert missing.status_code == NotFound.http_status
    folder = make_model(studio.model_folders.target(BASE))
    row = client.post(f"{HERE}/open-path", json={"model": BASE}).json()
    assert row["opened"] is False
    assert row["path"] == f"Qwen/{folder.name}"
    assert str(folder) not in str(row)


def test_at_this_machine_its_folder_is_opened(
    studio: Studio, client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = make_model(studio.model_folders.target(BASE))
    opened = tmp_path / "opened"
    manager = tmp_path / "xdg-open"
    manager.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    manager.chmod(0o755)
    near = TestClient(client.app, headers={"x-user": "ann"}, client=("127.0.0.1", 1))
    monkeypatch.setenv("PATH", "")
    row = near.post(f"{HERE}/open-path", json={"model": BASE}).json()
    assert (row["opened"], row["path"]) == (False, str(folder))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert near.post(f"{HERE}/open-path", json={"model": BASE}).json()["opened"] is True
    until(opened.exists)
    assert opened.read_text() == str(folder)
    behind = near.post(
        f"{HERE}/open-path", json={"model": BASE}, headers={"x-forwarded-for": "203.0.113.7"}
    )
    assert behind.json()["opened"] is False


def test_a_licence_has_to_be_accepted_first(
    studio: Studio, client: TestClient, xtts_needs_consent: str
) -> None:
    answer = client.post(f"{HERE}/download", json={"model": xtts_needs_consent})
    assert answer.status_code == 422
    assert "licence" in answer.json()["detail"]
    assert row_of(client, xtts_needs_consent)["consent_needed"] is True
    assert studio.models.accepted(xtts_needs_consent) is None


@pytest.mark.parametrize("wanted", [{"provider": "nobody"}, {"provider": 7}, {"url": "http://x"}])
def test_nothing_is_fetched_from_elsewhere(client: TestClient, wanted: dict[str, Any]) -> None:
    answer = client.post(f"{HERE}/download", json={"model": BASE, **wanted})
    assert answer.status_code in (404, 422)
    assert row_of(client)["job"] is None


def test_a_download_is_a_job_and_is_watched_to_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with hub_serving(monkeypatch, tmp_path), opened(tmp_path) as studio:
        with serving(studio, jobs.router, models.router, progress_socket.router) as client:
            with client.websocket_connect("/api/progress?scope=qwen3_tts_models") as socket:
                first = socket.receive_json()
                assert (first["type"], first["scope"]) == ("snapshot", "qwen3_tts_models")
                before = next(item for item in first["items"] if item["id"] == BASE)
                assert (before["state"], before["job"]) == ("absent", None)
                begun = client.post(f"{HERE}/download", json={"model": BASE, "provider": "huggingface"})
                assert begun.status_code == 202, begun.text
                job_id = begun.json()["id"]
                seen = []
                while not seen or seen[-1]["state"] != "valid" or seen[-1]["job"]:
                    studio.jobs.tick()
                    message = socket.receive_json()
                    assert message["type"] == "progress"
                    seen.append(message["item"])
            assert {item["id"] for item in seen} == {BASE}
            assert any(item["job"] and item["job"]["id"] == job_id for item in seen)
            assert client.get(f"/jobs/{job_id}").json()["status"] == "done"
            assert row_of(client)["valid"] is True


def test_trying_a_voice_is_watched(studio: Studio, client: TestClient, tmp_path: Path) -> None:
    recording = saved(tmp_path / "zoe.wav", spoken())
    voice = studio.voices.create(NewVoice("Zoë", recording, language="en"), "ann")
    where = "/api/progress?scope=qwen3_tts_voice_clone"
    with client.websocket_connect(where) as socket:
        with client.websocket_connect(where, headers=BOB) as other:
            assert socket.receive_json()["items"] == other.receive_json()["items"] == []
            text = "Hej. " * 200
            client.post(f"/api/tts/qwen3/voices/{voice.id}/clone", json={"text": text})
            first = socket.receive_json()
            assert (first["type"], first["item"]["id"]) == ("progress", voice.id)
            assert first["item"]["state"] in ("queued", "running")
            client.delete(f"/api/tts/qwen3/voices/{voice.id}/clone")
            while (message := socket.receive_json())["item"]["state"] != "stopped":
                assert message["item"]["id"] == voice.id
        with client.websocket_connect(where, headers=BOB) as other:
            assert other.receive_json()["items"] == []
        with client.websocket_connect(where) as late:
            (item,) = late.receive_json()["items"]
            assert (item["id"], item["state"]) == (voice.id, "stopped")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("/api/progress?scope=everything", {}, 404),
        ("/api/progress", {}, 404),
        ("/api/progress?scope=qwen3_tts_models", None, 401),
    ],
)
def test_what_cannot_be_watched_is_refused(
    client: TestClient, address: str, headers: dict[str, str] | None, status: int
) -> None:
    if headers is None:
        del client.headers["x-user"]
    with pytest.raises(WebSocketDenialResponse) as refused:
        with client.websocket_connect(address):
            pass
    assert refused.value.status_code == status
    assert refused.value.json()["error_id"]


def test_watchers_are_sent_away_when_the_studio_stops(studio: Studio, client: TestClient) -> None:
    access: Access = client.app.state.access  # type: ignore[attr-defined]
    with client.websocket_connect("/api/progress?scope=qwen3_tts_models") as socket:
        socket.receive_json()
        access.close()
        assert socket.receive() == {"type": "websocket.close", "code": 1012, "reason": ""}


def test_without_a_key_nothing_is_told(client: TestClient) -> None:
    del client.headers["x-user"]
    assert client.get(HERE).status_code == 401
    for route in ("download", "validate", "open-path"):
        assert client.post(f"{HERE}/{route}", json={"model": BASE}).status_code == 401
