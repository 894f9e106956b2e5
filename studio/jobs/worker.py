"""The process of one job: python -m studio.jobs.worker JOB_ID ATTEMPT

It runs the row's function, says every heartbeat that it lives, and writes how it ended. Its
standard output and error are the job's log.
"""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import os
import secrets
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from studio import log as logs
from studio.db import Database
from studio.errors import BadInput, Busy, Cancelled, StorageFailed, StudioError
from studio.jobs import processes
from studio.jobs.context import JobContext
from studio.jobs.model import Job, JobStatus, check_target
from studio.jobs.store import JobStore
from studio.settings import load_settings
from studio.workspace import Workspace

log = logging.getLogger("studio.jobs.worker")  # __name__ is "__main__" here

#: News is written at most this often, in seconds, however fast the steps are.
_MIN_BEAT_S = 0.2

#: How often, and how long apart (seconds), the end is written when the disk or the lock says no.
_FINISH_TRIES = 5
_FINISH_PAUSE_S = 2.0


class Outcome(NamedTuple):
    """How the work ended."""

    status: JobStatus
    message: str = ""
    hint: str = ""
    error_id: str = ""
    result: Any = None
    exit_code: int = 0


def main(arguments: list[str]) -> int:
    """Run the job; returns the process's exit code."""
    job_id, attempt = arguments[0], int(arguments[1])
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_json)
    workspace = Workspace(settings.home)
    store = JobStore(Database(workspace.database, set_aside=False))

    job = store.get(job_id)
    pid = os.getpid()
    if not store.begin(job_id, attempt, pid, processes.created(pid) or time.time()):
        log.warning("attempt %d of job %s is over already", attempt, job_id)
        return 0
    log.info("job begins", extra={"job": job_id, "attempt": attempt, "target": job.target})

    heart: Heart | None = None
    try:
        news = threading.Event()
        context = JobContext(job, settings, workspace.logs / job_id, news.set)
        _cancel_on_signal(context.cancel)
        heart = Heart(store, context, attempt, news, settings.job_heartbeat_s)
        heart.start()
        outcome = _run(job, context)
    except StudioError as error:  # no context: its state is damaged
        outcome = _failed(error)
    finally:
        if heart is not None:
            heart.stop()
    log.info("job ended", extra={"job": job_id, "status": outcome.status.value})
    _finish(store, job_id, attempt, outcome)
    return outcome.exit_code


def resolve(target: str) -> Callable[[dict[str, Any], JobContext], Any]:
    """The function that "module:function" names; raises BadInput when it may not or cannot run.

    It must be defined in that module: what a module merely imports is not offered.
    """
    module_name, name = check_target(target)
    function = getattr(importlib.import_module(module_name), name, None)
    if not inspect.isfunction(function) or function.__module__ != module_name:
        raise BadInput(f"{module_name} has no function “{name}” that could run as a job.")
    return function


def _run(job: Job, context: JobContext) -> Outcome:
    try:
        result = resolve(job.target)(job.params, context)
        json.dumps(result)  # a result that cannot be kept is the function's fault: say so now
    except Cancelled as error:
        return Outcome(JobStatus.CANCELLED, error.message, exit_code=error.exit_code)
    except Exception as error:
        if context.control.cancelled:
            # Stopping reaches the job's children as well, and their end may break the work first.
            log.info("broke off while stopping", exc_info=True)
            return Outcome(JobStatus.CANCELLED, Cancelled().message, exit_code=Cancelled.exit_code)
        if isinstance(error, StudioError):
            return _failed(error)
        error_id = secrets.token_hex(4)
        log.exception("job failed", extra={"error_id": error_id})
        return Outcome(
            JobStatus.FAILED,
            f"Something unexpected went wrong ({type(error).__name__}).",
            f"The job's log says more under {error_id}.",
            error_id,
            exit_code=1,
        )
    return Outcome(JobStatus.DONE, result=result)


def _failed(error: StudioError) -> Outcome:
    log.error("job failed", exc_info=error)
    return Outcome(JobStatus.FAILED, error.message, error.hint, exit_code=error.exit_code)


def _finish(store: JobStore, job_id: str, attempt: int, outcome: Outcome) -> None:
    for remaining in reversed(range(_FINISH_TRIES)):
        try:
            if not store.finish(
                job_id,
                attempt,
                outcome.status,
                message=outcome.message,
                hint=outcome.hint,
                error_id=outcome.error_id,
                result=outcome.result,
            ):
                log.warning("the job had been given up; its end was not recorded")
            return
        except (StorageFailed, Busy) as error:
            if not remaining:
                raise
            log.warning("the end could not be recorded yet: %s", error)
            time.sleep(_FINISH_PAUSE_S)


class Heart(threading.Thread):
    """Writes the heartbeat with the latest progress, and hears when the job should stop."""

    def __init__(
        self,
        store: JobStore,
        context: JobContext,
        attempt: int,
        news: threading.Event,
        every_s: float,
    ) -> None:
        super().__init__(name="heart", daemon=True)
        self._store = store
        self._context = context
        self._attempt = attempt
        self._news = news
        self._every_s = every_s
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._beat()
            self._stopping.wait(_MIN_BEAT_S)
            self._news.wait(self._every_s)
            self._news.clear()
        self._beat()

    def stop(self) -> None:
        """Write the last progress and end."""
        self._stopping.set()
        self._news.set()
        self.join()

    def _beat(self) -> None:
        job_id = self._context.job.id
        try:
            current = self._store.beat(job_id, self._attempt, self._context.latest)
            if not current or self._store.get(job_id).cancel:
                self._context.cancel()
        except (StudioError, sqlite3.Error) as error:
            # Work goes on where only its progress cannot be written; the next beat tries again.
            log.warning("the heartbeat could not be written: %s", error)


def _cancel_on_signal(cancel: Callable[[], None]) -> None:
    """Call `cancel` in a thread of its own when SIGTERM or Ctrl-C arrives.

    A Python handler would wait for a long call into C to end, and may not take the lock inside
    Control's event, which the interrupted code may hold. The system writes the signal's number
    into a pipe at once.
    """
    if sys.platform == "win32":  # no such signals; the heartbeat sees the row's `cancel`
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    stops = (signal.SIGTERM, signal.SIGINT)
    for number in stops:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def listen() -> None:
        while number := os.read(reader, 1):
            if number[0] in stops:
                cancel()

    threading.Thread(target=listen, name="signals", daemon=True).start()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StudioError as error:
        log.error("the job could not be run: %s", error)
        sys.exit(error.exit_code)
