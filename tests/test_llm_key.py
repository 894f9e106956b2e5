"""The language model's key is handed to nobody; that the page does not show it: tests/test_server.py."""

from __future__ import annotations

from studio.db import Database
from studio.jobs import Supervisor
from studio.settings import Settings

KEY = "canary-sesame-7261"


def test_a_job_does_not_get_the_key(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    told = settings.model_copy(update={"llm_api_key": KEY, "llm_url": "http://127.0.0.1:9"})
    with Supervisor(Database(settings.home / "timbre.db"), told) as supervisor:
        job = supervisor.start("tests.job_targets:surroundings", {}, title="")
        surroundings = supervisor.wait(job.id, 20).result
    assert surroundings["TIMBRE_HOME"] == str(settings.home)
    assert not [value for value in surroundings.values() if KEY in value]
