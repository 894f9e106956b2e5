"""Recordings are known by their content; what has not changed is not read again to tell."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from studio.errors import BadInput, Damaged
from studio.files import read_json, write_json

log = logging.getLogger(__name__)

_BLOCK = 1 << 20
#: A file changed within this time before it was read, in ns, may change again within the same tick of
#: its disk's clock, so it is not remembered.
_SETTLED_NS = 2_000_000_000


class Hashes:
    """SHA-256 of files, remembered in `file` by path, size and time of change."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = _read(file)
        self._used: dict[str, list[object]] = {}

    def of(self, path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> str:
        """The hash of a file's content; `on_bytes` hears of each block that is read, or at once of all
        where nothing has to be. Raises BadInput where the file cannot be read."""
        try:
            facts = path.stat()
            known = self._known.get(str(path))
            if known is not None and known[:2] == [facts.st_size, facts.st_mtime_ns]:
                on_bytes(facts.st_size)
                self._used[str(path)] = known
                return str(known[2])
            began = time.time_ns()
            found = _hash(path, on_bytes)
        except OSError as error:
            raise BadInput(
                f"It could not be read: {error.strerror}.", "Check the file and its permissions."
            ) from error
        if began - facts.st_mtime_ns > _SETTLED_NS:
            self._used[str(path)] = [facts.st_size, facts.st_mtime_ns, found]
        return found

    def save(self) -> None:
        """Remember those that were asked for, and no others. Raises StorageFailed."""
        if self._used != self._known:
            write_json(self._file, self._used)
            self._known = dict(self._used)


def _hash(path: Path, on_bytes: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            on_bytes(len(block))
    return digest.hexdigest()


def _read(file: Path) -> dict[str, list[object]]:
    try:
        rows = read_json(file)
    except FileNotFoundError:
        return {}
    except Damaged as error:
        log.warning("hashed anew: %s", error.message)
        return {}
    return {path: row for path, row in rows.items() if isinstance(row, list) and len(row) == 3}
