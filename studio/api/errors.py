"""What all routes share: who asks, and our errors as HTTP's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Request

from studio.errors import StudioError

#: Who asks, None where an id is key enough; raises HTTPException 401 where nobody is signed in but
#: should be.
OwnerOf = Callable[[Request], str | None]


@contextmanager
def errors_as_http() -> Iterator[None]:
    """Turns our errors into HTTP's."""
    try:
        yield
    except StudioError as error:
        raise HTTPException(
            error.http_status, detail={"detail": error.message, "hint": error.hint}
        ) from error
