"""Folders of models appear whole and go whole; nothing outside their family is ever touched."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from studio.errors import StorageFailed
from studio.files import PARTIAL_SUFFIX, flush_tree, free_bytes, make_folder, storage_errors

log = logging.getLogger(__name__)

#: Kept free beside what is fetched, as a share of it.
_MARGIN = 0.05


def partial_of(target: Path) -> Path:
    """Where `target` is put together: beside it, hidden, and the same in every attempt."""
    return target.with_name(f".{target.name}{PARTIAL_SUFFIX}")


def aside_of(target: Path) -> Path:
    """Where the old `target` waits while the new one takes its place."""
    return target.with_name(f".{target.name}.old")


def restore(target: Path) -> None:
    """Put the old folder back when a process was killed just between the two renames."""
    aside = aside_of(target)
    if os.path.lexists(aside) and not os.path.lexists(target):
        with storage_errors(target):
            aside.rename(target)


def adopt(old: Path | None, partial: Path, names: Iterable[str]) -> None:
    """Let what an old, incomplete folder has of `names` appear in `partial` as well.

    By hard links, which take no room; removing one leaves the other. Where the file system has
    none, those files are just not there.
    """
    if old is None:
        return
    for name in names:
        source, new = old / name, partial / name
        if source.is_file() and not source.is_symlink() and not new.exists():
            make_folder(new.parent)
            try:
                os.link(source, new)
            except OSError as error:
                log.warning("%s cannot be taken over (%s)", name, error.strerror)
                return


def publish(partial: Path, target: Path) -> None:
    """Let `partial`, which must be whole, become `target`. What was there is removed afterwards.

    Raises StorageFailed; the old folder is then in its place still, and `partial` as well.
    """
    aside = aside_of(target)
    flush_tree(partial)
    with storage_errors(target):
        if os.path.lexists(target):
            remove(aside)
            target.rename(aside)
        try:
            partial.rename(target)
        except OSError:
            restore(target)
            raise
    remove(aside)


def remove(folder: Path) -> None:
    """Remove a folder with its content; of a link only the link. No folder: nothing to do.

    Raises StorageFailed where it cannot be removed.
    """
    with storage_errors(folder):
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)  # removes links inside, and never what they lead to


def remove_strangers(folder: Path, kept: set[str]) -> None:
    """Remove all files below `folder` but `kept` (names with "/"), such as a client's notes."""
    with storage_errors(folder):
        for place, names, files in os.walk(folder, topdown=False):
            for name in (*files, *names):
                path = Path(place, name)
                if path.is_dir() and not path.is_symlink():
                    if not any(path.iterdir()):
                        path.rmdir()
                elif path.relative_to(folder).as_posix() not in kept:
                    path.unlink()


def check_space(family: Path, needed: int, label: str) -> None:
    """Raise StorageFailed, with figures, when `needed` more bytes do not fit on the disk."""
    free, wanted = free_bytes(family), round(needed * (1 + _MARGIN))
    if free < wanted:
        raise StorageFailed(
            f"The disk has too little room for {label}: {size_text(wanted)} are needed and"
            f" {size_text(free)} are free in {family}.",
            f"Free {size_text(wanted - free)}, or let TIMBRE_MODELS_DIR (for Qwen:"
            " QWEN_TTS_MODELS_DIR) name a folder on a larger disk.",
        )


def size_text(size: int) -> str:
    """Bytes for people: 4.5 GB, 12 MB, 3 kB."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
