"""Errors that people read.

They are raised where something goes wrong and turned into words once, at the edge: the tabs make
`gr.Error` of them, the command line an exit code, the API a status and a body.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StudioError(Exception):
    """What happened (`message`) and what to do about it (`hint`), both in plain sentences."""

    #: A stable word for scripts; part of the public interface.
    kind = "error"
    #: The command line's exit code; 1 is left to crashes.
    exit_code = 4
    #: The HTTP status the API answers with.
    http_status = 500
    #: After how many seconds it is worth asking again; None where that changes nothing.
    retry_after: int | None = None

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadInput(StudioError):
    """What the person gave cannot be used as it is."""

    kind = "bad_input"
    exit_code = 3
    http_status = 422


class NotFound(BadInput):
    """Something was asked for by a name or an id that nothing has."""

    kind = "not_found"
    http_status = 404


class ModelMissing(NotFound):
    """The model that would do it is not on this machine, or not whole."""

    kind = "model_missing"
    http_status = 409


class Cancelled(StudioError):
    """The person stopped it. Not a fault."""

    kind = "cancelled"
    exit_code = 130
    http_status = 499

    def __init__(self, message: str = "Stopped.", hint: str = "") -> None:
        super().__init__(message, hint)


class Busy(StudioError):
    """Too many requests are waiting already."""

    kind = "busy"
    http_status = 429
    retry_after = 1

    def __init__(self, message: str, hint: str = "", retry_after: int = 1) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class NotReady(StudioError):
    """The studio is about to stop, or has not started yet."""

    kind = "not_ready"
    http_status = 503
    retry_after = 10


class TimedOut(StudioError):
    """It took longer than the request allowed; what was begun is stopped."""

    kind = "timed_out"
    http_status = 504


class EngineFailed(StudioError):
    """An engine could not be loaded or broke off."""

    kind = "engine_failed"


class OutOfMemory(EngineFailed):
    """The device's memory did not suffice; the next request works again."""

    kind = "out_of_memory"


class StorageFailed(StudioError):
    """The disk is full, or the place cannot be written."""

    kind = "storage_failed"
    http_status = 507


class DownloadFailed(StudioError):
    """A model could not be fetched, or what came is not what was published."""

    kind = "download_failed"
    http_status = 502


class Damaged(StudioError):
    """A file of the studio's own cannot be read back."""

    kind = "damaged"


def unknown(what: str, given: str, valid: Iterable[str]) -> NotFound:
    """The error for a name that is not in a list: names the nearest valid ones first."""
    names = sorted(set(valid))
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(given.lower(), lowered, n=5, cutoff=0.4)
    if near:
        hint = "Did you mean " + ", ".join(lowered[name] for name in near) + "?"
    elif names:
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        hint = "Valid: " + ", ".join(names[:12]) + more + "."
    else:
        hint = "There are none yet."
    return NotFound(f"There is no {what} “{given[:80]}”.", hint)
