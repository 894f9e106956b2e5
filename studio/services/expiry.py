"""Takes, videos and transcripts that are older than the person wants to keep."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from studio.errors import NotFound, StudioError
from studio.services.history import History
from studio.services.transcript_history import TranscriptHistory
from studio.services.video_history import VideoHistory

log = logging.getLogger(__name__)

_DAY_S = 86_400.0
#: How often is looked, seconds.
_EVERY_S = 3_600.0


class Expiry:
    """Deletes what is older than `days`, with its files and the recordings that nothing else needs, now and
    every hour; favourites never (transcripts are none). With 0 days nothing ever. Thread-safe."""

    def __init__(
        self, history: History, videos: VideoHistory, transcripts: TranscriptHistory, days: float
    ) -> None:
        self._kept = (videos, history, transcripts)
        self._days = days
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Go on by itself until `close`; for the server. Commands delete nothing."""
        if self._days > 0 and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)
            self._thread.start()

    def sweep(self, now: float | None = None) -> int:
        """Delete what is too old at `now`, seconds since 1970; returns how many were deleted."""
        if self._days <= 0:
            return 0
        before = (time.time() if now is None else now) - self._days * _DAY_S
        return sum(self._delete(each.older_than(before), each.delete) for each in self._kept)

    def close(self) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                count = self.sweep()
                if count:
                    log.info("old outputs deleted", extra={"count": count})
            except StudioError as error:
                log.warning("old outputs could not be deleted", extra={"kind": error.kind})
            if self._end.wait(_EVERY_S):
                return

    def _delete(self, found: list[tuple[str, str]], delete: Callable[[str, str], None]) -> int:
        count = 0
        for id_, owner in found:
            if self._end.is_set():
                break
            try:
                delete(id_, owner)
                count += 1
            except NotFound:  # somebody was quicker
                continue
            except (StudioError, OSError) as error:  # the others can still go
                log.warning("not deleted", extra={"id": id_, "error": type(error).__name__})
        return count
