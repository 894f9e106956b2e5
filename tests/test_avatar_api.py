"""Avatar videos over HTTP: at once and as jobs, in ranges, with subtitles, and who may ask."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import av
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from engines.base import Capability
from studio.api import avatar, avatar_jobs
from studio.api.access import Access
from studio.api.avatar_requests import VideoRequest, order_from
from studio.api.errors import handlers
from studio.errors import NotFound
from studio.services.avatar_values import VideoRecord
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.services.tasks import TaskState
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from tests.api_serving import serving
from tests.running import until
from tests.spoken import SENTENCE, saved, spoken

TEXT = "Bob met Pam."
WANTED = {"text": TEXT, "max_height": 128}
LONG = {"text": " ".join([TEXT] * 60), "max_height": 1024}


def page(studio: Studio, access: Access) -> APIRouter:
    return avatar.router(studio, access.owner)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with Studio(load_settings(home=home, models_dir=home / "models")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(studio: Studio) -> Iterator[TestClient]:
    with serving(studio, page, avatar_jobs.router) as opened:
        yield opened


@pytest.fixture(scope="module")
def video(client: TestClient, studio: Studio) -> VideoRecord:
    """A finished one of Ann's, with subtitles."""
    answer = client.post("/api/generate", json={**WANTED, "subtitles": "file", "avatar": "ruth"})
    assert answer.status_code == 200, answer.text
    return studio.avatars.get(answer.headers["x-video-id"], "ann")


def frames(content: bytes) -> int:
    with av.open(io.BytesIO(content)) as file:
        return sum(1 for _ in file.decode(video=0))


def finished(client: TestClient, job_id: str) -> dict[str, Any]:
    def row() -> dict[str, Any]:
        answer = client.get(f"/api/avatar/jobs/{job_id}")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    until(lambda: row()["state"] not in ("queued", "running"))
    return row()


def test_a_text_is_answered_with_a_video(client: TestClient, studio: Studio) -> None:
    answer = client.post("/api/generate", json={**WANTED, "language": "en", "fps": 30})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    record = studio.avatars.get(answer.headers["x-video-id"], "ann")
    assert answer.headers["x-take-id"] == record.take
    assert frames(answer.content) == round(record.duration * 30)
    assert answer.content == studio.avatars.path(record).read_bytes()
    assert studio.history.get(record.take, "ann").text == TEXT


def test_the_language_finds_its_voice(client: TestClient, studio: Studio) -> None:
    answer = client.post("/api/generate", json={**WANTED, "text": "Guten Tag.", "language": "de"})
    take = studio.history.get(answer.headers["x-take-id"], "ann")
    assert take.language == "de"
    assert "German" in take.voice
    fiona = client.post("/api/generate", json={**WANTED, "voice": "Fiona", "speed": 1.5, "seed": 3})
    take = studio.history.get(fiona.headers["x-take-id"], "ann")
    assert take.voice.startswith("Fiona")
    assert (take.settings["speed"], take.seed) == (1.5, 3)


def test_a_voice_is_one_of_the_engine_s_or_a_saved_one(studio: Studio, tmp_path: Path) -> None:
    recording = saved(tmp_path / "zoe.wav", spoken())
    voice = studio.voices.create(NewVoice("Zoë", recording, transcript=SENTENCE), "ann")
    for name in ("zoë", voice.id):
        said = order_from(studio, VideoRequest(text="Hi.", voice=name), "ann").says
        assert isinstance(said, SpeechOrder)
        assert said.mode is Capability.CLONE
        assert said.reference is not None
        assert (said.reference.voice, said.reference.text) == (voice.id, SENTENCE)
    with pytest.raises(NotFound, match="Zoë"):
        order_from(studio, VideoRequest(text="Hi.", voice="Zoë"), "bob")
    old = order_from(studio, VideoRequest(text="Hi.", description="an old man"), "ann").says
    assert isinstance(old, SpeechOrder)
    assert (old.mode, old.description) == (Capability.DESIGN, "an old man")


