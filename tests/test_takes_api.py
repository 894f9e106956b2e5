"""Takes over HTTP: the live sound, the file in every format, subtitles, and who may ask."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import pytest
import soundfile
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from engines.base import Capability
from studio.api import takes
from studio.api.errors import handlers
from studio.audio.wav import HEADER_BYTES
from studio.audio.writing import FORMATS, SYNTHETIC_MARK
from studio.services.history import sidecar_path
from studio.services.studio import Studio
from studio.services.takes import Loudness, SpeechOrder, TakeRecord

TEXT = "Good morning. This is a short text, spoken by the embedded voice."


def order(text: str = TEXT) -> SpeechOrder:
    return SpeechOrder(Capability.PRESET, text, "espeak", "en-us", seed=7, loudness=Loudness.AS_MADE)


def user(request: Request) -> str:
    """Stands for the page's sign-in: a header says who it is."""
    name = request.headers.get("x-user")
    if name is None:
        raise HTTPException(401)
    return name


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    app = FastAPI(exception_handlers=handlers())
    app.include_router(takes.router(studio, user))
    with TestClient(app, headers={"x-user": "ann"}, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def take(studio: Studio) -> TakeRecord:
    return studio.speech.speak(order(), "ann")


def test_the_stream_is_the_finished_sound(studio: Studio, client: TestClient) -> None:
    take_id = studio.speech.start(order(" ".join([TEXT] * 60)), "ann")
    answer = client.get(f"/takes/{take_id}/stream")
    record = studio.history.get(take_id, "ann")
    assert answer.headers["x-sample-rate"] == str(record.sample_rate)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == studio.history.path(record).read_bytes()[HEADER_BYTES:]


def test_a_late_listener_hears_it_all(studio: Studio, client: TestClient, take: TakeRecord) -> None:
    for _ in range(2):
        sound = client.get(f"/takes/{take.id}/stream").content
        assert sound == studio.history.path(take).read_bytes()[HEADER_BYTES:]


@pytest.mark.parametrize("format", FORMATS)
def test_the_audio_comes_in_every_format(client: TestClient, take: TakeRecord, format: str) -> None:
    for _ in range(2):  # made, then found in the cache
        answer = client.get(f"/takes/{take.id}/audio", params={"format": format})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == FORMATS[format].mime
        with av.open(io.BytesIO(answer.content)) as file:
            frames = list(file.decode(audio=0))
        seconds = sum(frame.samples for frame in frames) / frames[0].sample_rate
        assert seconds == pytest.approx(take.duration, abs=0.15)


def test_other_formats_say_that_the_speech_is_synthetic(client: TestClient, take: TakeRecord) -> None:
    content = client.get(f"/takes/{take.id}/audio?format=flac").content
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        assert SYNTHETIC_MARK in file.comment
        assert file.title == TEXT


def test_a_download_has_a_name_that_tells_voice_text_and_seed(
    client: TestClient, take: TakeRecord
) -> None:
    for path, extension in (("audio?format=mp3", "mp3"), ("subtitles?format=vtt", "vtt")):
        said = client.get(f"/takes/{take.id}/{path}").headers["content-disposition"]
        assert said.startswith("attachment; filename=")
        name = said.split('"')[1]
        assert name.startswith("fiona-english-america_good-morning")
        assert "_7_" in name
        assert name.endswith(f".{extension}")
        assert name.isascii()


def test_a_player_can_ask_for_a_part(studio: Studio, client: TestClient, take: TakeRecord) -> None:
    whole = studio.history.path(take).read_bytes()
    answer = client.get(f"/takes/{take.id}/audio", headers={"range": "bytes=100-199"})
    assert answer.status_code == 206
    assert answer.content == whole[100:200]
    assert answer.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    beyond = client.get(f"/takes/{take.id}/audio", headers={"range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416


def test_subtitles_come_as_srt_and_vtt(client: TestClient, take: TakeRecord) -> None:
    srt = client.get(f"/takes/{take.id}/subtitles")
    vtt = client.get(f"/takes/{take.id}/subtitles?format=vtt")
    assert srt.headers["content-type"] == "application/x-subrip; charset=utf-8"
    assert vtt.headers["content-type"] == "text/vtt; charset=utf-8"
    assert srt.text.startswith("1\n00:00:00,")
    assert vtt.text.startswith("WEBVTT\n")
    for text in (srt.text, vtt.text):
        assert "Good morning.\n" in text
        assert "the embedded voice.\n" in text


def test_a_take_without_timings_says_so(studio: Studio, client: TestClient, take: TakeRecord) -> None:
    sidecar_path(studio.history.path(take)).unlink()
    answer = client.get(f"/takes/{take.id}/subtitles")
    assert answer.status_code == 422
    assert "word timings" in answer.json()["hint"]


@pytest.mark.parametrize("route", ["audio", "subtitles"])
@pytest.mark.parametrize("format", ["xyz", "", "../wav", "\x00", "w" * 10_000])
def test_an_unknown_format_lists_the_valid_ones(
    client: TestClient, take: TakeRecord, route: str, format: str
) -> None:
    answer = client.get(f"/takes/{take.id}/{route}", params={"format": format})
    assert answer.status_code == 404
    body = answer.json()
    assert any(name in body["hint"] for name in ("mp3", "wav", "srt"))
    assert len(body["detail"]) < 200


@pytest.mark.parametrize("route", ["stream", "audio", "subtitles"])
@pytest.mark.parametrize(
    "take_id",
    [
        "0" * 32,
        "..",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2ftimbre.db",
        "a" * 300,
        "%00",
        "'%20OR%201=1",
        "%F0%9F%98%80",
    ],
)
def test_an_unknown_id_is_not_found(
    client: TestClient, take: TakeRecord, route: str, take_id: str
) -> None:
    answer = client.get(f"/takes/{take_id}/{route}")
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


@pytest.mark.parametrize("route", ["stream", "audio", "subtitles"])
def test_a_take_is_its_owner_s_alone(client: TestClient, take: TakeRecord, route: str) -> None:
    path = f"/takes/{take.id}/{route}"
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"x-user": "bob"}).status_code == 404
    assert client.get(path, headers={"x-user": ""}).status_code == 404
    del client.headers["x-user"]
    assert client.get(path).status_code == 401


def test_a_file_removed_by_hand_is_not_found(
    studio: Studio, client: TestClient, take: TakeRecord
) -> None:
    client.get(f"/takes/{take.id}/audio?format=mp3")
    studio.history.path(take).unlink()
    for route in ("audio", "audio?format=mp3", "subtitles"):
        answer = client.get(f"/takes/{take.id}/{route}")
        assert answer.status_code == 404
        assert "is gone" in answer.json()["detail"]


def test_a_deleted_take_is_gone_in_every_format(
    studio: Studio, client: TestClient, take: TakeRecord
) -> None:
    assert client.get(f"/takes/{take.id}/audio?format=mp3").status_code == 200
    studio.history.delete(take.id, "ann")
    assert client.get(f"/takes/{take.id}/audio?format=mp3").status_code == 404
    assert not list(studio.workspace.cache.rglob("*.mp3"))
