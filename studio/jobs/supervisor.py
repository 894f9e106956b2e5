"""Starts jobs as processes, stops them, and knows what became of them."""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from studio.db import Database
from studio.errors import Cancelled, NotFound, StudioError
from studio.files import storage_errors
from studio.jobs import processes
from studio.jobs.launch import spawn
from studio.jobs.model import Job, JobStatus
from studio.jobs.store import JobStore
from studio.settings import Settings
from studio.workspace import Workspace

log = logging.getLogger(__name__)

#: How often the running jobs are looked at, in seconds; more rarely when there are none.
_TICK_S = 0.25
_IDLE_TICK_S = 2.0

_LOG_TAIL_BYTES = 256 * 1024


class _Child(NamedTuple):
    """A worker that this very process has started."""

    attempt: int
    process: subprocess.Popen[bytes]


class _Pulse(NamedTuple):
    """The last heartbeat seen to change, and when we saw it (monotonic seconds)."""

    attempt: int
    heartbeat: float | None
    seen: float


class Supervisor:
    """The jobs of one home.

    Jobs outlive it: another Supervisor, in a later process, takes over what still runs. Several may
    look after one home at once; each job is started by only one. With `watch()` a thread does the
    looking; without it, `tick()` and `wait()` do.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.store = JobStore(database)
        self._settings = settings
        self._workspace = Workspace(settings.home)
        self._children: dict[str, _Child] = {}
        self._pulses: dict[str, _Pulse] = {}
        self._stop_since: dict[tuple[str, int], float] = {}  # (job, attempt): monotonic seconds
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(
        self,
        target: str,
        params: Mapping[str, Any],
        *,
        title: str,
        kind: str = "",
        slot: str = "",
        owner: str = "",
    ) -> Job:
        """Run `target`, "module:function", as function(params, context) in a process of its own.

        Jobs with the same `slot`, such as a device's name, run one after another. The job returned
        is running, or queued behind its slot, or has failed already where no process could be
        made. Raises BadInput for a target that may not run.
        """
        job = self.store.create(target, params, title=title, kind=kind, slot=slot, owner=owner)
        with self._lock:
            self._launch()
        self._wake.set()
        return self.store.get(job.id)

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop, and return at once. It is killed when it has not stopped in
        `job_grace_s`, by whoever watches. A job that has ended stays as it is."""
        job = self.store.ask_to_stop(job_id)
        if job.status is JobStatus.RUNNING:
            with self._lock:
                self._press_to_stop(job)
        self._wake.set()
        return self.store.get(job_id)

    def resume(self, job_id: str) -> Job:
        """Run a failed, cancelled or interrupted job again: the same function, parameters and
        folder, with the state it had saved. Raises BadInput for any other job."""
        with self._lock:
            job = self.store.get(job_id)
            if job.status.resumable:
                processes.kill(job)  # whatever an earlier attempt may have left
            self.store.queue_again(job_id)
            self._launch()
        self._wake.set()
        return self.store.get(job_id)

    def remove(self, job_id: str) -> None:
        """Forget a job that has ended, with its folder. Raises BadInput while it is active."""
        with self._lock:
            job = self.store.remove(job_id)
            processes.kill(job)
            folder = self.folder(job_id)
            if folder.exists():
                with storage_errors(folder):
                    shutil.rmtree(folder)

    def recover(self) -> list[Job]:
        """At start-up: take over what still runs, mark as interrupted what does not, and start
        what waits. Returns the interrupted jobs.

        A process that lives but whose heart has stopped is given `job_dead_after_s` first: the
        whole computer may have been asleep.
        """
        running = self.store.list(statuses=[JobStatus.RUNNING])
        self.tick()
        now = [self.store.get(job.id) for job in running]
        return [job for job in now if job.status is JobStatus.INTERRUPTED]

    def tick(self) -> None:
        """Look at every running job once, and start what waits."""
        with self._lock:
            self._reap()
            for job in self.store.list(statuses=[JobStatus.RUNNING]):
                self._examine(job)
            self._launch()

    def watch(self) -> None:
        """Recover, then `tick` in a thread until `close()`."""
        self.recover()
        self._thread = threading.Thread(target=self._watch, name="job supervisor", daemon=True)
        self._thread.start()

    def wait(self, job_id: str, timeout_s: float | None = None) -> Job:
        """The job once it has ended, or as it is when the time is up."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self.tick()
            job = self.store.get(job_id)
            if not job.status.active or (deadline is not None and time.monotonic() > deadline):
                return job
            time.sleep(0.05)

    def close(self) -> None:
        """Stop watching. The jobs run on."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Supervisor:
        self.watch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def folder(self, job_id: str) -> Path:
        """The job's own folder: its log, its state, and what its function keeps there."""
        return self._workspace.logs / job_id

    def log_tail(self, job_id: str, lines: int = 200) -> str:
        """The last lines of the job's log; "" when there is none yet."""
        path = self._workspace.home / self.store.get(job_id).log
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def _watch(self) -> None:
        while not self._closing.is_set():
            pause = _IDLE_TICK_S
            try:
                self.tick()
                if self.store.list(statuses=[JobStatus.QUEUED, JobStatus.RUNNING], limit=1):
                    pause = _TICK_S
            except Exception:
                # The watch must outlive a disk that is full for a while.
                log.exception("the jobs could not be looked at")
            self._wake.wait(pause)
            self._wake.clear()

    def _launch(self) -> None:
        log_name = (self.folder("{id}") / "log.txt").relative_to(self._workspace.home).as_posix()
        while (job := self.store.claim_next(log_name)) is not None:
            try:
                process = spawn(job, self._settings)
            except (StudioError, OSError) as error:
                log.error("job %s could not be started", job.id, exc_info=error)
                message = error.message if isinstance(error, StudioError) else f"{error}."
                self.store.finish(
                    job.id,
                    job.attempt,
                    JobStatus.FAILED,
                    message=f"The job could not be started: {message}",
                    hint=error.hint if isinstance(error, StudioError) else "Resume tries again.",
                )
            else:
                self._children[job.id] = _Child(job.attempt, process)

    def _reap(self) -> None:
        """Hear of our own children that have ended, so that none stays behind as a zombie."""
        for job_id, child in list(self._children.items()):
            code = child.process.poll()
            if code is not None:
                del self._children[job_id]
            try:
                job = self.store.get(job_id)
            except NotFound:  # removed meanwhile, so it has ended
                continue
            if job.status is JobStatus.RUNNING and job.attempt == child.attempt:
                if code is not None:
                    self._settle(job, code)
            elif code is None and time.time() - (job.finished or 0) > self._settings.job_grace_s:
                log.warning("job %s has ended, but not its process", job_id)
                child.process.kill()

    def _examine(self, job: Job) -> None:
        """Settle a running job that is gone, dead or stopped for too long."""
        if job.id not in self._children and job.pid is not None and not processes.is_alive(job):
            self._settle(job, None)
        elif self._is_silent(job):
            log.warning("job %s gives no sign of life", job.id)
            self._settle(job, None)
        elif job.cancel and self._press_to_stop(job):
            self._settle(job, None)

    def _is_silent(self, job: Job) -> bool:
        """Whether we have watched the heart stand still for too long. The clock on the wall does
        not count: it jumps, and a computer that slept is not a job that died."""
        now = time.monotonic()
        pulse = self._pulses.get(job.id)
        if pulse is None or (pulse.attempt, pulse.heartbeat) != (job.attempt, job.heartbeat):
            self._pulses[job.id] = _Pulse(job.attempt, job.heartbeat, now)
            return False
        return now - pulse.seen > self._settings.job_dead_after_s

    def _press_to_stop(self, job: Job) -> bool:
        """Ask the first time; afterwards say whether the grace time is over."""
        now = time.monotonic()
        since = self._stop_since.setdefault((job.id, job.attempt), now)
        if since == now:
            processes.ask_to_stop(job)
        return now - since > self._settings.job_grace_s

    def _settle(self, job: Job, code: int | None) -> None:
        """Write the end of a job whose process has not written it itself, and kill what is left of
        it. `code` is the process's exit code where it is known; negative: the signal's number."""
        processes.kill(job)
        if job.cancel:
            status, message, hint = JobStatus.CANCELLED, Cancelled().message, ""
        elif code is not None and code >= 0:
            status = JobStatus.FAILED
            message = f"The job's process broke off with exit code {code}."
            hint = "Its log says more. Resume goes on from the last saved state."
        else:
            status = JobStatus.INTERRUPTED
            message = "The job's process went away" + (f" (signal {-code})." if code else ".")
            hint = "Resume goes on from the last saved state."
            if code == -9:
                hint += " The system ends processes this way when memory runs out."
        if self.store.finish(job.id, job.attempt, status, message=message, hint=hint):
            log.warning("job settled", extra={"job": job.id, "status": status.value, "code": code})
        self._pulses.pop(job.id, None)
        self._stop_since.pop((job.id, job.attempt), None)
