"""Work on several recordings at once, each in a process that may die without the others.

The standard library's pools are broken as a whole once the system kills one of their processes, as it
does with the largest where memory runs out.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from studio import log as logs
from studio.control import Control, Progress
from studio.errors import Cancelled, StorageFailed, StudioError

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

#: How often the parent looks whether it should stop, and how often a child reports, seconds.
_TICK_S = 0.2


@dataclass(frozen=True)
class LogSettings:
    """How the children write to the job's log."""

    level: str = "info"
    json: bool = False


def work_on(
    work: Callable[[T, Control], R],
    tasks: Sequence[T],
    processes: int,
    control: Control,
    on_progress: Callable[[int, float], None] = lambda index, fraction: None,
    log_as: LogSettings | None = None,
) -> list[R | StudioError]:
    """What `work(task, control)` returned for each task, or the error that it raised, in order.

    `work` and the tasks are pickled. `on_progress` hears how much of which task is done. With one
    process the work is done in this one. A process that the system kills is replaced; what it was at
    is tried once more when the others are done, alone. Raises Cancelled, and StorageFailed, which
    concerns them all.
    """
    if processes == 1:
        return [
            _outcome(work, task, control.within(_fractions(on_progress, index)))
            for index, task in enumerate(tasks)
        ]
    pool = _Pool(work, tasks, control, on_progress, log_as or LogSettings())
    with pool.closing():
        lost = pool.run(range(len(tasks)), processes)
        lost = pool.run(sorted(lost), 1)
    for index in lost:
        pool.outcomes[index] = StudioError(
            "The system ended the process that was at work on it, twice.",
            "Memory may have run out: close other programs, or cut the recording into pieces.",
        )
    return [pool.outcomes[index] for index in range(len(tasks))]


def _outcome(work: Callable[[T, Control], R], task: T, control: Control) -> R | StudioError:
    """Whatever goes wrong with one recording is said of it; the others go on."""
    try:
        return work(task, control)
    except (Cancelled, StorageFailed):
        raise
    except StudioError as error:
        return error
    except Exception as error:
        log.exception("a recording could not be prepared")
        return StudioError(
            f"Something unexpected went wrong with it ({type(error).__name__}).",
            "The job's log says more. Save the recording in another format, such as WAV or FLAC.",
        )


def _fractions(on_progress: Callable[[int, float], None], index: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.fraction is not None:
            on_progress(index, progress.fraction)

    return report


@dataclass(frozen=True)
class _Answer(Generic[R]):
    """What a child has made of its task. `fatal` ends all the work."""

    outcome: R | StudioError
    fatal: bool = False


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    index: int | None = None  # of the task that it is at


class _Pool(Generic[T, R]):
    """The children, and what has come of the tasks so far."""

    def __init__(
        self,
        work: Callable[[T, Control], R],
        tasks: Sequence[T],
        control: Control,
        on_progress: Callable[[int, float], None],
        log_as: LogSettings,
    ) -> None:
        self.outcomes: dict[int, R | StudioError] = {}
        self._work, self._tasks, self._control = work, tasks, control
        self._on_progress, self._log_as = on_progress, log_as
        self._workers: list[_Worker] = []

    def run(self, indices: Sequence[int], processes: int) -> set[int]:
        """Work on these tasks; returns those whose process died."""
        waiting, lost = deque(indices), set[int]()
        while waiting or any(worker.index is not None for worker in self._workers):
            self._hand_out(waiting, processes)
            for worker in self._with_news():
                if (index := self._hear(worker)) is not None:
                    lost.add(index)
            self._control.check()
        return lost

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Whatever happens, no child outlives the block. None has anything to save: a result takes
        effect by a rename."""
        try:
            yield
        finally:
            for worker in self._workers:
                worker.connection.close()
                worker.process.kill()
            for worker in self._workers:
                worker.process.join()

    def _hand_out(self, waiting: deque[int], processes: int) -> None:
        while waiting:
            busy = [worker for worker in self._workers if worker.index is not None]
            if len(busy) >= processes:
                return
            idle = [worker for worker in self._workers if worker.index is None]
            worker = idle[0] if idle else self._started()
            worker.index = waiting.popleft()
            try:
                worker.connection.send(self._tasks[worker.index])
            except OSError:  # it has died while it was idle, which is no fault of the task
                waiting.appendleft(worker.index)
                worker.index = None
                self._bury(worker)

    def _started(self) -> _Worker:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(theirs, self._work, self._log_as), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _with_news(self) -> list[_Worker]:
        connections = {worker.connection: worker for worker in self._workers}
        return [connections[each] for each in wait(list(connections), timeout=_TICK_S)]  # type: ignore[index]

    def _hear(self, worker: _Worker) -> int | None:
        """Take what a child says. Returns the task that is lost where it says no more."""
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker)
        if worker.index is None:
            return None
        if isinstance(said, _Answer):
            if said.fatal and isinstance(said.outcome, StudioError):
                raise said.outcome
            self.outcomes[worker.index] = said.outcome
            self._on_progress(worker.index, 1.0)
            worker.index = None
        else:
            self._on_progress(worker.index, said)
        return None

    def _bury(self, worker: _Worker) -> int | None:
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        log.warning("a process at work ended with %s", worker.process.exitcode)
        return worker.index


def _serve(connection: Connection, work: Callable[[T, Control], R], log_as: LogSettings) -> None:
    """The life of a child."""
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; the parent decides
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, name="parent", daemon=True).start()
    logs.configure(log_as.level, log_as.json)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_answer(work, task, Control(_reporter(connection))))


def _answer(work: Callable[[T, Control], R], task: T, control: Control) -> _Answer[R]:
    try:
        return _Answer(_outcome(work, task, control))
    except (Cancelled, StorageFailed) as error:
        return _Answer(error, fatal=True)


def _reporter(connection: Connection) -> Callable[[Progress], None]:
    last = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.fraction is not None and time.monotonic() - last > _TICK_S:
            connection.send(progress.fraction)
            last = time.monotonic()

    return report


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
