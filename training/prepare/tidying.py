"""What no build has used for long leaves the cache; a build that wants it makes it again.

Segments that a data set holds are links to the same bytes where the disk has links, so that most of what
goes from here was the only thing left of recordings that are in no set any more.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from studio.dataset.cache import PreparedCache
from studio.files import PARTIAL_SUFFIX, is_abandoned

log = logging.getLogger(__name__)

#: Seconds.
UNUSED_S = 30 * 24 * 3_600.0


def used(folder: Path) -> None:
    """Remember that `folder` was used now; nothing where it is gone."""
    try:
        os.utime(folder)
    except OSError as error:
        log.info("the use of %s was not noted: %s", folder, error)


def sweep(cache: PreparedCache) -> None:
    """Remove what killed processes have left of recordings; once a build, for there may be ten thousands
    of results to look through."""
    for leftover in cache.root.glob(f".*{PARTIAL_SUFFIX}"):
        if is_abandoned(leftover):
            shutil.rmtree(leftover, ignore_errors=True)


def tidy(cache: PreparedCache, unused_s: float = UNUSED_S) -> int:
    """Remove prepared recordings and unpacked archives that nobody has used for so long; how many.
    What was recognised stays: it takes little room, and hours to make."""
    oldest, removed = time.time() - unused_s, 0
    for folder in _folders(cache):
        try:
            if folder.stat().st_mtime > oldest:
                continue
        except FileNotFoundError:  # another process was quicker
            continue
        shutil.rmtree(folder, ignore_errors=True)
        removed += 1
    return removed


def _folders(cache: PreparedCache) -> Iterator[Path]:
    yield from cache.results()
    for each in cache.unpacked.glob("*"):
        if each.name != "seen" and not each.name.startswith("."):
            yield each
