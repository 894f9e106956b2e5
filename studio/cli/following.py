"""Following a job from the command line until it has ended."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable

from studio.cli.interrupt import stopping_on_interrupt
from studio.errors import Cancelled
from studio.jobs import Job, JobStatus
from studio.services.studio import Studio

#: How often the progress is shown, in seconds.
_SHOW_S = 0.3

#: How long a stopped job may take to end, in seconds.
_STOP_S = 30.0

_WAITS = "waiting for its turn"


def follow(
    studio: Studio,
    job: Job,
    kept: str,
    amount: Callable[[Job], str],
    quiet: bool = False,
    left_alone: str = "",
) -> Job:
    """Show the job's progress on standard error until it has ended, and return it as it ended.

    Ctrl+C stops the job. `kept` says what a stopped one leaves, `amount` how much of a stage is done;
    `amount` is asked only where that is known. With `left_alone`, words for that, Ctrl+C only ends the
    following and the job runs on. Raises Cancelled.
    """
    show = _Progress(amount, quiet)
    with stopping_on_interrupt() as control:
        while job.status.active:
            if control.cancelled and left_alone:
                show.end()
                raise Cancelled(left_alone)
            if control.cancelled:
                studio.jobs.cancel(job.id)
                job = studio.jobs.wait(job.id, _STOP_S)
                break
            job = studio.jobs.wait(job.id, _SHOW_S)
            show(job)
    show.end()
    if job.status is not JobStatus.DONE and (control.cancelled or job.status is JobStatus.CANCELLED):
        raise Cancelled(f"Stopped. {kept}")
    return job


class _Progress:
    """A line on standard error: rewritten in a terminal, else one for each stage."""

    def __init__(self, amount: Callable[[Job], str], quiet: bool) -> None:
        self._amount = amount
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def __call__(self, job: Job) -> None:
        waits = job.status is JobStatus.QUEUED
        line = _WAITS if waits else job.stage
        if self._quiet or not line:
            return
        if not self._terminal:
            stage = line.partition(",")[0]
            if stage != self._shown:
                print(stage, file=sys.stderr)
            self._shown = stage
            return
        width = shutil.get_terminal_size().columns - 1
        line = line if waits else self._line(job)
        print(f"\r{line:{width}.{width}}", end="", file=sys.stderr, flush=True)
        self._shown = line

    def end(self) -> None:
        if self._terminal and self._shown:
            print(file=sys.stderr)

    def _line(self, job: Job) -> str:
        left = job.eta(time.time())
        parts = [job.stage]
        if job.total:
            parts.append(self._amount(job))
        if left:
            parts.append(f"{left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left")
        return ", ".join(parts)