@pytest.mark.parametrize("text", ["", "   ", "\n", None])
def test_no_text_is_a_bad_request(client: TestClient, text: str | None) -> None:
    wanted = {} if text is None else {"text": text}
    for route in ("/api/generate", "/api/avatar/jobs"):
        answer = client.post(route, json=wanted)
        assert answer.status_code == 400
        body = answer.json()
        assert (body["detail"], body["hint"]) == ("There is no text to speak.", "Give it as “text”.")


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"avatar": "nobody"}, 404, "built-in avatar"),
        ({"avatar": "../mia"}, 404, "built-in avatar"),
        ({"voice": "nobody"}, 404, "voice"),
        ({"personality": "nobody"}, 404, "nobody"),
        ({"personality": "nobody", "voice": "Fiona"}, 422, "its own voice"),
        ({"engine": "puppet"}, 404, "avatar engine"),
        ({"speech_engine": "puppet"}, 404, "engine"),
        ({"language": "klingon"}, 404, "language"),
        ({"engine": "wav2lip"}, 409, "not installed"),
        ({"fps": 24}, 422, "25 or 30"),
        ({"fps": "many"}, 422, "fps"),
        ({"max_height": 10**9}, 422, "out of range"),
        ({"options": {"opening": 1e300}}, 422, "out of range"),
        ({"options": {"smile": 1}}, 404, "smile"),
        ({"speed": 9}, 422, "Speed"),
        ({"subtitles": "everywhere"}, 422, "subtitles"),
        ({"face": "/etc/passwd"}, 422, "face"),
        ({"text": "..."}, 422, "nothing to speak"),
        ({"text": 7}, 422, "text"),
    ],
)
def test_what_is_wrong_is_said(
    client: TestClient, changes: dict[str, Any], status: int, words: str
) -> None:
    for route in ("/api/generate", "/api/avatar/jobs"):
        answer = client.post(route, json={**WANTED, **changes})
        assert answer.status_code == status, answer.text
        body = answer.json()
        assert words in body["detail"] + body["hint"]
        assert body["hint"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"text": NaN}', b"null"])
def test_what_is_no_json_is_said(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/generate", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "cannot be read" in answer.json()["detail"]


def test_a_job_tells_how_it_stands_and_what_it_made(client: TestClient, studio: Studio) -> None:
    begun = client.post("/api/avatar/jobs", json={**WANTED, "subtitles": "burnt"})
    assert begun.status_code == 202
    row = finished(client, begun.json()["id"])
    assert (row["state"], row["fraction"], row["error"]) == ("done", 1.0, "")
    assert row["frame"] == row["frames"] > 10
    assert row["notes"]
    made = row["video"]
    content = client.get(made["url"]).content
    assert frames(content) == round(made["duration"] * made["fps"]) == row["frames"]
    assert [client.get(each).status_code for each in made["subtitles"]] == [200, 200]
    picture = client.get(f"/api/avatar/jobs/{row['id']}/preview.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8")
    assert studio.avatars.get(made["id"], "ann").settings["subtitles"] == "burnt"


def test_a_job_can_be_stopped(client: TestClient, studio: Studio) -> None:
    job_id = client.post("/api/avatar/jobs", json=LONG).json()["id"]
    until(lambda: client.get(f"/api/avatar/jobs/{job_id}").json()["frame"] > 30)
    before = client.get(f"/api/avatar/jobs/{job_id}").json()
    assert 0 < before["fraction"] < 1
    assert before["eta_s"] is None or before["eta_s"] > 0
    assert before["stage"].startswith("lip sync and encoding: ")
    assert client.delete(f"/api/avatar/jobs/{job_id}").status_code == 200
    row = finished(client, job_id)
    assert (row["state"], row["video"]) == ("stopped", None)
    assert studio.history.get(row["take"], "ann").status == "done"


def test_who_hangs_up_stops_it(client: TestClient, studio: Studio) -> None:
    """As a server calls it: the client goes once the work has begun."""
    before = {status.id for status in studio.avatars.running("bob")}

    def mine() -> list[Any]:
        return [status for status in studio.avatars.running("bob") if status.id not in before]

    sent: list[MutableMapping[str, Any]] = []

    async def call() -> None:
        told = False

        async def receive() -> dict[str, Any]:
            nonlocal told
            if not told:
                told = True
                return {"type": "http.request", "body": json.dumps(LONG).encode(), "more_body": False}
            if not (mine() and mine()[0].state is TaskState.RUNNING):
                await asyncio.sleep(60)  # whoever only looks gives up at once
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        headers = [(b"x-user", b"bob"), (b"content-type", b"application/json")]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "path": "/api/generate", "raw_path": b"/api/generate", "query_string": b"",
            "headers": headers, "client": ("test", 1), "server": ("test", 80), "scheme": "http",
        }  # fmt: skip
        await asyncio.wait_for(client.app(scope, receive, send), 20)

    asyncio.run(call())
    (status,) = mine()
    until(lambda: studio.avatars.status(status.id).state is TaskState.STOPPED)
    assert studio.avatars.list("bob") == []
    assert sent[0]["status"] == 499


