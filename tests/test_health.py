"""What the server tells of itself: that it lives, that it takes requests, and its figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from engines.base import Capability
from studio.api import errors, health
from studio.api.access import Access, Caller
from studio.api.door import Door
from studio.control import Control
from studio.errors import Busy, NotReady, StudioError
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.settings import load_settings
from tests.running import until

TEXT = "A secret sentence."


@pytest.fixture
def access(studio: Studio) -> Access:
    return Access(studio, lambda _: "")


@pytest.fixture
def client(studio: Studio, access: Access) -> Iterator[TestClient]:
    with TestClient(app_of(studio, access), raise_server_exceptions=False) as opened:
        yield opened


def app_of(studio: Studio, access: Access) -> FastAPI:
    made = FastAPI(exception_handlers=errors.handlers(studio.metrics))
    made.include_router(health.router(studio, access))
    return made


def figures(client: TestClient) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, but for the buckets of histograms."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def order(text: str = TEXT) -> SpeechOrder:
    return SpeechOrder(Capability.PRESET, text, "espeak", language="en-us")


def test_a_take_is_counted_without_its_words_or_owner(client: TestClient, studio: Studio) -> None:
    assert ("timbre_takes_total", "espeak", "done") not in figures(client)
    record = studio.speech.speak(order(), owner="Zacharias")
    told = figures(client)
    assert told["timbre_takes_total", "espeak", "done"] == 1
    assert told["timbre_sound_seconds_total", "espeak"] == pytest.approx(record.duration, abs=0.5)
    for name in ("first_audio_seconds", "real_time_factor", "queue_wait_seconds", "engine_load_seconds"):
        assert told[f"timbre_{name}_count", "espeak"] == 1, name
    assert 0 < told["timbre_first_audio_seconds_sum", "espeak"] < 60
    assert told["timbre_engine_loaded", "espeak"] == 1
    assert told["timbre_engine_loaded", "qwen"] == 0
    assert told["timbre_ready",] == 1
    assert told["timbre_queue_depth",] == told["timbre_api_in_flight",] == 0
    page = client.get("/metrics").text
    assert "secret" not in page
    assert "Zacharias" not in page
    assert record.voice not in page


def test_the_queue_is_seen_and_what_it_turns_away(client: TestClient, studio: Studio) -> None:
    engines, most = studio.engines, studio.settings.max_waiting
    with engines.lease("espeak", Control()):
        takes = [studio.speech.start(order()) for _ in range(most)]
        until(lambda: engines.waiting == most)
        told = figures(client)
        assert (told["timbre_queue_depth",], told["timbre_engine_in_use", "espeak"]) == (most, 1)
        assert client.get("/ready").json() == {"ready": True, "waiting": most, "max_waiting": most}
        with pytest.raises(Busy), engines.lease("espeak", Control()):
            pass
        for take in takes:
            studio.speech.stop(take)
    until(lambda: all(studio.speech.status(take).state.finished for take in takes))
    told = figures(client)
    assert told["timbre_rejects_total", "queue"] == 1
    assert told["timbre_takes_total", "espeak", "stopped"] == most
    assert told["timbre_queue_depth",] == 0


def test_what_fails_is_counted_by_its_kind(client: TestClient, studio: Studio) -> None:
    before = set(figures(client))
    studio.workspace.spool.rmdir()
    studio.workspace.spool.write_bytes(b"")  # no sound can be written any more
    take = studio.speech.start(order())
    until(lambda: studio.speech.status(take).state.finished)
    failure = studio.speech.live(take).failure
    assert failure is not None
    (name,) = {each for each in figures(client) if each[0] == "timbre_errors_total"} - before
    assert name == ("timbre_errors_total", failure.kind, "take")
    assert figures(client)["timbre_takes_total", "espeak", "failed"] == 1
    studio.workspace.spool.unlink()
    studio.workspace.spool.mkdir()


def test_what_the_api_refuses_is_counted(studio: Studio, access: Access) -> None:
    app = app_of(studio, access)
    app.add_middleware(Door, access=access, spool=studio.workspace.gradio_temp, max_upload_mb=1)
    app.add_api_route("/numbers/{number}", lambda number: studio.speech.status(number))
    app.add_api_route("/crash", lambda: 1 // 0)
    with TestClient(app) as client:
        assert client.get("/numbers/1").status_code == 404
        assert client.get("/nowhere").status_code == 404
        assert client.get("/crash").status_code == 500
        with access.admit(Caller("", "mine")):
            access.close()
            with pytest.raises(NotReady), access.admit(Caller("", "mine")):
                pass
            told = figures(client)
    assert told["timbre_errors_total", "not_found", "api"] == 2
    assert told["timbre_errors_total", "internal_error", "api"] == 1
    assert told["timbre_rejects_total", "closing"] == 1
    assert told["timbre_api_in_flight",] == 1


def test_two_studios_count_apart(client: TestClient, studio: Studio) -> None:
    home = studio.settings.home.with_name("other")
    with Studio(load_settings(home=home, models_dir=home / "models")) as other:
        other.speech.speak(order())
        with TestClient(app_of(other, Access(other, lambda _: ""))) as of_other:
            assert figures(of_other)["timbre_takes_total", "espeak", "done"] == 1
    assert ("timbre_takes_total", "espeak", "done") not in figures(client)


def test_a_studio_that_ends_lives_and_is_not_ready(client: TestClient, access: Access) -> None:
    assert client.get("/ready").status_code == 200
    access.close()
    refused = client.get("/ready")
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert set(refused.json()) == {"detail", "hint", "error_id"}
    assert client.get("/health").json()["status"] == "ok"
    assert figures(client)["timbre_ready",] == 0


def test_an_engine_that_cannot_be_loaded_is_unhealthy_until_it_can(
    client: TestClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["loaded"]) == (200, False)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/no/such/python")  # its process cannot be started
        with pytest.raises(StudioError):
            studio.speech.speak(order())
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "failing")
        assert "/no/such" not in answer.text
    studio.speech.speak(order())
    assert client.get("/health").json()["loaded"] is True


def test_a_dead_engine_is_started_at_the_next_take(client: TestClient, studio: Studio) -> None:
    studio.speech.speak(order())
    assert client.get("/health").json()["loaded"] is True
    studio.engines.unload("espeak")
    answer = client.get("/health").json()
    assert (answer["status"], answer["loaded"]) == ("ok", False)
    studio.speech.speak(order())
    assert client.get("/health").json()["loaded"] is True


def test_the_figures_are_for_callers_and_the_health_is_for_all(studio: Studio) -> None:
    def nobody(_: object) -> str:
        raise HTTPException(401, detail={"detail": "Sign in first.", "hint": ""})

    with TestClient(app_of(studio, Access(studio, nobody))) as client:
        assert client.get("/metrics").status_code == 401
        assert [client.get(path).status_code for path in ("/health", "/ready")] == [200, 200]
