"""A process that writes, killed at any moment, again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

from studio.settings import CHECKOUT

# The writers are forked from a process that has imported everything, or starting would take most of the time.
_PARENT = """
import os, sys

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write(*sys.argv[1:], int(line))
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def killed(code: str, *arguments: str, times: int) -> Iterator[None]:
    """After each kill of a process that runs `write(*arguments, start)`, which `code` defines. It writes until
    it is killed, and prints "begun" once it has written something; `start` is a million more each time."""
    chance = random.Random(4711)
    with subprocess.Popen(
        [sys.executable, "-c", code + _PARENT, *arguments],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdin is not None
        assert parent.stdout is not None
        for kill in range(times):
            print((kill + 1) * 10**6, file=parent.stdin, flush=True)
            said = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
            threading.Event().wait(chance.uniform(0, 0.03))
            os.kill(int((said - {"begun"}).pop()), signal.SIGKILL)
            assert parent.stdout.readline().strip() == "gone"
            yield
        parent.stdin.close()
