"""Archives on their way to recordings: each is unpacked once, by its content.

<root>/<hash of content>/     what was unpacked, under numbers, and entries.json: what each was called
<root>/seen/<hash of place>   the hash of the content of a file that has not changed since
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from studio.control import Control
from studio.dataset.cache import CONTENT_DIGITS, PreparedCache
from studio.errors import Damaged
from studio.files import (
    PARTIAL_SUFFIX,
    flush_folder,
    flush_tree,
    make_folder,
    may_be_writing,
    read_json,
    storage_errors,
    write_json,
)
from training.prepare.hashing import Hashes
from training.prepare.tidying import used

#: Counts what is unpacked and how; a folder of another version is not taken.
_VERSION = 1
_NAMES = "entries.json"


@dataclass(frozen=True)
class Entry:
    """A file that may be a recording or say something of one."""

    path: Path
    name: str  # within what was given, "/" between folders; any characters


class Unpacked:
    """What was unpacked into `cache`. Safe beside other processes that unpack the same."""

    def __init__(self, cache: PreparedCache, control: Control) -> None:
        self._cache, self._root, self._control = cache, cache.unpacked, control

    def entries(
        self, archive: Path, unpack: Callable[[Path, Path, Control], Mapping[str, str]]
    ) -> list[Entry]:
        """What is in `archive`. `unpack(archive, into, control)` puts its files into an empty folder
        and returns file -> name; it is called only where no process has done so before.

        Raises what `unpack` raises, with nothing left behind; StorageFailed.
        """
        folder = self._root / f"{self._content(archive)}-{_VERSION}"
        if not folder.is_dir():
            self._control.progress("unpacking")
            with self._scratch() as scratch:
                names = unpack(archive, scratch, self._control)
                write_json(scratch / _NAMES, dict(names))
                flush_tree(scratch)
                self._publish(scratch, folder)
        names = read_json(folder / _NAMES)
        if not isinstance(names, dict):
            raise Damaged(f"{folder / _NAMES} is damaged.", f"Remove {folder}; it is made again.")
        used(folder)
        return [Entry(folder / file, str(name)) for file, name in names.items()]

    def _content(self, archive: Path) -> str:
        """A hash of the file's content, read only when the file is new or has changed."""
        hashes = Hashes(self._cache.seen(archive))
        found = hashes.of(archive, lambda count: self._control.check())
        hashes.save()
        return found[:CONTENT_DIGITS]

    def _publish(self, scratch: Path, folder: Path) -> None:
        try:
            with storage_errors(folder):
                scratch.rename(folder)
                flush_folder(self._root)
        except OSError:
            if not folder.is_dir():  # else another process was quicker, with the same content
                raise

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """An empty folder on the same disk, removed afterwards; what killed processes left goes."""
        for leftover in self._root.glob(f".new.*{PARTIAL_SUFFIX}"):
            writer = leftover.name.split(".")[-3]
            if not (writer.isdigit() and may_be_writing(int(writer), leftover)):
                shutil.rmtree(leftover, ignore_errors=True)
        folder = self._root / f".new.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}"
        make_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
