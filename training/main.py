"""Trains a run in this process, or as one of several that accelerate has launched:

accelerate launch --num_processes 2 -m training.main --run ID --home HOME

All processes need the same home folder, also where they are on several machines.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from studio import log as logs
from studio.control import Control
from studio.errors import StudioError
from studio.settings import load_settings
from training.running import Parts, perform

log = logging.getLogger("training.main")  # __name__ is "__main__" here


def main(arguments: Sequence[str], parts: Parts | None = None) -> int:
    """Train; returns the exit code. The first process prints what came of it, as JSON."""
    parser = argparse.ArgumentParser(prog="training.main", description="Train a run.")
    parser.add_argument("--run", required=True, help="the run's id")
    parser.add_argument("--home", type=Path, help="the studio's home folder")
    given = parser.parse_args(arguments)
    settings = load_settings(home=given.home, device="cpu" if _without_cards() else None)
    logs.configure(settings.log_level, settings.log_json)
    first = os.environ.get("RANK", "0") == "0"
    control = Control()
    _stop_on_signal(control)
    try:
        result = perform(given.run, settings, control, _Said() if first else _unsaid, parts)
    except StudioError as error:
        log.error("%s", error)
        return error.exit_code
    if first:
        print(json.dumps(result, ensure_ascii=False))
    return 0


def _without_cards() -> bool:
    """Whether `accelerate launch --cpu` was asked for, which accelerate itself follows whatever is set."""
    return os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")


class _Said:
    """Logs what is being done, once for each whole percent or new stage."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, step: int, steps: int, stage: str) -> None:
        percent = 100 * step // steps if steps else 0
        now = (stage.partition(",")[0], percent)
        if now != self._last:
            self._last = now
            log.info("%s (%d of %d)", stage, step, steps)


def _unsaid(step: int, steps: int, stage: str) -> None:
    pass


def _stop_on_signal(control: Control) -> None:
    """SIGTERM and Ctrl+C stop the run within a batch; its state is saved."""

    def stop(number: int, frame: object) -> None:
        # Not here: the code that was interrupted may hold the lock inside of the control.
        threading.Thread(target=control.cancel, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
