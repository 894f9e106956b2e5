"""Work that goes on after its request was answered, under the limits of whoever asked for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

from studio.api.access import Access, Caller
from studio.errors import NotFound
from studio.services.tasks import Tasks


def admitted(access: Access, caller: Caller, tasks: Tasks, start: Callable[[], str]) -> str:
    """Begin the task that `start` begins, and return its id. It counts among what the caller may do at
    once until it has ended. Raises Busy, and what `start` raises."""
    with ExitStack() as stack:
        stack.enter_context(access.admit(caller))
        task_id = start()
        place = stack.pop_all()
    threading.Thread(
        target=_give_back, args=(tasks, task_id, place), name=f"place-{task_id[:6]}", daemon=True
    ).start()
    return task_id


def _give_back(tasks: Tasks, task_id: str, place: ExitStack) -> None:
    with place:
        try:
            for _ in tasks.follow(task_id):
                pass
        except NotFound:  # it was over at once, and forgotten
            return
