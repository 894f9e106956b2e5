"""Ctrl+C ends a command in good order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from studio.control import Control


@contextmanager
def stopping_on_interrupt() -> Iterator[Control]:
    """The first Ctrl+C stops the work in good order; the next one ends the program."""
    control = Control()

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        control.cancel()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield control
    finally:
        signal.signal(signal.SIGINT, before)
