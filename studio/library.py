"""A library on the disk: one folder an entry, with a config.json that names the sounds beside it.

    <root>/<slug>/config.json, <content>.wav ...

A folder's name is the entry's id; it is made from the first name and stays when the entry is renamed.
Whoever writes holds the lock of the whole library, and a new entry, like a change, takes effect by one
rename: a process killed at any moment leaves the old state or the new one, and sounds that no config
names, which are swept.
"""

from __future__ import annotations

import copy
import logging
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from studio.errors import BadInput, Busy, Damaged, NotFound, unknown
from studio.files import (
    PARTIAL_SUFFIX,
    flush_folder,
    flush_tree,
    is_abandoned,
    make_folder,
    storage_errors,
    write_json,
)
from studio.library_config import CONFIG, Config, Head, damaged_file, read_config, strings_in
from studio.names import MAX_NAME, clean_name, inside, slug

log = logging.getLogger(__name__)

T = TypeVar("T")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_ID = 80
#: How long a writer waits for another one, seconds.
_BUSY_S = 60.0


@dataclass(frozen=True)
class Damage:
    """An entry that cannot be read; it stays where it is and the others load."""

    id: str
    message: str


class Library:
    """Entries of one kind. Thread-safe, and safe beside other processes.

    Every config has kind, version, name, owner, created and changed (Unix time, s); the rest is its
    service's. A name is unique among its owner's, whatever the case.
    """

    def __init__(self, root: Path, kind: str, version: int) -> None:
        """`kind` is a word for people ("voice"); `version` of the configs that are written. What
        killed processes have left is swept."""
        self._root, self._kind, self._version = root, kind, version
        self._lock = FileLock(root / ".lock")
        if root.is_dir():
            self._sweep()

    def ids(self) -> list[str]:
        """The entries that can be read."""
        return self.values(lambda id, config: id)[0]

    def damaged(self) -> tuple[Damage, ...]:
        """Those that cannot, and why."""
        return self.values(lambda id, config: id)[1]

    def read(self, id: str) -> Config:
        """An entry's config. Raises NotFound; Damaged where it cannot be read or a newer studio has
        written it."""
        return read_config(self.folder(id) / CONFIG, self._kind, self._version)

    def value(self, id: str, build: Callable[[str, Config], T]) -> T:
        """What `build(id, config)` makes of an entry. Raises NotFound and Damaged, also where the
        config lacks what `build` looks for."""
        return self._built(id, self.folder(id), build)

    def _built(self, id: str, folder: Path, build: Callable[[str, Config], T]) -> T:
        config = read_config(folder / CONFIG, self._kind, self._version)
        try:
            return build(id, config)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise damaged_file(folder / CONFIG, what) from error

    def values(self, build: Callable[[str, Config], T]) -> tuple[list[T], tuple[Damage, ...]]:
        """The same for every entry, and which are damaged; in the order of their ids."""
        found, damages = [], []
        for id in self._folders():
            try:
                found.append(self._built(id, self._root / id, build))
            except Damaged as error:
                with suppress(NotFound):  # deleted meanwhile
                    self.folder(id)
                    damages.append(Damage(id, error.message))
        return found, tuple(damages)

    def named(self, id_or_name: str, owner: str) -> str:
        """The id of the owner's entry of that id, or else of that name, whatever its case. Raises
        NotFound naming those there are."""
        configs, _ = self.values(lambda id, config: (id, str(config["name"]), config["owner"]))
        mine = {id: name for id, name, whose in configs if whose == owner}
        if id_or_name in mine:
            return id_or_name
        wanted = _folded(id_or_name.strip())
        for id, name in mine.items():
            if _folded(name) == wanted:
                return id
        raise unknown(self._kind, id_or_name, mine.values())

    def folder(self, id: str) -> Path:
        """Where an entry lies, damaged or not. Raises NotFound."""
        if _is_id(id):
            folder = self._root / id
            if folder.is_dir() and not folder.is_symlink():
                return folder
        raise NotFound(f"That {self._kind} is not in the library.", "It may have been deleted.")

    def file(self, id: str, name: object) -> Path:
        """A file beside the config, which names it. Raises Damaged where it is gone or no plain
        name."""
        folder = self.folder(id)
        try:
            path = inside(folder, str(name))
        except BadInput as error:
            raise damaged_file(folder / CONFIG, "it names a file outside its folder") from error
        if path.parent != folder.resolve() or not path.is_file():
            raise damaged_file(folder / str(name)[:80], "it is missing")
        return path

    def create(
        self, name: str, owner: str, make: Callable[[Path], Config], renumber: bool = False
    ) -> str:
        """A new entry's id. `make` writes its files into the folder it is given and returns the rest
        of the config.

        Raises BadInput where the owner has an entry of that name; with `renumber` the new one is
        called "Name (2)" instead. Whatever `make` raises leaves nothing behind.
        """
        name = clean_name(name)
        self._free_name(name, owner, renumber)  # before the work, which may take a while
        with self.scratch() as folder:
            config = make(folder)
            with self._writing():
                name = self._free_name(name, owner, renumber)
                now = time.time()
                head = Head(self._kind, self._version, name, owner, now, now)
                write_json(folder / CONFIG, head.over(config))
                flush_tree(folder)
                id = self._free_id(name)
                with storage_errors(self._root / id):
                    folder.rename(self._root / id)
                    flush_folder(self._root)
        return id

    def change(self, id: str, update: Callable[[Config, Path], Config]) -> Config:
        """The config as `update` has made it of a copy of the old one. It may write new files into
        the folder, under new names; files that the new config no longer names are removed.

        Runs under the lock. Raises NotFound, Damaged, and BadInput for a name that is taken.
        """
        with self._writing():
            old, folder = self.read(id), self.folder(id)
            try:
                new = update(copy.deepcopy(old), folder)
                name = clean_name(str(new["name"]))
                if _folded(name) != _folded(old["name"]):
                    self._free_name(name, old["owner"], renumber=False)
                head = Head(self._kind, self._version, name, old["owner"], old["created"], time.time())
                changed = head.over(new)
                write_json(folder / CONFIG, changed)
            finally:
                self._tidy(id)
        return changed

    def delete(self, id: str) -> None:
        """Remove an entry, damaged or not. Raises NotFound."""
        with self._writing():
            folder, leaving = self.folder(id), self._scratch_path()
            with storage_errors(folder):
                folder.rename(leaving)  # it goes at once; a kill while files are removed is swept up
                flush_folder(self._root)
        shutil.rmtree(leaving, ignore_errors=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the library's disk, removed afterwards."""
        folder = self._scratch_path()
        make_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        make_folder(self._root)
        try:
            with storage_errors(self._root):
                self._lock.acquire(timeout=_BUSY_S)
        except Timeout as error:
            raise Busy(f"Another Timbre is saving a {self._kind}.", "Try again in a moment.") from error
        try:
            yield
        finally:
            self._lock.release()

    def _folders(self) -> list[str]:
        if not self._root.is_dir():
            return []
        with os.scandir(self._root) as entries:
            return sorted(
                entry.name
                for entry in entries
                if _is_id(entry.name) and entry.is_dir(follow_symlinks=False)
            )

    def _free_name(self, name: str, owner: str, renumber: bool) -> str:
        """`name` where the owner has no entry of it, else with a number, or BadInput."""
        configs, _ = self.values(lambda id, config: config)
        taken = {_folded(each["name"]) for each in configs if each["owner"] == owner}
        if _folded(name) not in taken:
            return name
        if not renumber:
            raise BadInput(
                f"There is a {self._kind} called “{name[:80]}” already.", "Choose another name."
            )
        number = 2
        while _folded(numbered := _numbered(name, number)) in taken:
            number += 1
        return numbered

    def _free_id(self, name: str) -> str:
        """The name's slug; with a number where an entry that was renamed, or another owner's, has
        it. No slug of a name ends so, and none is shared."""
        id, number = slug(name), 2
        while os.path.lexists(self._root / id):
            id, number = f"{slug(name)}-{number}", number + 1
        return id

    def _scratch_path(self) -> Path:
        return self._root / f".new.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}"

    def _sweep(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except OSError as error:  # somebody is writing, or nobody may; a later start sweeps
            log.info("%s is not swept (%s)", self._root.name, error)
            return
        try:
            for leftover in self._root.glob(f".*{PARTIAL_SUFFIX}"):
                if is_abandoned(leftover):
                    shutil.rmtree(leftover, ignore_errors=True)
            for id in self._folders():
                self._tidy(id)
        finally:
            self._lock.release()

    def _tidy(self, id: str) -> None:
        """Remove sounds and unfinished files that the config does not name. Under the lock."""
        try:
            named, folder = strings_in(self.read(id)), self.folder(id)
        except (Damaged, NotFound):  # it may be mended by hand, with all its sounds
            return
        for path in folder.iterdir():
            unfinished = path.suffix == PARTIAL_SUFFIX and is_abandoned(path)
            if unfinished or (path.suffix == ".wav" and path.name not in named):
                try:
                    path.unlink()
                except OSError as error:  # Windows keeps what is being played
                    log.warning("%s stays for now (%s)", path.name, error.strerror)


def _is_id(text: str) -> bool:
    return len(text) <= _MAX_ID and _ID.fullmatch(text) is not None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _numbered(name: str, number: int) -> str:
    suffix = f" ({number})"
    return name[: MAX_NAME - len(suffix)].rstrip() + suffix
