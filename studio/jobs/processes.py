"""Which processes belong to a job, and how they are stopped, on every system.

A pid alone names nothing: the system gives it to another process later. A job's first process is
known by its pid together with the time it was made; its children by the job's id in their
environment. Only what is proven to be the job's is ever signalled.
"""

from __future__ import annotations

import os
import signal
import sys

import psutil

from studio.jobs.model import Job

#: The environment variable that a worker and all its children carry.
MARK = "TIMBRE_JOB_ID"

#: Two readings of one process's age agree within this, in seconds; its clock ticks in hundredths.
_SAME_S = 1.0


def created(pid: int) -> float | None:
    """When the process was made (seconds since 1970), or None when it is gone or a zombie."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def is_alive(job: Job) -> bool:
    """Whether the very process that the row names still runs."""
    if job.pid is None or job.pid_created is None:
        return False
    found = created(job.pid)
    return found is not None and abs(found - job.pid_created) < _SAME_S


def ask_to_stop(job: Job) -> None:
    """SIGTERM to the job's process group. Windows has no such thing: there the worker sees the
    row's `cancel` with its next heartbeat."""
    if sys.platform == "win32" or job.pid is None or not is_alive(job):
        return
    try:
        # Only a group that the worker leads is the job's own.
        if os.getpgid(job.pid) == job.pid:
            os.killpg(job.pid, signal.SIGTERM)
    except ProcessLookupError:
        return  # it has just ended by itself


def kill(job: Job, wait_s: float = 5.0) -> int:
    """Kill the job's processes, children included, and wait until they are gone; returns how many."""
    found: dict[int, psutil.Process] = {}
    # A process may start another one while we look, so look until there is nothing new.
    for _ in range(5):
        new = [process for process in _members(job) if process.pid not in found]
        if not new:
            break
        for process in new:
            found[process.pid] = process
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
    psutil.wait_procs(list(found.values()), timeout=wait_s)
    return len(found)


def _members(job: Job) -> list[psutil.Process]:
    members = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            first = process.pid == job.pid and is_alive(job)
            if first or process.environ().get(MARK) == job.id:
                members.append(process)
        except (psutil.Error, OSError):
            continue  # gone, or another user's: not ours
    return members
