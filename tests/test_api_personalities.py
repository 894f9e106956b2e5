"""Personalities over HTTP: made, built by server-sent events, resumed, deleted, and whose they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from fastapi.testclient import TestClient

from studio.api import personalities
from studio.api.access import Access
from studio.services.studio import Studio
from studio.services.voice_values import Basis, Consent, NewVoice
from studio.settings import load_settings
from tests.api_serving import serving
from tests.running import until
from tests.spoken import SENTENCE, saved, silence, spoken

BASE = "/api/personality"
BOB = {"x-user": "bob"}
SMART = {
    "description": "a young woman, warm",
    "emotions": "happy",
    "language": "en",
    "transcript": SENTENCE,
    "own_seconds": "1.5",
    "expressive_seconds": "1.5",
    "seed": "3",
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with Studio(load_settings(home=home, models_dir=home / "models")) as opened:
        yield opened


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    with serving(studio, personalities.router) as opened:
        yield opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sound = np.concatenate([silence(0.2), spoken(), silence(0.2)])
    return saved(tmp_path_factory.mktemp("recordings") / "me.wav", sound)


def create(client: TestClient, recording: Path, called: str, *tags: str, **more: Any) -> Any:
    sound = recording.read_bytes()
    return client.post(
        f"{BASE}/create",
        files=[("audio", (f"{number}.wav", sound)) for number, _ in enumerate(tags)],
        data={"name": called, "tags": list(tags), **more},
    )


def events(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    return [json.loads(line[len("data: ") :]) for line in lines]


def smart(client: TestClient, recording: Path, name: str, **more: Any) -> Any:
    files = {"audio": ("me.wav", recording.read_bytes())}
    return client.post(f"{BASE}/create_smart", files=files, data={**SMART, "name": name, **more})


def test_a_personality_is_made_of_recordings(
    studio: Studio, client: TestClient, recording: Path
) -> None:
    answer = create(
        client, recording, "Zoë", "happy", "neutral", transcripts=["Yes!", SENTENCE], language="en",
        note="radio", consent_person="Zoë Z.", consent_basis="permission",
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    row = answer.json()
    assert [(each["tag"], each["transcript"]) for each in row["emotions"]] == [
        ("neutral", SENTENCE),
        ("happy", "Yes!"),
    ]
    assert row["consent"]["person"] == "Zoë Z."
    assert row["building"] == []
    assert client.get(f"{BASE}/{row['id']}").json() == row
    assert client.get(f"{BASE}/list", params={"search": "radio"}).json() == [row]
    sound = client.get(row["emotions"][1]["audio"])
    found = studio.personalities.get("zoë", "ann").emotion("happy")
    assert found is not None
    assert sound.content == found.audio.read_bytes()
    assert sound.headers["content-disposition"] == 'attachment; filename="zoe_happy.wav"'
    missing = client.get(f"{BASE}/{row['id']}/audio", params={"emotion": "sad"})
    assert missing.status_code == 404
    assert "happy" in missing.json()["hint"]
    assert not any(studio.workspace.spool.glob("received-*"))


@pytest.mark.parametrize(
    ("tags", "more", "words"),
    [
        (["happy"], {}, "neutral"),
        (["neutral", "happy", "joyful"], {}, "happy"),
        (["neutral"], {"tags": ["neutral", "sad"]}, "1 recordings, 2 tags"),
        (["neutral"], {"transcripts": ["one", "two"]}, "2 transcripts"),
        (["neutral", "[x]"], {}, "[x]"),
        (["neutral"], {"name": ""}, "name"),
        (["neutral"], {"consent_person": "Bob"}, "basis"),
        (["neutral"], {"folder": "/etc"}, "folder"),
        ([], {}, "audio"),
    ],
)
def test_what_is_no_personality_is_said(
    studio: Studio,
    client: TestClient,
    recording: Path,
    tags: list[str],
    more: dict[str, Any],
    words: str,
) -> None:
    before = studio.personalities.list("ann")
    answer = create(client, recording, "Wrong", *tags, **more)
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert words in body["detail"] + body["hint"]
    assert studio.personalities.list("ann") == before
    assert not any(studio.workspace.spool.glob("received-*"))


def test_a_smart_build_tells_how_it_goes(studio: Studio, client: TestClient, recording: Path) -> None:
    said = events(smart(client, recording, "Smart", consent_basis="synthetic"))
    *running, end = said
    assert {"stage", "progress", "elapsed_s", "eta_s"} <= running[0].keys()
    progress = [each["progress"] or 0.0 for each in running]
    assert progress == sorted(progress)
    assert any("happy" in each["stage"] for each in running)
    assert end["done"] is True
    row = end["personality"]
    assert [each["tag"] for each in row["emotions"]] == ["neutral", "happy"]
    assert row["emotions"][1]["made"] == "smart"
    assert row["building"] == []
    assert row["consent"]["basis"] == "synthetic"
    assert row == client.get(f"{BASE}/smart").json()
    assert {each["personality"] for each in running if "personality" in each} == {row["id"]}
    assert not any(studio.workspace.spool.glob("received-*"))
    access: Access = client.app.state.access  # type: ignore[attr-defined]
    assert access.in_flight == 0


def test_a_build_begins_with_a_saved_voice(studio: Studio, client: TestClient, recording: Path) -> None:
    consent = Consent("Ann", Basis.OWN, 1.0)
    new = NewVoice("Mine", recording, transcript=SENTENCE, language="en", consent=consent)
    voice = studio.voices.create(new, "ann")
    wanted = {**SMART, "transcript": "", "emotions": '[{"tag": "calm", "text": "All is well with us."}]'}
    end = events(
        client.post(f"{BASE}/create_smart", data={**wanted, "name": "Of mine", "voice": "mine"})
    )
    row = end[-1]["personality"]
    assert (row["voice"], row["consent"]["person"]) == (voice.id, "Ann")
    assert row["emotions"][0]["transcript"] == SENTENCE


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"description": ""}, 422, "description"),
        ({"emotions": ""}, 422, "emotions"),
        ({"emotions": "happy,joyful"}, 422, "happy"),
        ({"emotions": '[{"tag": "happy", "file": "/etc/passwd"}]'}, 422, "file"),
        ({"emotions": "["}, 422, "emotions"),
        ({"engine": "nobody"}, 404, "nobody"),
        ({"engine": "qwen"}, 409, "not installed"),
        ({"seed": "-1"}, 422, "seed"),
        ({"own_seconds": "inf"}, 422, "own_seconds"),
        ({"crossfade_ms": "9999"}, 422, "crossfade"),
        ({"voice": "mine too"}, 422, "audio or voice"),
        ({"language": "klingon!"}, 422, "language"),
    ],
)
def test_what_cannot_be_built_is_a_status(
    studio: Studio, client: TestClient, recording: Path, more: dict[str, str], status: int, words: str
) -> None:
    before = studio.personalities.list("ann")
    answer = smart(client, recording, "Impossible", **more)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert words.lower() in (body["detail"] + body["hint"]).lower()
    assert studio.personalities.list("ann") == before
    assert not any(studio.workspace.spool.glob("received-*"))


def test_who_hangs_up_stops_a_build_which_can_be_resumed(
    studio: Studio, client: TestClient, recording: Path
) -> None:
    voice = studio.voices.create(NewVoice("Stopped", recording, transcript=SENTENCE), "ann")
    long = [{"tag": "sad", "text": "I still set two cups on the table, and the house is quiet. " * 4}]
    body = urlencode(
        {**SMART, "name": "Stopped", "voice": voice.id, "emotions": json.dumps(long)}
    ).encode()
    told: list[str] = []
    speaking = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not told:
            told.append("")
            return {"type": "http.request", "body": body}
        await speaking.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message.get("body", b"").decode())
        if "generating sad" in told[-1]:
            speaking.set()

    async def call() -> None:
        headers = {"x-user": "ann", "content-type": "application/x-www-form-urlencoded"}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "path": f"{BASE}/create_smart", "raw_path": b"", "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("test", 1), "server": ("test", 80), "scheme": "http",
        }  # fmt: skip
        await asyncio.wait_for(client.app(scope, receive, send), 20)

    asyncio.run(call())
    access: Access = client.app.state.access  # type: ignore[attr-defined]
    assert access.in_flight == 0
    (status, *_) = studio.tasks.of("ann", "smart")
    until(lambda: studio.tasks.status(status.id).state.finished)
    row = client.get(f"{BASE}/stopped").json()
    assert [(each["tag"], each["state"]) for each in row["building"]] == [("sad", "pending")]
    assert client.post(f"{BASE}/stopped/resume", headers=BOB).status_code == 404
    end = events(client.post(f"{BASE}/stopped/resume"))[-1]
    assert [each["tag"] for each in end["personality"]["emotions"]] == ["neutral", "sad"]
    complete = client.post(f"{BASE}/stopped/resume")
    assert complete.status_code == 422
    assert "complete" in complete.json()["detail"]


def test_a_build_has_a_deadline(client: TestClient, recording: Path) -> None:
    long = json.dumps([{"tag": "sad", "text": "I still set two cups on the table. " * 30}])
    files = {"audio": ("me.wav", recording.read_bytes())}
    answer = client.post(
        f"{BASE}/create_smart",
        files=files,
        data={**SMART, "name": "Late", "emotions": long},
        headers={"x-timeout": "0.3"},
    )
    end = events(answer)[-1]
    assert (end["code"], end["detail"]) == ("timed_out", end["error"])
    assert end["error_id"]
    assert client.get(f"{BASE}/{end['personality']}").json()["building"]


def test_personalities_are_their_owner_s_alone(client: TestClient, recording: Path) -> None:
    row = create(client, recording, "Mine alone", "neutral").json()
    address = f"{BASE}/{row['id']}"
    assert client.get(f"{BASE}/list", headers=BOB).json() == []
    for path in (address, f"{address}/audio"):
        assert client.get(path, headers=BOB).status_code == 404
        assert client.get(path).status_code == 200
    assert client.delete(address, headers=BOB).status_code == 404
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    del client.headers["x-user"]
    for path in (f"{BASE}/list", address, f"{address}/audio"):
        assert client.get(path).status_code == 401
    assert client.delete(address).status_code == 401
    for route in ("create", "create_smart", "x/resume"):
        assert client.post(f"{BASE}/{route}").status_code == 401
