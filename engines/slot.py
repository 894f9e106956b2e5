"""A device's inference slot and the queue before it: one at a time, the others in the order they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from studio.control import Control
from studio.errors import Busy

#: How soon a waiting request notices that it was cancelled, seconds.
_POLL_S = 0.05


@dataclass(eq=False)
class Ticket:
    """Someone who wants the slot, and what for."""

    engine_id: str
    model: str = ""


class Slot:
    """Thread-safe."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._holder: Ticket | None = None
        self._queue: deque[Ticket] = deque()

    @property
    def holder(self) -> Ticket | None:
        with self._condition:
            return self._holder

    @property
    def waiting(self) -> int:
        with self._condition:
            return len(self._queue)

    def enter(self, ticket: Ticket, control: Control, most: int | None = None) -> None:
        """Wait for the slot and hold it. Raises Busy where `most` wait already, Cancelled."""
        with self._condition:
            if most is not None and len(self._queue) >= most:
                raise Busy(f"{len(self._queue)} requests are waiting already.", "Try again in a moment.")
            self._queue.append(ticket)
        self._wait_for_turn(ticket, control)

    def enter_if_free(self, ticket: Ticket) -> bool:
        """Hold the slot where nobody holds or wants it."""
        with self._condition:
            if self._holder is not None or self._queue:
                return False
            self._holder = ticket
            return True

    def leave(self, ticket: Ticket) -> None:
        with self._condition:
            # After a cancel while giving way the slot is already somebody else's.
            if self._holder is ticket:
                self._holder = None
            self._condition.notify_all()

    def give_way(self, ticket: Ticket, control: Control, may: Callable[[Ticket], bool]) -> bool:
        """Let those waiting have a turn where the next of them `may`, then hold the slot again; whether
        anybody had one. Raises Cancelled, and the slot is held no more."""
        with self._condition:
            if not self._queue or not may(self._queue[0]):
                return False
            self._holder = None
            self._queue.append(ticket)
            self._condition.notify_all()
        self._wait_for_turn(ticket, control)
        return True

    def _wait_for_turn(self, ticket: Ticket, control: Control) -> None:
        try:
            while not self._taken(ticket, control):
                # Told outside of the lock: whoever listens may take his time, or ask for the state.
                control.progress(f"waiting, {self._ahead(ticket)} ahead")
                with self._condition:
                    if not self._is_next(ticket):
                        self._condition.wait(_POLL_S)
        except BaseException:
            with self._condition:
                self._queue.remove(ticket)
                self._condition.notify_all()
            raise

    def _taken(self, ticket: Ticket, control: Control) -> bool:
        with self._condition:
            if not self._is_next(ticket):
                return False
            control.check()
            self._queue.popleft()
            self._holder = ticket
            return True

    def _is_next(self, ticket: Ticket) -> bool:
        return self._holder is None and self._queue[0] is ticket

    def _ahead(self, ticket: Ticket) -> int:
        """How many come first: those in the queue, and who holds the slot."""
        with self._condition:
            return self._queue.index(ticket) + 1
