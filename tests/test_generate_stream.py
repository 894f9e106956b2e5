"""Speech with its progress as server-sent events: its stages, its end, and what becomes of it without a reader."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from studio.api import basics, generate_stream
from studio.api.access import Access
from studio.api.generate_stream import STAGES, stage_of
from studio.audio.wav import wav_header
from studio.control import Control
from studio.services.studio import Studio
from studio.settings import CHECKOUT, load_settings
from tests.running import until
from tests.serving import app_of, serving

TEXT = "Good morning."
LONG = " ".join([TEXT] * 4_000)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    settings = load_settings(home=home, models_dir=home / "models", max_waiting=1)
    with Studio(settings) as opened:
        opened.warm_up()
        yield opened


@pytest.fixture(scope="module")
def served(studio: Studio) -> Iterator[tuple[str, Access]]:
    app, access = app_of(studio, [generate_stream.router, basics.router])
    with serving(app) as url:
        yield url, access


@pytest.fixture(scope="module")
def client(served: tuple[str, Access]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served[0], headers={"x-user": "ann"}, timeout=30) as opened:
        yield opened


def told(client: httpx.Client, headers: dict[str, str] | None = None, **body: Any) -> Iterator[Any]:
    """The events as they come; None for a comment."""
    wanted = {"text": TEXT, **body}
    with client.stream("POST", "/api/generate_stream", json=wanted, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        for line in answer.iter_lines():
            if line:
                kind, _, value = line.partition(": ")
                assert kind in ("data", "")
                yield json.loads(value) if kind else None


def idle(studio: Studio, access: Access) -> bool:
    return access.in_flight == 0 and not studio.engines.state().engines[0].in_use


@pytest.fixture(autouse=True)
def _at_rest(studio: Studio, served: tuple[str, Access]) -> Iterator[None]:
    """What a test hung up on takes no place in the next one."""
    yield
    until(lambda: idle(studio, served[1]))


def test_it_ends_with_the_sound(client: httpx.Client, studio: Studio) -> None:
    events = list(told(client, text=" ".join([TEXT] * 400), seed=7))
    *running, end = events
    stages = list(dict.fromkeys(each["stage"] for each in running))
    assert [each for each in stages if each in ("generating", "encoding")] == ["generating", "encoding"]
    fractions = [each["progress"] for each in running]
    assert fractions == sorted(fractions)
    assert all(0 <= each <= 1 for each in fractions)
    take = studio.history.get(end["id"], "ann")
    assert (end["done"], end["seed"], end["sample_rate"]) == (True, 7, take.sample_rate)
    assert end["duration"] == pytest.approx(take.duration, abs=0.001)
    sound = client.get(end["url"])
    assert sound.content == studio.history.path(take).read_bytes()


def test_the_sound_is_encoded_as_wanted(client: httpx.Client) -> None:
    *running, end = told(client, format="mp3")
    assert running[-1]["message"] == "saving as mp3"
    assert client.get(end["url"]).headers["content-type"] == "audio/mpeg"


def test_it_is_alive_while_it_waits_for_its_turn(client: httpx.Client, studio: Studio) -> None:
    with studio.engines.lease("espeak", Control()), closing(told(client)) as events:
        began, gaps = time.monotonic(), []
        while time.monotonic() - began < 2.5:
            last = time.monotonic()
            event = next(events)
            gaps.append(time.monotonic() - last)
            assert event["stage"] in ("starting", "waiting")
        assert event["message"] == "waiting, 1 ahead"
        assert max(gaps) < 2


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"text": ""}, 422, "no text"),
        ({"voice": "nobody"}, 404, "nobody"),
        ({"engine": "qwen"}, 409, "not installed"),
        ({"format": "midi"}, 404, "midi"),
        ({"sampling": {"top_k": "many"}}, 422, "top_k"),
    ],
)
def test_what_is_wrong_at_once_is_a_status(
    client: httpx.Client, served: tuple[str, Access], body: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/api/generate_stream", json={"text": TEXT, **body})
    assert answer.status_code == status
    assert words in answer.json()["detail"] + answer.json()["hint"]
    assert served[1].in_flight == 0


def test_what_goes_wrong_later_is_the_last_event(client: httpx.Client) -> None:
    silence = base64.b64encode(wav_header(16_000, 96_000) + bytes(96_000)).decode()
    *_, end = told(client, reference_audio_base64=silence)
    assert (end["error"], end["code"]) == ("The reference is silent.", "bad_input")
    assert end["hint"]
    assert end["error_id"]


def test_what_takes_too_long_is_given_up(
    client: httpx.Client, studio: Studio, served: tuple[str, Access]
) -> None:
    *_, end = told(client, {"x-timeout": "0.3"}, text=LONG)
    assert end["code"] == "timed_out"
    until(lambda: idle(studio, served[1]), 5)


def test_who_hangs_up_stops_it(client: httpx.Client, studio: Studio, served: tuple[str, Access]) -> None:
    with closing(told(client, {"x-user": "eve"}, text=LONG)) as events:
        until(lambda: (next(events)["progress"] or 0) > 0.01)  # more than is thrown away
    until(lambda: idle(studio, served[1]), 5)
    until(lambda: bool(studio.history.list("eve")))
    assert studio.history.list("eve")[0].status == "stopped"


def test_too_many_are_sent_away_at_once(client: httpx.Client, studio: Studio) -> None:
    with studio.engines.lease("espeak", Control()), closing(told(client)) as events:
        until(lambda: next(events)["stage"] == "waiting")
        began = time.monotonic()
        answer = client.post("/api/generate_stream", json={"text": TEXT})
        assert time.monotonic() - began < 1
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1


def test_stages_have_names_for_programs() -> None:
    page = (CHECKOUT / "docs" / "streaming.md").read_text("utf-8")
    assert all(name in page for _, name in STAGES)
    assert stage_of("switching the model") == "switching model"
    assert stage_of("loading the model") == stage_of("loading") == "loading"
    assert stage_of("waiting, 3 ahead") == "waiting"
    assert stage_of("joining") == "joining"
