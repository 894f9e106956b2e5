"""Writing files so that a reader, or the next start, never sees half of one."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import stat
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from studio.errors import Damaged, StorageFailed

#: Every unfinished file carries this, so that a start-up sweep can tell it from a finished one.
PARTIAL_SUFFIX = ".partial"

_STARTED = time.time()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the system's words for a full or forbidden disk into ours, at the place they arise."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFailed(
                f"The disk is full: {path.name} could not be saved.",
                f"Free some space on the disk that holds {path.parent}, then try again.",
            ) from error
        if error.errno == errno.EFBIG:
            raise StorageFailed(
                f"{path.name} is larger than its disk or account allows.",
                f"Free some space, or choose another disk than that of {path.parent}.",
            ) from error
        if isinstance(error, PermissionError) or error.errno in (errno.EROFS, errno.EACCES):
            raise StorageFailed(
                f"{path} cannot be written.",
                "Give yourself write access to the folder, or choose another one with --home.",
            ) from error
        raise


def free_bytes(folder: Path) -> int:
    """What is free on the disk where `folder` is, or would be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raises StorageFailed where that cannot be."""
    try:
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageFailed(
            f"{path} cannot be a folder: a file is in the way.",
            "Move the file, or choose another folder with --home.",
        ) from error
    except FileNotFoundError as error:  # a drive that is not there
        raise StorageFailed(
            f"{path} cannot be made: there is no such place.", "Choose another folder with --home."
        ) from error


@contextmanager
def publishing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well, it becomes `path`.

    The content is flushed to the disk before the rename, and the folder after it, so that even a
    power cut leaves the old file or the new one. When the block raises, nothing is left behind.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
    make_folder(path.parent)
    try:
        with storage_errors(path):
            yield partial
            _flush(partial)
            partial.replace(path)
            flush_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, whole or not at all."""
    with publishing(path) as partial:
        partial.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as readable UTF-8 JSON, whole or not at all."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    write_bytes(path, text.encode("utf-8", "surrogatepass"))


def read_json(path: Path) -> Any:
    """Read JSON back; a file that is no JSON raises Damaged naming it."""
    try:
        return json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"{path} is damaged: {error}", "Restore it from a copy or remove it.") from error


def link_or_copy(source: Path, target: Path) -> None:
    """`target` as another name of `source`'s bytes, or a copy where the disk has no such thing: only
    for files that nobody changes in place. Raises OSError; FileExistsError where `target` is there."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # another disk, too many names, or a file system without links
        shutil.copy2(source, target)


def own_bytes(folder: Path) -> int:
    """What removing `folder` would free: of files that go by other names elsewhere as well
    (`link_or_copy`) nothing, and of one with several names here once. What goes away meanwhile does not
    count."""
    names: Counter[tuple[int, int]] = Counter()
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode):
                continue
            file = (found.st_dev, found.st_ino)
            names[file] += 1
            total += found.st_size if names[file] == found.st_nlink else 0
    return total


def flush_tree(folder: Path) -> None:
    """See to it that every file below `folder` outlasts a power cut, before a rename shows them."""
    with storage_errors(folder):
        for path in folder.rglob("*"):
            if path.is_file():
                _flush(path)
            elif path.is_dir():
                flush_folder(path)
        flush_folder(folder)


def sweep_partials(folder: Path) -> int:
    """Remove what killed processes left unfinished below `folder`; returns how many files.

    A partial file's name carries its writer's pid: what a living process is writing stays.
    """
    count = 0
    for leftover in folder.rglob(f"*{PARTIAL_SUFFIX}"):
        if is_abandoned(leftover):
            leftover.unlink(missing_ok=True)
            count += 1
    return count


def is_abandoned(partial: Path) -> bool:
    """Whether nobody can be writing this unfinished file or folder any more."""
    writer = partial.name.split(".")[-3] if partial.name.count(".") >= 3 else ""
    return not (writer.isdigit() and may_be_writing(int(writer), partial))


def may_be_writing(pid: int, path: Path) -> bool:
    """Whether `path`, which carries `pid`, may still be in the making.

    In a container every start has the same pid, so what carries ours is a predecessor's when it is
    older than this process.
    """
    import psutil

    if pid != os.getpid():
        return bool(psutil.pid_exists(pid))
    try:
        return path.stat().st_mtime >= _STARTED
    except FileNotFoundError:
        return False


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """See to it that a rename in `folder` outlasts a power cut."""
    if os.name == "nt":  # Windows cannot open a folder; its rename is durable enough
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
