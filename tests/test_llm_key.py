"""The language model's key is shown nowhere and handed to nobody."""

from __future__ import annotations

from pathlib import Path

import httpx

from studio.db import Database
from studio.jobs import Supervisor
from studio.settings import Settings
from tests.running import Server

KEY = "canary-sesame-7261"


def test_a_job_does_not_get_the_key(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    told = settings.model_copy(update={"llm_api_key": KEY, "llm_url": "http://127.0.0.1:9"})
    with Supervisor(Database(settings.home / "timbre.db"), told) as supervisor:
        job = supervisor.start("tests.job_targets:surroundings", {}, title="")
        surroundings = supervisor.wait(job.id, 20).result
    assert surroundings["TIMBRE_HOME"] == str(settings.home)
    assert not [value for value in surroundings.values() if KEY in value]


def test_the_page_does_not_show_the_key(tmp_path: Path) -> None:
    with Server(
        tmp_path / "home", TIMBRE_LLM_API_KEY=KEY, TIMBRE_LLM_URL="http://127.0.0.1:9"
    ) as server:
        page = httpx.get(f"{server.url}/config").text
        assert "use_llm_stt" in page
        assert KEY not in page
        assert KEY not in server.log
