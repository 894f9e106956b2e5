"""Voices over HTTP: uploaded, changed, tried out, deleted, and whose they are."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import UploadFile
from fastapi.testclient import TestClient

from studio.api import takes, voices
from studio.api.access import Access
from studio.api.uploads import received
from studio.services.studio import Studio
from studio.services.tasks import TaskState
from studio.settings import load_settings
from tests.api_serving import serving
from tests.model_folders import make_model
from tests.running import until
from tests.spoken import SENTENCE, saved, silence, spoken

BASE = "/api/tts/qwen3/voices"
BOB = {"x-user": "bob"}


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    measure_once(home)
    with Studio(load_settings(home=home, models_dir=home / "models")) as opened:
        yield opened


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    with serving(
        studio, voices.router, lambda studio, access: takes.router(studio, access.owner)
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("recordings") / "zoë.wav", spoken())


def upload(client: TestClient, recording: Path, name: str, **more: Any) -> dict[str, Any]:
    with recording.open("rb") as file:
        answer = client.post(
            f"{BASE}/upload", files={"file": (recording.name, file)}, data={"name": name, **more}
        )
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()
    return row


def tried(client: TestClient, voice: str) -> dict[str, Any]:
    def row() -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"{BASE}/{voice}/clone-status").json()
        return found

    until(lambda: row()["state"] not in ("queued", "running"), 60)
    return row()


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_an_uploaded_voice_is_kept_with_all_that_was_said(
    studio: Studio, client: TestClient, recording: Path
) -> None:
    row = upload(
        client, recording, "Zoë", transcript=SENTENCE, language="en", tags=["warm", "old"], note="radio",
        consent_person="Zoë Z.", consent_basis="permission", consent_since="2026-01-31",
    )  # fmt: skip
    assert (row["name"], row["transcript"], row["tags"]) == ("Zoë", SENTENCE, ["warm", "old"])
    assert row["consent"] == {"person": "Zoë Z.", "basis": "permission", "since": "2026-01-31"}
    assert client.get(f"{BASE}/{row['id']}").json() == row
    assert client.get(BASE, params={"search": "radio"}).json() == [row]
    assert client.get(BASE, params={"tag": "cold"}).json() == []
    audio = client.get(row["audio"])
    assert audio.content == studio.voices.get("Zoë", "ann").audio.read_bytes()
    assert audio.headers["content-disposition"] == 'attachment; filename="zoe.wav"'
    assert audio.headers["x-content-type-options"] == "nosniff"
    assert not any(studio.workspace.spool.glob("received-*"))


def test_what_is_received_lies_where_a_killed_process_s_leftovers_are_swept(studio: Studio) -> None:
    with received(studio, [UploadFile(io.BytesIO(b"RIFF"), filename="x.wav")]) as (path,):
        assert path.is_relative_to(studio.workspace.spool)
    assert not path.exists()


def test_a_part_of_a_recording_can_be_taken(client: TestClient, recording: Path) -> None:
    row = upload(client, recording, "A part", start=0.2, end=1.7)
    assert row["duration_s"] == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (b"", {}, "is empty"),
        (b"MZ\x90\x00 this is no sound", {}, "note.wav"),
        (None, {"name": ""}, "name"),
        (None, {"name": "   "}, "name is empty"),
        (None, {"name": "x" * 300}, "300 characters"),
        (None, {"language": "klingon!"}, "language"),
        (None, {"start": "5", "end": "2"}, "from 5 s to 2 s"),
        (None, {"start": "nan"}, "start"),
        (None, {"consent_person": "Bob"}, "basis"),
        (None, {"consent_basis": "theft"}, "consent_basis"),
        (None, {"consent_basis": "permission"}, "Who speaks"),
        (None, {"consent_basis": "synthetic", "consent_since": "9999-12-31"}, "future"),
    ],
)
def test_what_is_wrong_with_an_upload_is_said(
    studio: Studio,
    client: TestClient,
    recording: Path,
    content: bytes | None,
    more: dict[str, str],
    words: str,
) -> None:
    sent = recording.read_bytes() if content is None else content
    before = len(studio.voices.list("ann"))
    answer = client.post(
        f"{BASE}/upload", files={"file": ("note.wav", sent)}, data={"name": "Wrong", **more}
    )
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert words in body["detail"] + body["hint"]
    assert str(studio.workspace.home) not in answer.text
    assert len(studio.voices.list("ann")) == before
    assert not any(studio.workspace.spool.glob("received-*"))


def test_silence_is_no_voice(client: TestClient, tmp_path: Path) -> None:
    path = saved(tmp_path / "nothing.wav", silence(3))
    with path.open("rb") as file:
        answer = client.post(f"{BASE}/upload", files={"file": file}, data={"name": "Silence"})
    assert answer.status_code == 422
    assert "silent" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["../../evil.wav", "C:\\evil.wav", "\x00.wav", "a/b\\c", ".." * 90, ""])
def test_a_file_s_name_is_only_a_name(
    studio: Studio, client: TestClient, recording: Path, name: str
) -> None:
    before = sorted(studio.workspace.home.rglob("*evil*"))
    answer = client.post(
        f"{BASE}/upload",
        files={"file": (name, recording.read_bytes())},
        data={"name": f"Named {len(studio.voices.list('ann'))}"},
    )
    assert answer.status_code in (201, 422)
    assert sorted(studio.workspace.home.rglob("*evil*")) == before


def test_a_change_leaves_the_rest(client: TestClient, recording: Path) -> None:
    row = upload(client, recording, "Changing", note="first")
    address = f"{BASE}/{row['id']}"
    changed = client.patch(address, json={"name": "Changed", "favourite": True, "tags": ["new"]})
    assert changed.status_code == 200
    new = changed.json()
    assert (new["name"], new["note"], new["favourite"]) == ("Changed", "first", True)
    assert client.get(BASE, params={"favourites": True}).json() == [new]
    said = client.patch(address, json={"consent": {"basis": "synthetic"}}).json()["consent"]
    assert said["basis"] == "synthetic"
    taken = upload(client, recording, "Taken")
    clash = client.patch(address, json={"name": taken["name"]})
    assert clash.status_code == 422
    assert client.patch(address, json={"audio": "/etc/passwd"}).status_code == 422
    assert client.patch(address, json=[1]).status_code == 422


def test_a_deleted_voice_is_gone(client: TestClient, recording: Path) -> None:
    row = upload(client, recording, "Leaving")
    address = f"{BASE}/{row['id']}"
    assert client.delete(address, headers=BOB).status_code == 404
    assert client.delete(address).status_code == 204
    for gone in (address, f"{address}/audio", f"{address}/clone-status"):
        assert client.get(gone).status_code == 404
    assert client.delete(address).status_code == 404


def test_a_voice_is_tried_out_and_heard(studio: Studio, client: TestClient, recording: Path) -> None:
    row = upload(client, recording, "Trying", language="en")
    before = client.get(f"{BASE}/{row['id']}/clone-status").json()
    assert (before["state"], before["id"]) == ("none", "")
    begun = client.post(
        f"{BASE}/{row['id']}/clone", json={"text": "Hello.", "language": "en-us", "seed": 3}
    )
    assert begun.status_code == 202, begun.text
    assert begun.json()["voice"] == row["id"]
    status = tried(client, row["id"])
    assert (status["state"], status["progress"]) == ("done", 1.0)
    assert any("No model of Qwen3-TTS" in note for note in status["notes"])
    take = studio.history.get(status["take"], "ann")
    assert (take.text, take.mode, take.language, take.seed) == ("Hello.", "clone", "en-us", 3)
    assert client.get(status["url"]).status_code == 200
    assert studio.voices.uses(row["id"], "ann").takes == 1


def test_a_recording_is_written_down_where_that_is_wanted(
    studio: Studio, client: TestClient, recording: Path
) -> None:
    row = upload(client, recording, "Unwritten", language="en")
    body = {"text": "Hello.", "language": "en-us", "transcribe": True}
    client.post(f"{BASE}/unwritten/clone", json=body)
    status = tried(client, row["id"])
    assert status["state"] == "done", status["error"]
    assert any("written down" in note for note in status["notes"])
    assert "morning" in studio.voices.get("unwritten", "ann").transcript
    reference = studio.history.get(status["take"], "ann").settings["reference"]
    assert "morning" in str(reference)


def test_qwen_clones_where_it_can(studio: Studio, client: TestClient, recording: Path) -> None:
    """It does not speak Swedish, which the usual engine does."""
    upload(client, recording, "Swedish")
    folder = make_model(studio.model_folders.target("qwen-0.6b-base"))
    try:
        answer = client.post(f"{BASE}/swedish/clone", json={"text": "Hej.", "language": "sv"})
        assert answer.status_code == 404
        assert "language" in answer.json()["detail"]
    finally:
        shutil.rmtree(folder)
    assert client.post(f"{BASE}/swedish/clone", json={"text": "Hej.", "language": "sv"}).is_success
    client.delete(f"{BASE}/swedish/clone")


def test_a_shared_studio_wants_to_know_whose_voice_it_is(tmp_path: Path, recording: Path) -> None:
    settings = load_settings(home=tmp_path, models_dir=tmp_path / "m", require_consent="always")
    with Studio(settings) as shared, serving(shared, voices.router) as client:
        wanted = {"files": {"file": recording.read_bytes()}, "data": {"name": "Zoë"}}
        answer = client.post(f"{BASE}/upload", **wanted)
        assert answer.status_code == 422
        assert "whose voice" in answer.json()["detail"]
        upload(client, recording, "Zoë", consent_basis="synthetic")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"engine": "nobody"}, 404),
        ({"engine": "qwen"}, 409),
        ({"language": "klingon"}, 404),
        ({"text": "..."}, 422),
        ({"text": "x" * 300_000}, 422),
        ({"seed": -1}, 422),
        ({"voice": "other"}, 422),
    ],
)
def test_what_cannot_be_tried_is_said_at_once(
    client: TestClient, recording: Path, studio: Studio, body: dict[str, Any], status: int
) -> None:
    if not any(each.name == "Refusing" for each in studio.voices.list("ann")):
        upload(client, recording, "Refusing")
    answer = client.post(f"{BASE}/refusing/clone", json=body)
    assert answer.status_code == status, answer.text
    assert client.get(f"{BASE}/refusing/clone-status").json()["state"] == "none"


def test_trying_can_be_stopped_and_counts_until_then(
    studio: Studio, client: TestClient, recording: Path
) -> None:
    row = upload(client, recording, "Long", language="en")
    access: Access = client.app.state.access  # type: ignore[attr-defined]
    text = "One sentence after another is spoken here. " * 400
    task_id = client.post(f"{BASE}/long/clone", json={"text": text}).json()["id"]
    assert access.in_flight == 1
    assert client.post(f"{BASE}/long/clone", json={"text": text}).json()["id"] == task_id
    client.delete(f"{BASE}/long/clone")
    assert tried(client, row["id"])["state"] == TaskState.STOPPED.value
    until(lambda: access.in_flight == 0)


def test_nothing_need_be_said_to_try_a_voice(client: TestClient, recording: Path) -> None:
    row = upload(client, recording, "Silent", language="de")
    assert client.post(f"{BASE}/silent/clone").status_code == 202
    client.delete(f"{BASE}/silent/clone")
    assert tried(client, row["id"])["state"] == TaskState.STOPPED.value


def test_voices_are_their_owner_s_alone(client: TestClient, recording: Path) -> None:
    row = upload(client, recording, "Mine")
    address = f"{BASE}/{row['id']}"
    assert client.get(BASE, headers=BOB).json() == []
    for path in (address, f"{address}/audio", f"{address}/clone-status"):
        assert client.get(path, headers=BOB).status_code == 404
        assert client.get(path).status_code == 200
    assert client.patch(address, json={"note": "x"}, headers=BOB).status_code == 404
    assert client.post(f"{address}/clone", headers=BOB).status_code == 404
    assert client.delete(f"{address}/clone", headers=BOB).status_code == 404
    del client.headers["x-user"]
    for path in (BASE, address, f"{address}/audio", f"{address}/clone-status"):
        assert client.get(path).status_code == 401
    assert client.post(f"{BASE}/upload").status_code == 401
    assert client.post(f"{address}/clone").status_code == 401
