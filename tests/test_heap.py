"""What the process asks of the C library is understood by it."""

from __future__ import annotations

import platform
import subprocess
import sys

from studio.settings import CHECKOUT

_CODE = """
from studio.heap import share_heap
print(share_heap())
import threading
made = []
threads = [threading.Thread(target=lambda: made.append(bytearray(100_000))) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(made))
"""


def test_the_heap_is_shared_where_the_c_library_can() -> None:
    """In a process of its own, as it holds for good."""
    said = subprocess.run(
        [sys.executable, "-c", _CODE], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stdout.split()
    assert said == [str(platform.libc_ver()[0] == "glibc"), "8"]


def test_what_was_there_at_the_start_is_left_alone() -> None:
    """In a process of its own, for the same reason."""
    code = "import gc, studio.heap as heap; heap.settle(); print(gc.get_freeze_count() > 1000, len(gc.get_objects()))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stdout.split()
    assert said[0] == "True"
    assert int(said[1]) < 1000
