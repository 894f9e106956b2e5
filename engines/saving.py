"""Words for a disk that is full while weights are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.files import storage_errors

#: safetensors, in Rust, hides the system's number in its message.
_NUMBER = re.compile(r"\(os error ([0-9]+)\)")


@contextmanager
def weights_being_saved(path: Path) -> Iterator[None]:
    """Raises StorageFailed where safetensors or torch could not write to the disk of `path`.

    torch has to be given an open file: only then its error has the system's behind it.
    """
    from safetensors import SafetensorError

    with storage_errors(path):
        try:
            yield
        except (SafetensorError, RuntimeError) as error:
            number = _system_number(error)
            if number is None:
                raise
            raise OSError(number, str(error)) from error


def _system_number(error: BaseException) -> int | None:
    """The number of the system's error behind this one; None: it was something else."""
    found = _NUMBER.search(str(error))
    if found:
        return int(found[1])
    behind = error.__cause__ or error.__context__
    if isinstance(behind, OSError):
        return behind.errno
    return _system_number(behind) if behind else None
