"""The routes of transcripts: texts to take away, segments to listen to, and whose they are."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import srt
import webvtt
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.api import transcripts
from studio.api.errors import handlers
from studio.services.studio import Studio
from studio.services.transcripts import TranscriptRecord
from studio.settings import load_settings
from tabs.transcripts import keeping, starting
from tests.asking import ANN
from tests.serving import user
from tests.spoken import RATE
from tests.transcribe_tab import SEGMENTS, kept, texts, two_parts


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("transcribe")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as opened:
        yield opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_parts(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def record(studio: Studio, recording: Path) -> TranscriptRecord:
    """A transcript of ann's, with words as a good recognizer would have heard them."""
    return kept(studio, recording, "ann", SEGMENTS)


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    app = FastAPI(exception_handlers=handlers())
    app.include_router(transcripts.router(studio, user))
    with TestClient(app, headers={"x-user": "ann"}, raise_server_exceptions=False) as opened:
        yield opened


@pytest.mark.parametrize(("format", "mime"), [("txt", "text/plain"), ("raw", "text/plain"),
    ("srt", "application/x-subrip"), ("vtt", "text/vtt"), ("tsv", "text/tab-separated-values"),
    ("json", "application/json")])  # fmt: skip
def test_every_download_is_an_attachment_that_parses(
    client: TestClient, record: TranscriptRecord, format: str, mime: str
) -> None:
    answer = client.get(f"/transcripts/{record.id}/text", params={"format": format})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{mime}; charset=utf-8"
    said = answer.headers["content-disposition"]
    assert said.startswith('attachment; filename="')
    assert "<" not in said
    if format == "srt":
        assert next(iter(srt.parse(answer.text))).content.startswith("We will see you")
    elif format == "vtt":
        assert webvtt.from_buffer(io.StringIO(answer.text))[-1].end_in_seconds <= 8
    elif format == "json":
        assert [each["text"] for each in json.loads(answer.text)["segments"]] == texts(record)
    elif format == "tsv":
        assert len(answer.text.splitlines()) == 3
    else:
        assert answer.text == f"{record.text}\n"


def test_a_segment_is_heard_alone(client: TestClient, record: TranscriptRecord) -> None:
    path = f"/transcripts/{record.id}/audio?start=4.6&end=6"
    answer = client.get(path)
    assert answer.headers["content-type"] == "audio/wav"
    sound, rate = soundfile.read(io.BytesIO(answer.content))
    assert rate == RATE
    assert len(sound) == pytest.approx(1.4 * RATE, abs=2)
    whole = client.get(f"/transcripts/{record.id}/audio")
    assert soundfile.info(io.BytesIO(whole.content)).duration == pytest.approx(
        record.transcript.duration, abs=0.01
    )
    for asked, first, last in (("100-199", 100, 200), ("100-", 100, None), ("-50", -50, None)):
        part = client.get(path, headers={"range": f"bytes={asked}"})
        assert part.status_code == 206
        assert part.content == answer.content[first:last]
    assert client.get(path, headers={"range": "bytes=99999999-"}).status_code == 416
    for odd in ("bytes=-", "bytes=5-2", "lines=1-2", "bytes=1-2,4-5"):
        assert client.get(path, headers={"range": odd}).status_code in (200, 416)


@pytest.mark.parametrize(
    "asked",
    ["start=-1", "start=3&end=2", "start=2&end=2", "start=99", "start=nan", "end=nan", "end=inf",
     "start=0&end=1e9", "start=x", "start=-inf&end=inf"],
)  # fmt: skip
def test_a_stretch_that_cannot_be_is_refused(
    client: TestClient, record: TranscriptRecord, asked: str
) -> None:
    assert client.get(f"/transcripts/{record.id}/audio?{asked}").status_code == 422


@pytest.mark.parametrize("route", ["text", "audio"])
@pytest.mark.parametrize(
    "transcript_id",
    ["0" * 32, "..", "%2e%2e%2f%2e%2e%2ftimbre.db", "a" * 300, "%00", "'%20OR%201=1", "%F0%9F%98%80"],
)
def test_an_unknown_id_is_not_found(
    client: TestClient, record: TranscriptRecord, route: str, transcript_id: str
) -> None:
    answer = client.get(f"/transcripts/{transcript_id}/{route}")
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


@pytest.mark.parametrize("format", ["xyz", "", "../txt", "\x00", "w" * 10_000])
def test_an_unknown_format_lists_the_valid_ones(
    client: TestClient, record: TranscriptRecord, format: str
) -> None:
    answer = client.get(f"/transcripts/{record.id}/text", params={"format": format})
    assert answer.status_code == 404
    assert "txt" in answer.json()["hint"]


@pytest.mark.parametrize("route", ["text", "audio"])
def test_a_transcript_is_its_owner_s_alone(
    client: TestClient, record: TranscriptRecord, route: str
) -> None:
    path = f"/transcripts/{record.id}/{route}"
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"x-user": "bob"}).status_code == 404
    assert client.get(path, headers={"x-user": ""}).status_code == 404
    del client.headers["x-user"]
    assert client.get(path).status_code == 401


def test_a_deleted_transcript_is_silent(
    studio: Studio, client: TestClient, record: TranscriptRecord
) -> None:
    keeping.on_delete(studio, ANN, False, record.id)
    for route in ("text", "audio"):
        assert client.get(f"/transcripts/{record.id}/{route}").status_code == 404
    assert starting.on_resume(studio, ANN, record.id) == ("", "")
