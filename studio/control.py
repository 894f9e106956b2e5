"""How long work reports its progress and hears that it should stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from studio.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """One report. `fraction` is in [0, 1], or None while it cannot be told."""

    stage: str
    fraction: float | None = None


class Control:
    """Carries progress outward and a cancel flag inward; one per piece of work, thread-safe.

    Work calls `check()` often (at least once a chunk of audio) and `progress(...)` when there is
    news. Whoever started it calls `cancel()` from any thread.
    """

    def __init__(self, on_progress: Callable[[Progress], None] | None = None) -> None:
        self._on_progress = on_progress
        self._cancelled = threading.Event()

    def progress(self, stage: str, fraction: float | None = None) -> None:
        """Report a stage; raises Cancelled when the work should stop, so that a loop that reports
        need not check as well."""
        self.check()
        if self._on_progress is not None:
            self._on_progress(Progress(stage, fraction))

    def within(self, on_progress: Callable[[Progress], None] | None = None) -> Control:
        """A control for a piece of this work: it is cancelled when this one is, and its reports go to
        `on_progress`."""
        piece = Control(on_progress)
        piece._cancelled = self._cancelled
        return piece

    def between(self, first: float, last: float) -> Control:
        """A control for the piece of this work that takes its fraction from `first` to `last`."""

        def report(progress: Progress) -> None:
            within = progress.fraction
            self.progress(progress.stage, None if within is None else first + (last - first) * within)

        return self.within(report)

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled when someone has asked to stop."""
        if self._cancelled.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, but wake and raise Cancelled as soon as someone asks to stop."""
        if self._cancelled.wait(seconds):
            raise Cancelled
