"""Promises of long work: it survives, it stops, it resumes, and it runs nothing it should not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studio.db import Database
from studio.errors import BadInput, NotFound
from studio.jobs import Job, JobContext, JobStatus, Supervisor
from studio.jobs.model import check_target
from studio.settings import Settings

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, models_dir=tmp_path / "m", job_heartbeat_s=0.2, job_dead_after_s=20, job_grace_s=8
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.home / "timbre.db")
    yield database
    database.close()


@pytest.fixture
def supervisor(database: Database, settings: Settings) -> Iterator[Supervisor]:
    supervisor = Supervisor(database, settings)
    yield supervisor
    for job in supervisor.store.list():
        if job.status.active:
            supervisor.cancel(job.id)
            supervisor.wait(job.id, 15)


def until(supervisor: Supervisor, job: Job, ready: Callable[[Job], object]) -> Job:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        supervisor.tick()
        job = supervisor.store.get(job.id)
        if ready(job):
            return job
        assert job.status.active, f"{job.status.value}: {job.message}\n{supervisor.log_tail(job.id)}"
        time.sleep(0.02)
    pytest.fail(f"not in 20 s; the job is {job}")


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_job_runs_in_a_process_of_its_own_and_keeps_its_result(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:add", {"a": 2, "b": 3}, title="Sum", owner="ada")
    assert job.status is JobStatus.RUNNING
    done = supervisor.wait(job.id, 20)
    assert (done.status, done.result) == (JobStatus.DONE, {"sum": 5})
    assert done.pid not in (None, os.getpid())
    assert (done.stage, done.step, done.total, done.fraction) == ("adding", 1, 1, 1.0)
    assert done.kind == "tests"
    assert "printed by the job" in supervisor.log_tail(job.id)
    assert [found.id for found in supervisor.store.list(owner="ada")] == [job.id]


def test_failures_are_words_with_a_hint_and_crashes_an_id_into_the_log(supervisor: Supervisor) -> None:
    refused = supervisor.start("tests.job_targets:refuse", {}, title="")
    crashed = supervisor.start("tests.job_targets:crash", {}, title="")
    left = supervisor.start("tests.job_targets:leave", {}, title="")
    unkept = supervisor.start("tests.job_targets:no_json", {}, title="")

    job = supervisor.wait(refused.id, 20)
    assert (job.status, job.message) == (JobStatus.FAILED, "The recording is too short.")
    assert job.hint == "Choose one of 3 seconds or more."

    job = supervisor.wait(crashed.id, 20)
    assert job.status is JobStatus.FAILED
    assert job.error_id
    assert job.error_id in job.hint
    assert "canary" not in job.message
    log = supervisor.log_tail(job.id)
    assert job.error_id in log
    assert "ZeroDivisionError: the canary in the traceback" in log

    job = supervisor.wait(left.id, 20)
    assert (job.status, "exit code 7" in job.message) == (JobStatus.FAILED, True)
    assert supervisor.wait(unkept.id, 20).status is JobStatus.FAILED


def test_a_killed_worker_is_interrupted_then_resumed_and_done(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:count", {"total": 20}, title="Count")
    job = until(supervisor, job, lambda job: job.step >= 3)
    assert job.pid is not None
    psutil.Process(job.pid).kill()
    job = supervisor.wait(job.id, 20)
    assert job.status is (JobStatus.INTERRUPTED if os.name != "nt" else JobStatus.FAILED)

    job = supervisor.resume(job.id)
    assert (job.status, job.message) == (JobStatus.RUNNING, "")
    job = supervisor.wait(job.id, 20)
    assert (job.status, job.attempt) == (JobStatus.DONE, 2)
    # At most the step it was killed in is done twice; none is left out, none before it again.
    assert sorted(set(job.result)) == list(range(20))
    assert len(job.result) <= 21


def test_a_running_job_stops_when_asked_and_can_go_on_later(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:count", {"total": 12, "pause": 0.1}, title="")
    until(supervisor, job, lambda job: job.step >= 2)
    began = time.monotonic()
    supervisor.cancel(job.id)
    job = supervisor.wait(job.id, 20)
    assert job.status is JobStatus.CANCELLED
    assert time.monotonic() - began < 4, "it should not have had to be killed"
    assert supervisor.wait(supervisor.resume(job.id).id, 20).result == list(range(12))


def test_an_engine_called_with_the_jobs_control_reports_and_stops(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:engine_like", {}, title="")
    job = until(supervisor, job, lambda job: job.stage == "speaking" and job.step > 0)
    assert job.fraction is not None
    assert 0 < job.fraction < 1
    supervisor.cancel(job.id)
    assert supervisor.wait(job.id, 20).status is JobStatus.CANCELLED


@posix_only
def test_a_job_that_ignores_sigterm_is_killed_with_its_children(
    database: Database, settings: Settings
) -> None:
    supervisor = Supervisor(database, settings.model_copy(update={"job_grace_s": 0.5}))
    job = supervisor.start("tests.job_targets:stubborn", {}, title="")
    job = until(supervisor, job, lambda job: job.stage == "refusing")
    child = int((supervisor.folder(job.id) / "child.pid").read_text())
    supervisor.cancel(job.id)
    job = supervisor.wait(job.id, 20)
    assert job.status is JobStatus.CANCELLED
    assert job.pid is not None
    assert not is_running(job.pid)
    assert not is_running(child)


def test_children_of_a_killed_worker_do_not_live_on(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:stubborn", {}, title="")
    job = until(supervisor, job, lambda job: job.stage == "refusing")
    child = int((supervisor.folder(job.id) / "child.pid").read_text())
    assert job.pid is not None
    psutil.Process(job.pid).kill()
    assert supervisor.wait(job.id, 20).status is not JobStatus.DONE
    assert not is_running(child)


def test_a_new_supervisor_takes_over_running_jobs(database: Database, settings: Settings) -> None:
    """As after a restart of the server: started in one process, finished under another."""
    code = (
        "import sys; from pathlib import Path; from studio.db import Database;"
        "from studio.jobs import Supervisor; from studio.settings import Settings;"
        "home = Path(sys.argv[1]); supervisor = Supervisor(Database(home / 'timbre.db'),"
        " Settings(home=home, job_heartbeat_s=0.2));"
        "print(supervisor.start('tests.job_targets:count', {'total': 25}, title='').id)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(settings.home)], capture_output=True, text=True, check=True
    )
    with Supervisor(database, settings) as supervisor:
        job = supervisor.store.get(out.stdout.strip())
        assert job.status is JobStatus.RUNNING
        assert supervisor.recover() == []
        job = until(supervisor, job, lambda job: job.step > 1)
        assert supervisor.wait(job.id, 20).result == list(range(25))

        other = supervisor.start("tests.job_targets:count", {"total": 500}, title="")
        until(supervisor, other, lambda job: job.step > 1)
    # The first supervisor is closed; another one stops what it had started.
    second = Supervisor(database, settings)
    second.cancel(other.id)
    assert second.wait(other.id, 20).status is JobStatus.CANCELLED


def test_a_job_whose_process_went_away_unseen_is_interrupted_at_start_up(
    database: Database, settings: Settings
) -> None:
    first = Supervisor(database, settings)
    job = first.start("tests.job_targets:count", {"total": 500}, title="")
    job = until(first, job, lambda job: job.step > 0)
    assert job.pid is not None
    psutil.Process(job.pid).kill()
    while is_running(job.pid):
        time.sleep(0.01)
    second = Supervisor(database, settings)
    assert [found.id for found in second.recover()] == [job.id]
    job = second.store.get(job.id)
    assert job.status is JobStatus.INTERRUPTED
    assert "Resume" in job.hint


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(
    database: Database, supervisor: Supervisor
) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        try:
            job = supervisor.store.create("tests.job_targets:add", {}, title="")
            made = psutil.Process(stranger.pid).create_time()
            database.execute(
                "UPDATE jobs SET status = 'running', attempt = 1, pid = ?, pid_created = ?,"
                " heartbeat = ?, cancel = 1 WHERE id = ?",
                (stranger.pid, made - 3600, time.time(), job.id),
            )
            supervisor.cancel(job.id)
            supervisor.recover()
            assert supervisor.store.get(job.id).status is JobStatus.CANCELLED
            database.execute("UPDATE jobs SET status = 'running', cancel = 0 WHERE id = ?", (job.id,))
            assert [found.id for found in supervisor.recover()] == [job.id]
            time.sleep(0.2)
            assert stranger.poll() is None, "a process that is not ours was ended"
        finally:
            stranger.kill()


@posix_only
def test_a_heart_that_stands_still_means_interrupted(
    supervisor: Supervisor, database: Database, settings: Settings
) -> None:
    job = supervisor.start("tests.job_targets:stand_still", {}, title="")
    until(supervisor, job, lambda job: job.pid)
    impatient = Supervisor(database, settings.model_copy(update={"job_dead_after_s": 1.5}))
    job = impatient.wait(job.id, 20)
    assert job.status is JobStatus.INTERRUPTED
    assert job.pid is not None
    assert not is_running(job.pid), "it would wake up and write into its successor's folder"


def test_an_old_attempt_cannot_write_into_a_new_one(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:refuse", {}, title="")
    supervisor.wait(job.id, 20)
    supervisor.wait(supervisor.resume(job.id).id, 20)
    assert not supervisor.store.finish(job.id, 1, JobStatus.DONE)
    assert supervisor.store.get(job.id).status is JobStatus.FAILED


def test_jobs_of_one_slot_run_one_after_another(supervisor: Supervisor, tmp_path: Path) -> None:
    params = {"room": str(tmp_path / "room")}
    jobs = [
        supervisor.start("tests.job_targets:overlap", params, title=str(n), slot="gpu0")
        for n in range(3)
    ]
    assert [job.status for job in jobs] == [JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.QUEUED]
    supervisor.cancel(jobs[1].id)
    ended = [supervisor.wait(job.id, 20) for job in jobs]
    assert [job.status for job in ended] == [JobStatus.DONE, JobStatus.CANCELLED, JobStatus.DONE]
    assert ended[2].started is not None
    assert ended[0].finished is not None
    assert ended[2].started >= ended[0].finished


@pytest.mark.parametrize(
    "target",
    [
        "os:system",
        "os.path:join",
        "subprocess:run",
        "testsx.evil:run",
        "tests.job_targets",
        "tests.job_targets:",
        "tests.job_targets:os.system",
        "tests.job_targets:_private",
        "tests..job_targets:add",
        "tests.job_targets:add\n",
        "tests./../evil:run",
        "builtins:exec",
        "",
    ],
)
def test_only_our_own_functions_run(target: str, supervisor: Supervisor) -> None:
    with pytest.raises(BadInput):
        supervisor.start(target, {}, title="")
    assert supervisor.store.list() == []


@pytest.mark.parametrize("target", ["tests.job_targets:borrowed", "os:_exit", "tests.job_targets:none"])
def test_a_row_put_into_the_database_by_hand_runs_nothing(
    target: str, supervisor: Supervisor, database: Database
) -> None:
    job = supervisor.store.create("tests.job_targets:add", {}, title="")
    database.execute("UPDATE jobs SET target = ?, params = '{}' WHERE id = ?", (target, job.id))
    job = supervisor.wait(job.id, 20)
    assert (job.status, bool(job.message)) == (JobStatus.FAILED, True)


def test_check_target_splits_what_it_allows() -> None:
    assert check_target("training.xtts:run") == ("training.xtts", "run")


def test_the_worker_has_the_settings_in_force_and_no_password(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBRE_AUTH", "ada:canary-of-the-environment")
    supervisor = Supervisor(database, settings.model_copy(update={"auth": "ada:canary-of-the-line"}))
    job = supervisor.start("tests.job_targets:surroundings", {}, title="")
    result = supervisor.wait(job.id, 20).result
    assert result["models"] == str(settings.models_dir)
    assert result["TIMBRE_HOME"] == str(settings.home)
    assert not [value for value in result.values() if "canary" in value]


def test_the_time_left_comes_from_this_attempt_and_stage(settings: Settings, tmp_path: Path) -> None:
    store = Supervisor(Database(tmp_path / "eta.db"), settings).store
    job = store.create("tests.job_targets:add", {}, title="")
    assert job.eta(0) is None
    store.claim_next("{id}")
    context = JobContext(store.get(job.id), settings, tmp_path)
    context.progress(50, 100, "epoch")  # resumed at 50
    base = context.latest.base_time
    assert base is not None
    context.progress(60, 100, "epoch, loss 0.1")  # after a comma: the same stage
    store.beat(job.id, 1, context.latest)
    assert store.get(job.id).eta(base + 5) == pytest.approx(20)
    context.progress(0, 10, "saving")
    store.beat(job.id, 1, context.latest)
    assert store.get(job.id).eta(base + 5) is None


def test_a_finished_job_can_be_removed_with_its_folder(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:count", {"total": 2}, title="")
    with pytest.raises(BadInput):
        supervisor.remove(job.id)
    supervisor.wait(job.id, 20)
    with pytest.raises(BadInput):
        supervisor.resume(job.id)
    assert supervisor.folder(job.id).is_dir()
    supervisor.remove(job.id)
    assert not supervisor.folder(job.id).exists()
    with pytest.raises(NotFound):
        supervisor.store.get(job.id)


def test_a_damaged_state_is_said_and_not_overwritten(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:refuse", {}, title="")
    supervisor.wait(job.id, 20)
    state = supervisor.folder(job.id) / "state.json"
    state.write_text('{"done": 1')
    job = supervisor.wait(supervisor.resume(job.id).id, 20)
    assert job.status is JobStatus.FAILED
    assert "state.json is damaged" in job.message
    assert state.read_text() == '{"done": 1'


def test_reporting_every_step_costs_next_to_nothing(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:many_steps", {}, title="")
    job = supervisor.wait(job.id, 20)
    assert (job.status, job.step) == (JobStatus.DONE, 20_000)
    assert job.result < 2, "seconds for 20,000 reports"


def test_a_folder_that_cannot_be_made_fails_the_job_in_words(
    database: Database, settings: Settings
) -> None:
    (settings.home / "logs").write_text("in the way")
    supervisor = Supervisor(database, settings)
    job = supervisor.start("tests.job_targets:add", {}, title="")
    assert job.status is JobStatus.FAILED
    assert "in the way" in job.message
    (settings.home / "logs").unlink()
    assert supervisor.wait(supervisor.resume(job.id).id, 20).attempt == 2


@posix_only
def test_sigterm_to_the_worker_alone_is_a_clean_stop(supervisor: Supervisor) -> None:
    job = supervisor.start("tests.job_targets:count", {"total": 500}, title="")
    job = until(supervisor, job, lambda job: job.step > 0)
    assert job.pid is not None
    os.kill(job.pid, signal.SIGTERM)
    assert supervisor.wait(job.id, 20).status is JobStatus.CANCELLED
