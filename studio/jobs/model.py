"""What a job is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from studio.errors import BadInput

#: Only functions of these packages run as jobs, so that a row in the database cannot run anything.
TARGET_PREFIXES = ("training.", "studio.", "engines.", "tests.")

_TARGET = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+:[A-Za-z]\w*", re.ASCII)


class JobStatus(str, Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # its process went away without a word

    @property
    def active(self) -> bool:
        """Whether there is more to come without anyone's doing."""
        return self in (JobStatus.QUEUED, JobStatus.RUNNING)

    @property
    def resumable(self) -> bool:
        return self in (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.INTERRUPTED)


@dataclass(frozen=True)
class Job:
    """One row. Times are seconds since 1970; `total` is 0 while it is not known."""

    id: str
    kind: str
    target: str
    params: dict[str, Any]
    title: str
    owner: str
    slot: str  # jobs of one slot run one after another; "": no limit
    status: JobStatus
    attempt: int  # how often it has been started
    cancel: bool  # someone has asked to stop
    stage: str
    step: int
    total: int
    base_step: int  # the first step of this stage in this attempt
    base_time: float | None
    message: str  # why it ended, for people
    hint: str
    error_id: str  # finds the traceback in the log
    result: Any
    created: float
    started: float | None
    finished: float | None
    heartbeat: float | None
    pid: int | None
    pid_created: float | None
    log: str  # path below the home

    @property
    def fraction(self) -> float | None:
        """Progress in [0, 1], or None while it cannot be told."""
        return min(1.0, max(0.0, self.step / self.total)) if self.total > 0 else None

    def eta(self, now: float) -> float | None:
        """Seconds that are left at the pace of this stage and attempt; None while that is unknown.

        What an earlier attempt did, and the time to load models, do not count into the pace.
        """
        if self.status is not JobStatus.RUNNING or self.total <= 0 or self.base_time is None:
            return None
        done = self.step - self.base_step
        spent = now - self.base_time
        if done <= 0 or spent <= 0:
            return None
        return max(0.0, self.total - self.step) * spent / done


@dataclass(frozen=True)
class JobProgress:
    """What a worker reports with each heartbeat."""

    stage: str = ""
    step: int = 0
    total: int = 0
    base_step: int = 0
    base_time: float | None = None


def check_target(target: str) -> tuple[str, str]:
    """Module and function of "module:function"; raises BadInput for what may not run as a job."""
    if not target.startswith(TARGET_PREFIXES) or not _TARGET.fullmatch(target):
        raise BadInput(
            f"“{target[:80]}” cannot run as a job.",
            "A job is module:function in one of " + ", ".join(TARGET_PREFIXES) + ".",
        )
    module, _, function = target.partition(":")
    return module, function
