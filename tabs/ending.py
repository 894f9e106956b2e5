"""How the server ends: what is in flight has its time, and a second signal has none."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING

from studio.services.studio import Studio

if TYPE_CHECKING:
    from studio.api.access import Access

log = logging.getLogger(__name__)

_POLL_S = 0.05


class Ending:
    """Waits for SIGINT or SIGTERM; the second one ends the process at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def wait(self) -> None:
        """Until somebody asks."""
        while not self._asked.wait(1.0):  # a bare wait would hold back the signal on Windows
            pass

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._asked.is_set():
            os._exit(128 + number)
        self._asked.set()


def finish(studio: Studio, access: Access, grace_s: float) -> None:
    """Take no new work, wait for what is in flight at most `grace_s` seconds, and stop the rest."""
    access.close()
    end = time.monotonic() + grace_s
    while (left := access.in_flight + studio.working) and time.monotonic() < end:
        time.sleep(_POLL_S)
    if left:
        log.warning("stopping what is not done", extra={"left": left, "grace_s": grace_s})
    studio.stop_work()
