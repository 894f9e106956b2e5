"""Jobs, training sets, training runs, voices and models over HTTP, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.api import jobs, training, training_sets
from studio.services.studio import Studio
from tests.api_serving import serving
from tests.run_samples import make_run

BOB = {"x-user": "bob"}


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    with serving(studio, jobs.router, training_sets.router, training.router) as opened:
        yield opened


def get(client: TestClient, path: str, **params: Any) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def count(studio: Studio, total: int = 10_000) -> str:
    """A job of Ann's that takes its time."""
    return studio.jobs.start(
        "tests.job_targets:count", {"total": total}, title="Counting", kind="count", owner="ann"
    ).id


def test_a_job_is_listed_stopped_and_its_log_read(studio: Studio, client: TestClient) -> None:
    job_id = count(studio)
    (row,) = get(client, "/jobs", status="running")
    assert (row["id"], row["title"], row["kind"]) == (job_id, "Counting", "count")
    asked = client.post(f"/jobs/{job_id}/cancel").json()
    assert asked["stopping"] is True
    assert studio.jobs.wait(job_id, 20).cancel
    ended = get(client, f"/jobs/{job_id}")
    assert (ended["status"], ended["stopping"]) == ("cancelled", False)
    assert client.post(f"/jobs/{job_id}/cancel").json() == ended
    assert get(client, "/jobs", status="running") == []
    assert [each["id"] for each in get(client, "/jobs", kind="count")] == [job_id]
    assert get(client, "/jobs", kind="download") == []


def test_what_a_job_printed_and_came_to_is_told(studio: Studio, client: TestClient) -> None:
    job = studio.jobs.start("tests.job_targets:add", {"a": 2, "b": 3}, title="Adding", owner="ann")
    studio.jobs.wait(job.id, 20)
    row = get(client, f"/jobs/{job.id}")
    assert (row["status"], row["result"], row["progress"]) == ("done", {"sum": 5}, 1.0)
    log = client.get(f"/jobs/{job.id}/log")
    assert log.headers["content-type"].startswith("text/plain")
    assert "printed by the job" in log.text
    assert len(client.get(f"/jobs/{job.id}/log", params={"lines": 1}).text.splitlines()) == 1


def test_why_a_job_failed_is_told(studio: Studio, client: TestClient) -> None:
    job = studio.jobs.start("tests.job_targets:refuse", {}, title="Refusing", owner="ann")
    studio.jobs.wait(job.id, 20)
    row = get(client, f"/jobs/{job.id}")
    assert row["status"] == "failed"
    assert (row["message"], row["hint"]) == (
        "The recording is too short.",
        "Choose one of 3 seconds or more.",
    )


@pytest.mark.parametrize("limit", [0, 201, "x"])
def test_how_many_jobs_has_bounds(client: TestClient, limit: object) -> None:
    answer = client.get("/jobs", params={"limit": limit})
    assert answer.status_code == 422
    assert "limit" in answer.json()["detail"]


def test_training_sets_are_listed_and_shown(studio: Studio, client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    made = studio.datasets.create("Zoë's radio", "ann", inputs=[tmp_path / "recordings"])
    (row,) = get(client, "/datasets")
    assert (row["id"], row["name"], row["state"]) == (made.id, "Zoë's radio", "new")
    details = get(client, f"/datasets/{made.id}")
    assert details["inputs"] == ["recordings"]
    assert str(tmp_path) not in str(details)
    assert get(client, "/datasets/zoë's radio") == details
    missing = client.get("/datasets/nothing")
    assert missing.status_code == 404
    assert "Zoë's radio" in missing.json()["hint"]


def test_the_samples_of_a_run_come_the_newest_epoch_first(studio: Studio, client: TestClient) -> None:
    folder = make_run(studio.workspace.checkpoints, "zoe", "ann", "Zoë")
    rows = get(client, "/training/samples", model_name="zoë")
    assert [row["epoch"] for row in rows] == sorted((row["epoch"] for row in rows), reverse=True)
    first = rows[0]
    assert (first["epoch"], first["filename"], first["sentence"]) == (3, "epoch_3_output.wav", None)
    assert first["path"] == "checkpoints/zoe/samples/epoch_3_output.wav"
    assert first["size_mb"] == round(folder.sample(3).stat().st_size / 1e6, 3)
    assert first["date"].endswith("+00:00")
    answer = client.get(first["url"])
    assert answer.content == folder.sample(3).read_bytes()
    assert answer.headers["content-disposition"] == 'attachment; filename="epoch_3_output.wav"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_where_nothing_was_spoken_there_are_no_samples(studio: Studio, client: TestClient) -> None:
    make_run(studio.workspace.checkpoints, "quiet", "ann", epochs=())
    assert get(client, "/training/samples", model_name="quiet") == []
    assert get(client, "/training/samples", model_name="nobody") == []
    assert client.get("/training/samples").status_code == 422


@pytest.mark.parametrize(
    "name", ["sentences.json", "epoch_9_output.wav", "%2e%2e", "%2e%2e%2fconfig.json", "%00"]
)
def test_only_samples_are_heard(studio: Studio, client: TestClient, name: str) -> None:
    make_run(studio.workspace.checkpoints, "zoe", "ann")
    for run in ("zoe", "%2e%2e", "nobody"):
        assert client.get(f"/training/samples/{run}/{name}").status_code == 404


def test_checkpoints_name_what_speaks(studio: Studio, client: TestClient) -> None:
    make_run(studio.workspace.checkpoints, "zoe", "ann", "Zoë", best=2)
    make_run(studio.workspace.checkpoints, "new", "ann", epochs=(), created=5.0)
    (row,) = get(client, "/training/checkpoints")
    assert (row["model_name"], row["epoch"], row["best"]) == ("Zoë", 2, True)
    assert (row["spec"], row["model"]) == ("zoe:2", "trained-zoe-2")
    assert row["spec"] == studio.runs.checkpoint("zoe:2", "ann").spec
    assert get(client, "/training/checkpoints", model_name="new") == []
    assert get(client, "/training/checkpoints", model_name="Zoë") == [row]


def test_what_is_somebody_else_s_is_not_there(
    studio: Studio, client: TestClient, tmp_path: Path
) -> None:
    job_id = count(studio, 1)
    studio.jobs.wait(job_id, 20)
    studio.datasets.create("mine", "ann")
    make_run(studio.workspace.checkpoints, "zoe", "ann", best=2)
    for path in (f"/jobs/{job_id}", f"/jobs/{job_id}/log", "/datasets/mine"):
        assert client.get(path).status_code == 200, path
        assert client.get(path, headers=BOB).status_code == 404, path
    assert client.post(f"/jobs/{job_id}/cancel", headers=BOB).status_code == 404
    for path in ("/jobs", "/datasets", "/training/checkpoints", "/training/samples?model_name=zoe"):
        assert client.get(path).json() != []
        assert client.get(path, headers=BOB).json() == []
    sample = "/training/samples/zoe/epoch_1_1.wav"
    assert client.get(sample).status_code == 200
    assert client.get(sample, headers=BOB).status_code == 404


def test_without_a_key_nothing_is_told(client: TestClient) -> None:
    del client.headers["x-user"]
    for path in ("/jobs", "/jobs/1", "/jobs/1/log", "/datasets", "/datasets/1", "/training/checkpoints"):
        assert client.get(path).status_code == 401, path
    assert client.post("/jobs/1/cancel").status_code == 401
