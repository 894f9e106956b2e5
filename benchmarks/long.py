"""A book's worth of text streamed in one take: does memory stay flat?

The take runs in a process of its own (benchmarks.long_take), watched from here.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import IO

import psutil

from benchmarks.report import Goal, Options, Report, Table, figure, figures
from studio.settings import CHECKOUT

GOAL_GROWTH_MB = 50.0

CHARACTERS, QUICK_CHARACTERS = 100_000, 300
_SAMPLE_S, _REST_S, _QUICK_REST_S = 0.05, 1.0, 0.2
_PATIENCE_S = 900.0


@dataclass
class Memory:
    """Resident memory of a process and those it started, sampled by a thread, MB (10^6 bytes)."""

    process: psutil.Process
    resident: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            with contextlib.suppress(psutil.Error):  # one of them ended meanwhile
                family = [self.process, *self.process.children(recursive=True)]
                self.resident.append(sum(each.memory_info().rss for each in family) / 1e6)


def run(options: Options) -> Report:
    characters = QUICK_CHARACTERS if options.quick else CHARACTERS
    rest = _QUICK_REST_S if options.quick else _REST_S
    command = [sys.executable, "-m", "benchmarks.long_take", str(characters)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, text=True
    )
    patience = threading.Timer(_PATIENCE_S, process.kill)
    patience.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        watched = psutil.Process(process.pid)
        _answer(process.stdout)  # the warm-up take is done
        with Memory(watched) as before:
            time.sleep(rest)
        with Memory(watched) as during:
            _go(process.stdin)
            take = json.loads(_answer(process.stdout))
        with Memory(watched) as after:
            time.sleep(rest)
        _go(process.stdin)
        process.wait(30)
    finally:
        patience.cancel()
        process.kill()
        process.wait()
    base = statistics.median(before.resident)
    growth = max(during.resident) - base
    table = Table(
        ("take", "sound, s", "work, s", "real-time factor", "first sound, ms"),
        (
            (
                f"{characters:,} characters, preset voice",
                *figures((take["audio_s"], take["all_s"]), 1),
                figure(take["all_s"] / take["audio_s"], 4),
                figure(take["first_s"] * 1000, 0),
            ),
        ),
    )
    memory = Table(
        ("memory, MB", "before", "highest", "after", "growth"),
        (
            (
                "studio and eSpeak NG",
                *figures((base, max(during.resident), statistics.median(after.resident), growth), 0),
            ),
        ),
    )
    return Report(
        (table, memory),
        (Goal("growth of resident memory", growth, GOAL_GROWTH_MB, "MB", 1),),
        (
            f"Sampled {len(during.resident)} times while the take was spoken and a listener read all "
            f"{take['streamed_s']:.0f} s of it as they came, after a take that does not count.",
        ),
    )


def _answer(output: IO[str]) -> str:
    line = output.readline()
    if not line:
        raise RuntimeError("The process of the long take ended without a result.")
    return line


def _go(stdin: IO[str]) -> None:
    stdin.write("\n")
    stdin.flush()
