"""Promises of the pool: several at once, and no child takes the others along or outlives its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from studio.control import Control
from studio.errors import BadInput, Cancelled, StorageFailed, StudioError
from studio.settings import CHECKOUT
from tests.pool_work import do
from tests.running import until
from training.prepare.pool import work_on

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def both(names: list[str], where: Path | str = "", processes: int = 2) -> list[str | StudioError]:
    return work_on(do, [(name, str(where)) for name in names], processes, Control())


@posix
def test_results_come_in_order_and_errors_stay_with_their_task(tmp_path: Path) -> None:
    names = ["a", "bad", "b", "dies", "bug", "dies once", "c"]
    found = both(names, tmp_path / "once")
    assert [found[index] for index in (0, 2, 5, 6)] == [
        f"{name} in a child" for name in ("a", "b", "dies once", "c")
    ]
    bad, dies, bug = (found[index] for index in (1, 3, 4))
    assert isinstance(bad, BadInput)
    assert bad.message == "It is no recording."
    assert isinstance(dies, StudioError)
    assert "ended the process" in dies.message
    assert "Memory" in dies.hint
    assert isinstance(bug, StudioError)
    assert "ZeroDivisionError" in bug.message


def test_one_process_is_this_one() -> None:
    found = both(["a", "bad", "bug", "b"], os.getpid(), processes=1)
    assert (found[0], found[3]) == ("a in here", "b in here")
    assert isinstance(found[1], BadInput)
    assert isinstance(found[2], StudioError)
    assert "ZeroDivisionError" in found[2].message


@pytest.mark.parametrize("processes", [1, 2])
def test_a_full_disk_ends_it_all(processes: int) -> None:
    with pytest.raises(StorageFailed, match="full"):
        both(["full"], processes=processes)


def test_progress_reaches_the_end_of_each() -> None:
    heard: dict[int, float] = {}
    work_on(do, [("a", ""), ("bad", "")], 2, Control(), lambda index, part: heard.update({index: part}))
    assert heard == {0: 1.0, 1: 1.0}


def test_it_stops_within_a_second_and_no_child_stays(tmp_path: Path) -> None:
    control, mark = Control(), tmp_path / "pid"
    pressed: list[float] = []

    def stop() -> None:
        until(lambda: mark.exists() and mark.read_text())
        pressed.append(time.monotonic())
        control.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Cancelled):
        work_on(do, [("long", str(mark)), ("a", "")], 2, control)
    assert time.monotonic() - pressed[0] < 1
    assert not psutil.pid_exists(int(mark.read_text()))
    thread.join()


@posix
def test_children_die_with_their_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from studio.control import Control; from training.prepare.pool import work_on\n"
        "from tests.pool_work import do\n"
        "if __name__ == '__main__': work_on(do, [('long', sys.argv[1])], 2, Control())\n"
    )
    script, mark = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen([sys.executable, script, mark], env=environment) as parent:
        until(lambda: mark.exists() and mark.read_text())
        parent.kill()
    child = int(mark.read_text())
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", 5)
