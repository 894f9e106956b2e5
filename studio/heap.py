"""The memory that a long-running process keeps."""

from __future__ import annotations

import ctypes
import gc
import logging
import sys

log = logging.getLogger(__name__)

#: mallopt(3): how many heaps there may be.
_M_ARENA_MAX = -8
_HEAPS = 1


def share_heap() -> bool:
    """Have all threads share one heap; returns whether that could be had.

    glibc gives threads heaps of their own, up to eight a core. Each take has a thread, which ends, and what
    stays of it is scattered over all of them: measured, a busy server took 376 MB and grew by 4 MB a minute, and
    336 MB and less than 1 with one heap; two were hardly better than sixteen. To be called before threads are
    started.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        done = ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, _HEAPS)
    except (OSError, AttributeError):  # another C library, which does it its own way
        return False
    log.debug("one heap for all threads")
    return bool(done)


def settle() -> None:
    """Have the collector leave alone all that is there now: to be called once, when everything is loaded.

    Python looks at old objects only when a quarter as many new ones have come. After a million of the start that
    is seldom, so that what requests leave behind in cycles lies for minutes, and then takes a pause of a
    quarter of a second, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
