"""What runs have spoken over HTTP: samples, spectrograms, blind pairs, and who may ask."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
import soundfile
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from PIL import Image

from studio.api import runs
from studio.api.errors import handlers
from studio.api.runs import picture_place, run_address, sample_place, trial_place
from studio.api.tickets import TICKETS
from studio.audio.spectrogram import ROWS
from studio.runs.run_folder import RunFolder
from studio.services.studio import Studio
from tests.run_samples import make_run, save, tone


def user(request: Request) -> str:
    """Stands for the page's sign-in: a header says who it is."""
    name = request.headers.get("x-user")
    if name is None:
        raise HTTPException(401)
    return name


@pytest.fixture
def folder(studio: Studio) -> RunFolder:
    return make_run(studio.workspace.checkpoints, "zoe", "ann", "Zoë")


@pytest.fixture
def client(studio: Studio, folder: RunFolder) -> Iterator[TestClient]:
    app = FastAPI(exception_handlers=handlers())
    app.include_router(runs.router(studio, user))
    with TestClient(app, headers={"x-user": "ann"}, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def base() -> str:
    return f"/{run_address('zoe', 'ann')}"


def places(studio: Studio, base: str) -> list[str]:
    """One address of each kind."""
    sample = studio.runs.samples("zoe", "ann")[1]
    trial = studio.listening.next("zoe", "ann", 3, 0)
    return [
        base + sample_place(sample),
        base + picture_place(sample),
        f"{base}{trial_place(trial.id)}a.wav",
    ]


def test_every_sample_is_heard_at_its_address(
    studio: Studio, client: TestClient, base: str, folder: RunFolder
) -> None:
    samples = studio.runs.samples("zoe", "ann")
    assert len({sample_place(each) for each in samples}) == len(samples) == 12
    for sample in samples:
        answer = client.get(base + sample_place(sample))
        assert answer.headers["content-type"] == "audio/wav"
        assert answer.content == sample.path.read_bytes()
    part = client.get(base + sample_place(samples[1]), headers={"range": "bytes=100-199"})
    assert part.status_code == 206
    assert len(part.content) == 100


def test_a_spectrogram_is_a_picture_that_follows_its_sample(
    studio: Studio, client: TestClient, base: str, folder: RunFolder
) -> None:
    sample = studio.runs.samples("zoe", "ann")[1]
    answer = client.get(base + picture_place(sample))
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.height == ROWS
    assert client.get(base + picture_place(sample)).content == answer.content
    save(folder.sample(3, 1), tone(4_000, 0.8, 0.5))
    spoken = studio.runs.samples("zoe", "ann")[1]
    assert picture_place(replace(spoken, modified=sample.modified + 1)) != picture_place(sample)
    assert client.get(base + picture_place(spoken)).content != answer.content


def test_a_sample_that_is_no_sound_is_said(client: TestClient, base: str, folder: RunFolder) -> None:
    folder.sample(1, 1).write_bytes(b"RIFF and then nothing")
    answer = client.get(f"{base}1/1.png")
    assert answer.status_code == 422
    assert "epoch_1_1.wav" in answer.json()["detail"]


def test_nothing_of_a_blind_pair_tells_which_is_which(
    studio: Studio, client: TestClient, base: str
) -> None:
    trial = studio.listening.next("zoe", "ann", 3, 0)
    place = f"{base}{trial_place(trial.id)}"
    assert "zoe" not in place
    one, other = (client.get(f"{place}{side}.wav") for side in "ab")
    assert one.headers == other.headers
    assert {name.lower() for name in one.headers} == {"content-type", "content-length", "cache-control"}
    assert one.headers["cache-control"] == "no-store"
    assert one.content[:44] == other.content[:44]
    assert one.content != other.content
    assert soundfile.info(io.BytesIO(one.content)).duration > 1.0


@pytest.mark.parametrize("asker", ["bob", ""])
def test_what_is_spoken_is_its_owner_s_alone(
    studio: Studio, client: TestClient, base: str, asker: str
) -> None:
    for path in places(studio, base):
        assert client.get(path).status_code == 200
        assert client.get(path, headers={"x-user": asker}).status_code == 404


def test_without_a_sign_in_nothing_is_heard(studio: Studio, client: TestClient, base: str) -> None:
    del client.headers["x-user"]
    for path in places(studio, base):
        assert client.get(path).status_code == 401


def test_a_ticket_of_something_else_opens_no_run(client: TestClient) -> None:
    ticket = TICKETS.issue("dataset", "zoe", "ann")
    assert client.get(f"/runs/{ticket}/3/1.wav").status_code == 404


def test_a_pair_is_heard_below_its_own_run_only(studio: Studio, client: TestClient) -> None:
    make_run(studio.workspace.checkpoints, "other", "ann")
    trial = studio.listening.next("zoe", "ann", 3, 0)
    other = f"/{run_address('other', 'ann')}{trial_place(trial.id)}a.wav"
    assert client.get(other).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fconfig.json",
        "-1",
        "٣",
        "1e0",
        "9" * 300,
        "%00",
        "None",
        "%F0%9F%98%80",
    ],
)
@pytest.mark.parametrize("place", ["{}/1.wav", "3/{}.wav", "3/{}.png", "trials/{}/a.wav"])
def test_a_name_that_is_none_is_not_found(client: TestClient, base: str, place: str, name: str) -> None:
    assert client.get(base + place.format(name)).status_code == 404


@pytest.mark.parametrize("side", ["c", "ab", "A", "%2e%2e", "3"])
def test_a_pair_has_two_sides(studio: Studio, client: TestClient, base: str, side: str) -> None:
    trial = studio.listening.next("zoe", "ann", 3, 0)
    assert client.get(f"{base}{trial_place(trial.id)}{side}.wav").status_code == 404


def test_a_deleted_run_is_gone(studio: Studio, client: TestClient, base: str) -> None:
    paths = places(studio, base)
    studio.runs.delete("zoe", "ann")
    for path in paths:
        assert client.get(path).status_code == 404
