"""What the children of test_prepare_pool do. Each imports this module, which brings along as little as possible."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from studio.control import Control
from studio.errors import BadInput, StorageFailed


def do(task: tuple[str, str], control: Control) -> str:
    """A task is the name of what to do, and where."""
    name, where = task
    control.progress("working", 0.5)
    if name == "bad":
        raise BadInput("It is no recording.", "Choose another.")
    if name == "bug":
        raise ZeroDivisionError
    if name == "full":
        raise StorageFailed("The disk is full.")
    if name == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "dies once" and not Path(where).exists():
        Path(where).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "long":
        Path(where).write_text(str(os.getpid()))
        time.sleep(60)
    return f"{name} in {'a child' if where != str(os.getpid()) else 'here'}"
