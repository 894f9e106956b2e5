"""Functions that test_jobs runs as jobs, in real worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from studio.errors import BadInput
from studio.jobs import JobContext

#: Imported here, so defined elsewhere: must not be offered as a job.
borrowed = subprocess.check_output


def add(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    context.progress(1, 1, "adding")
    print("printed by the job")
    return {"sum": params["a"] + params["b"]}


def count(params: dict[str, Any], context: JobContext) -> list[int]:
    """Counts to `total`, keeping its place; each step it takes is a line in a file."""
    total, steps = params["total"], context.folder / "steps.txt"
    for step in range(context.state.get("done", 0), total):
        context.control.wait(params.get("pause", 0.05))
        with steps.open("a") as file:
            file.write(f"{step}\n")
        context.state["done"] = step + 1
        context.save_state()
        context.progress(step + 1, total, "counting")
    return [int(line) for line in steps.read_text().split()]


def engine_like(params: dict[str, Any], context: JobContext) -> None:
    for part in range(1, 1000):
        context.control.progress("speaking", part / 1000)
        time.sleep(0.02)


def refuse(params: dict[str, Any], context: JobContext) -> None:
    raise BadInput("The recording is too short.", "Choose one of 3 seconds or more.")


def crash(params: dict[str, Any], context: JobContext) -> None:
    raise ZeroDivisionError("the canary in the traceback")


def leave(params: dict[str, Any], context: JobContext) -> None:
    os._exit(7)


def no_json(params: dict[str, Any], context: JobContext) -> object:
    return object()


def stubborn(params: dict[str, Any], context: JobContext) -> None:
    """Ignores every request to stop, and so does its child."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = (
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    )
    child = context.folder / "child.pid"
    process = subprocess.Popen([sys.executable, "-c", code, str(child)])
    while not child.exists() or not child.read_text():
        time.sleep(0.01)
    context.progress(1, 2, "refusing")
    process.wait()


def stand_still(params: dict[str, Any], context: JobContext) -> None:
    """Stops its own process, heart included, as a hang in the kernel would."""
    context.progress(1, 2, "about to hang")
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGSTOP)


def overlap(params: dict[str, Any], context: JobContext) -> None:
    """Fails when another job is in the same room."""
    room = Path(params["room"])
    room.mkdir()
    time.sleep(0.15)
    room.rmdir()


def many_steps(params: dict[str, Any], context: JobContext) -> float:
    began = time.process_time()  # others may keep the processor busy
    for step in range(1, 20_001):
        context.progress(step, 20_000, "stepping")
    return time.process_time() - began


def surroundings(params: dict[str, Any], context: JobContext) -> dict[str, str]:
    return {"models": str(context.settings.models_dir), **os.environ}
