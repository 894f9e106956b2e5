"""Work that takes a while, in the studio's own process: preparing a reference, building a personality,
speaking one.

What uses engines runs here and not as a job, whose process would have to load the models a second
time. The page may be reloaded meanwhile; who needs more than that keeps its own state on the disk.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from studio.control import Control, Progress
from studio.errors import BadInput, Busy, Cancelled, EngineFailed, NotFound, StudioError
from studio.services.watched import Watched

log = logging.getLogger(__name__)

#: How long a finished task can still be asked for, seconds.
_LINGER_S = 3_600
#: How often followers hear of progress, seconds.
FOLLOW_INTERVAL_S = 0.15


class TaskState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        return self in (TaskState.DONE, TaskState.STOPPED, TaskState.FAILED)


@dataclass(frozen=True)
class TaskStatus:
    """How a task stands."""

    id: str
    kind: str  # "prepare", "smart", "perform"
    title: str  # for people
    owner: str
    state: TaskState = TaskState.QUEUED
    stage: str = "waiting"
    fraction: float | None = None  # None while it cannot be told
    elapsed: float = 0.0  # s
    eta: float | None = None  # s until the end, None while it cannot be told
    notes: tuple[str, ...] = ()
    detail: Any = None  # what the work tells of itself while it runs
    result: Any = None  # when it is done
    error: str = ""
    hint: str = ""


class Task(Watched[TaskStatus]):
    """Handed to the work: its `control`, and ways to tell more. Thread-safe."""

    def __init__(self, kind: str, title: str, owner: str) -> None:
        self.control = Control(self._on_progress)
        self.failure: StudioError | None = None
        self.finished_at: float | None = None
        self._begun = time.monotonic()
        self._running_since: float | None = None
        super().__init__(TaskStatus(secrets.token_hex(16), kind, title, owner))

    @property
    def id(self) -> str:
        return self._status.id

    def note(self, *sentences: str) -> None:
        """Something the person should know."""
        with self._changed:
            notes = tuple(dict.fromkeys((*self._status.notes, *sentences)))
            self._status = replace(self._status, notes=notes)
            self._changed.notify_all()

    def tell(self, detail: Any) -> None:
        """What there is to show already; an immutable value."""
        self._update(detail=detail)

    def run(self, work: Callable[[Task], Any], lane: threading.Lock) -> None:
        """Wait for the lane, do the work, and put whatever becomes of it into the status."""
        state, result, failure = TaskState.DONE, None, None
        try:
            while not lane.acquire(timeout=0.1):
                self.control.check()
            try:
                self.control.check()
                self._running_since = time.monotonic()
                self._update(state=TaskState.RUNNING, stage="starting")
                result = work(self)
            finally:
                lane.release()
        except Cancelled:
            state = TaskState.STOPPED
        except StudioError as error:
            state, failure = TaskState.FAILED, error
            # Whoever gave something wrong is told so; the log need not warn of it.
            level = logging.INFO if isinstance(error, BadInput) else logging.WARNING
            log.log(level, "task broke off", extra={"task": self.id, "kind": error.kind})
        except Exception as error:
            state = TaskState.FAILED
            log.error("task failed", exc_info=error, extra={"task": self.id})
            failure = EngineFailed(
                "Something unexpected went wrong.", f"The log names it {self.id[:8]}."
            )
        self.failure, self.finished_at = failure, time.monotonic()
        self._update(
            state=state,
            stage=state.value,
            result=result,
            elapsed=self.finished_at - self._begun,
            eta=0.0,
            error=failure.message if failure else "",
            hint=failure.hint if failure else "",
            **({"fraction": 1.0} if state is TaskState.DONE else {}),
        )

    def _as_of_now(self, status: TaskStatus) -> TaskStatus:
        now, since, eta = time.monotonic(), self._running_since, None
        if since is not None and status.fraction is not None and status.fraction > 0.02:
            eta = (now - since) * (1 / status.fraction - 1)
        return replace(status, elapsed=now - self._begun, eta=eta)

    def _on_progress(self, progress: Progress) -> None:
        self._update(stage=progress.stage, fraction=progress.fraction)


class Tasks:
    """Thread-safe. Each task has a thread; those of one lane run one after another."""

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._tasks: dict[str, tuple[Task, threading.Thread]] = {}
        self._lanes: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def start(
        self, kind: str, title: str, work: Callable[[Task], Any], owner: str = "", lane: str = ""
    ) -> str:
        """Begin `work(task)` and return the task's id; what it returns becomes the result. `lane`:
        what must not run at the same time ("": the kind). Raises Busy."""
        task = Task(kind, title, owner)
        with self._lock:
            self._forget_old()
            waiting = [each for each, _ in self._tasks.values() if not each.status.state.finished]
            if len(waiting) > self._max_waiting:
                raise Busy(f"{len(waiting)} tasks are waiting already.", "Try again in a moment.")
            turn = self._lanes.setdefault(lane or kind, threading.Lock())
            thread = threading.Thread(
                target=task.run, args=(work, turn), name=f"{kind}-{task.id[:6]}", daemon=True
            )
            self._tasks[task.id] = task, thread
        thread.start()
        return task.id

    def status(self, task_id: str, owner: str | None = None) -> TaskStatus:
        """Raises NotFound for one that is not the owner's (any owner's where None), or is long over."""
        return self._task(task_id, owner).status

    def follow(self, task_id: str, owner: str | None = None) -> Iterator[TaskStatus]:
        """The status as it changes, the last one finished."""
        return self._task(task_id, owner).follow(FOLLOW_INTERVAL_S)

    def wait(
        self,
        task_id: str,
        on_status: Callable[[TaskStatus], None] | None = None,
        control: Control | None = None,
    ) -> Any:
        """The result, waited for; raises what went wrong, and Cancelled when it was stopped, which
        cancelling `control` does."""
        task = self._task(task_id, None)
        status = task.status
        for status in task.follow(FOLLOW_INTERVAL_S):
            if control is not None and control.cancelled:
                task.control.cancel()
            if on_status is not None:
                on_status(status)
        if task.failure is not None:
            raise task.failure
        if status.state is TaskState.STOPPED:
            raise Cancelled
        return status.result

    def of(self, owner: str, kind: str = "") -> list[TaskStatus]:
        """The owner's tasks, the newest first; for a page that was loaded anew."""
        with self._lock:
            tasks = [task for task, _ in self._tasks.values()]
        statuses = [task.status for task in reversed(tasks)]
        return [each for each in statuses if each.owner == owner and kind in ("", each.kind)]

    @property
    def running(self) -> int:
        """How many tasks have not ended."""
        with self._lock:
            return sum(task.finished_at is None for task, _ in self._tasks.values())

    def stop(self, task_id: str, owner: str | None = None) -> None:
        """Ask it to stop; harmless when it has ended."""
        self._task(task_id, owner).control.cancel()

    def close(self) -> None:
        """Stop every task and wait for its thread."""
        with self._lock:
            tasks = list(self._tasks.values())
        for task, _ in tasks:
            task.control.cancel()
        for _, thread in tasks:
            thread.join()

    def _task(self, task_id: str, owner: str | None) -> Task:
        with self._lock:
            found = self._tasks.get(task_id)
        if found is None or owner not in (None, found[0].status.owner):
            raise NotFound("That task is not running.", "It may have ended long ago; start it again.")
        return found[0]

    def _forget_old(self) -> None:
        now = time.monotonic()
        for task, _ in list(self._tasks.values()):
            if task.finished_at is not None and now - task.finished_at > _LINGER_S:
                del self._tasks[task.id]
