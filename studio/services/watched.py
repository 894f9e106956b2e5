"""The status of a piece of work: one thread changes it, any number watch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar


class _Status(Protocol):
    @property
    def state(self) -> Any: ...


S = TypeVar("S", bound=_Status)


class Watched(Generic[S]):
    """Thread-safe. `S` is a frozen dataclass with a `state` that says whether it is `finished`."""

    def __init__(self, status: S) -> None:
        self._changed = threading.Condition()
        self._status = status
        self._listeners: list[Callable[[], None]] = []

    @property
    def status(self) -> S:
        """How it stands now."""
        with self._changed:
            status = self._status
        return status if status.state.finished else self._as_of_now(status)

    def follow(self, interval: float) -> Iterator[S]:
        """The status now, then whenever it has changed but at most every `interval` seconds; the
        last one is finished, and told at once."""
        seen: S | None = None
        while True:
            with self._changed:
                if self._status is seen:
                    self._changed.wait(1.0)
                seen = self._status
            yield self.status
            if seen.state.finished:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._status.state.finished, interval)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called after each change, by the thread that makes it: it must be quick and
        must not raise. Returns what ends that."""
        with self._changed:
            self._listeners.append(listener)

        def end() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    @property
    def listened(self) -> bool:
        """Whether anybody listens."""
        with self._changed:
            return bool(self._listeners)

    def _as_of_now(self, status: S) -> S:
        """`status` with what changes by itself, such as the time that has passed."""
        return status

    def _update(self, **changes: Any) -> None:
        with self._changed:
            self._status = replace(self._status, **changes)  # type: ignore[type-var]
            self._changed.notify_all()
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()