def test_a_player_can_ask_for_a_part(client: TestClient, studio: Studio, video: VideoRecord) -> None:
    whole = studio.avatars.path(video).read_bytes()
    address = f"/api/avatar/videos/{video.id}"
    plain = client.get(address)
    assert plain.content == whole
    assert plain.headers["accept-ranges"] == "bytes"
    assert plain.headers["content-disposition"].startswith("inline")
    part = client.get(address, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert client.get(address, headers={"range": f"bytes={len(whole)}-"}).status_code == 416
    attached = client.get(f"{address}?download=true").headers["content-disposition"]
    assert attached.startswith('attachment; filename="ruth_bob-met-pam')


def test_subtitles_come_as_srt_and_vtt(client: TestClient, video: VideoRecord) -> None:
    address = f"/api/avatar/videos/{video.id}/subtitles"
    srt, vtt = client.get(f"{address}.srt"), client.get(f"{address}.vtt")
    assert srt.headers["content-type"] == "application/x-subrip; charset=utf-8"
    assert TEXT in srt.text
    assert vtt.text.startswith("WEBVTT")
    assert client.get(f"{address}.doc").status_code == 404
    without = client.post("/api/generate", json=WANTED).headers["x-video-id"]
    refused = client.get(f"/api/avatar/videos/{without}/subtitles.srt")
    assert refused.status_code == 422
    assert "subtitles as a file" in refused.json()["hint"]


def test_a_video_can_be_deleted(client: TestClient, studio: Studio) -> None:
    video_id = client.post("/api/generate", json=WANTED).headers["x-video-id"]
    path = studio.avatars.path(studio.avatars.get(video_id, "ann"))
    address = f"/api/avatar/videos/{video_id}"
    assert client.delete(address, headers={"x-user": "bob"}).status_code == 404
    assert path.exists()
    assert client.delete(address).status_code == 204
    assert not path.exists()
    assert client.get(address).status_code == 404


def test_others_see_nothing_of_it(client: TestClient, video: VideoRecord) -> None:
    job_id = client.post("/api/avatar/jobs", json=WANTED).json()["id"]
    finished(client, job_id)
    routes = [
        f"/api/avatar/jobs/{job_id}",
        f"/api/avatar/jobs/{job_id}/preview.jpg",
        f"/api/avatar/videos/{video.id}",
        f"/api/avatar/videos/{video.id}/subtitles.srt",
    ]
    for route in routes:
        assert client.get(route).status_code == 200, route
        assert client.get(route, headers={"x-user": "bob"}).status_code == 404
    assert client.delete(routes[0], headers={"x-user": "bob"}).status_code == 404


@pytest.mark.parametrize("made_up", ["0" * 32, "%2e%2e", "%00", "a" * 300])
def test_made_up_ids_lead_nowhere(client: TestClient, made_up: str) -> None:
    for route in ("jobs/{}", "jobs/{}/preview.jpg", "videos/{}", "videos/{}/subtitles.srt"):
        assert client.get(f"/api/avatar/{route.format(made_up)}").status_code == 404
    for route in ("pictures/{}", "pictures/mia.png"):
        assert client.get(f"/api/avatar/{route.format(made_up)}").status_code == 404


def test_without_a_sign_in_only_the_health_is_told(client: TestClient) -> None:
    with TestClient(client.app) as stranger:
        assert stranger.get("/api/health").status_code == 200
        assert stranger.post("/api/generate", json=WANTED).status_code == 401
        assert stranger.post("/api/avatar/jobs", json=WANTED).status_code == 401
        for route in ("", "/pictures/mia", "/jobs/1", "/jobs/1/preview.jpg", "/videos/1"):
            assert stranger.get(f"/api/avatar{route}").status_code == 401


def test_where_an_id_is_key_enough(client: TestClient, studio: Studio, video: VideoRecord) -> None:
    """As on a Space: the page plays what it knows the id of. Programs need a key there."""
    access = Access(studio, lambda connection: None)
    made = FastAPI(exception_handlers=handlers())
    made.include_router(page(studio, access))
    made.include_router(avatar_jobs.router(studio, access))
    key = studio.api_keys.create("avatars", "ann")
    try:
        with TestClient(made) as visitor:
            assert visitor.get(f"/api/avatar/videos/{video.id}").status_code == 200
            assert visitor.post("/api/avatar/jobs", json=WANTED).status_code == 401
            assert visitor.delete(f"/api/avatar/videos/{video.id}").status_code == 401
            bearer = {"authorization": f"Bearer {key}"}
            job_id = visitor.post("/api/avatar/jobs", json=WANTED, headers=bearer).json()["id"]
            assert finished(client, job_id)["state"] == "done"
            assert visitor.get(f"/api/avatar/jobs/{job_id}").status_code == 401
            assert visitor.get(f"/api/avatar/jobs/{job_id}/preview.jpg").status_code == 200
    finally:
        studio.api_keys.revoke("avatars")


def test_a_video_counts_among_what_is_asked_at_once(client: TestClient) -> None:
    access: Access = client.app.state.access  # type: ignore[attr-defined]
    until(lambda: access.in_flight == 0)
    job_id = client.post("/api/avatar/jobs", json=LONG).json()["id"]
    assert access.in_flight == 1
    client.delete(f"/api/avatar/jobs/{job_id}")
    until(lambda: access.in_flight == 0)


def test_a_video_has_a_deadline(client: TestClient, studio: Studio) -> None:
    answer = client.post("/api/generate", json=LONG, headers={"x-timeout": "0.3"})
    assert answer.status_code == 504
    assert "X-Timeout" in answer.json()["hint"]
    (status, *_) = studio.tasks.of("ann", "avatar")
    until(lambda: studio.tasks.status(status.id).state is TaskState.STOPPED)
    assert client.post("/api/generate", json=WANTED, headers={"x-timeout": "soon"}).status_code == 422


def test_the_overview_lists_avatars_and_engines(client: TestClient) -> None:
    answer = client.get("/api/avatar").json()
    assert answer["avatars"][0]["id"] == "mia"
    picture = client.get(answer["avatars"][0]["picture"])
    assert picture.headers["content-type"] == "image/png"
    engines = {engine["id"]: engine for engine in answer["engines"]}
    assert list(engines) == ["animator", "wav2lip"]
    assert {"key", "minimum", "maximum", "default"} <= engines["animator"]["options"][0].keys()
    assert [model["installed"] for model in engines["wav2lip"]["models"]][:2] == [False, False]
    assert answer["label"] is True


def test_the_health_tells_what_is_loaded(client: TestClient, video: VideoRecord) -> None:
    answer = client.get("/api/health").json()
    assert answer["status"] == "ok"
    assert "animator" in answer["models_loaded"]
    assert answer["avatar_loaded"] is True
    assert answer["device"] in ("cpu", "auto", "cuda:0", "mps")
