"""The animator on two cores: frames a second with their encoding, memory for a long video, and how soon a face
that is known speaks again."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from benchmarks.avatar_run import FPS, Speech, Standing, animator, drawn, make, portrait, shown, speech
from benchmarks.long import Memory
from benchmarks.report import Goal, Options, Report, Table, figure, figures
from studio.settings import CHECKOUT

GOAL_FRAME_MS = 1000 / FPS
GOAL_GROWTH = 1.1
GOAL_AGAIN = 0.5

_SIDE, _QUICK_SIDE = 512, 128
_SECONDS, _QUICK_SECONDS = 20.0, 0.4
_ROUNDS, _QUICK_ROUNDS = 5, 1
_MINUTES, _QUICK_MINUTES = (1.0, 10.0), (0.02,)
_CORES = 2
_PATIENCE_S = 1_800.0


def run(options: Options) -> Report:
    side = _QUICK_SIDE if options.quick else _SIDE
    with tempfile.TemporaryDirectory() as temporary, _on_cores(_CORES):
        folder = Path(temporary)
        said = speech(folder, _QUICK_SECONDS if options.quick else _SECONDS)
        speed, slowest_ms = _speed(folder, said, side, _QUICK_ROUNDS if options.quick else 3)
        first, again = _first_frames(folder, side, _QUICK_ROUNDS if options.quick else _ROUNDS)
        memory, growth = _memory(_QUICK_MINUTES if options.quick else _MINUTES, side)
    return Report(
        (speed, first, memory),
        (
            Goal("time for a frame, encoded, the slowest", slowest_ms, GOAL_FRAME_MS, "ms", 1),
            Goal(
                "first frame of a known face against a new one, the slowest", again, GOAL_AGAIN, "times"
            ),
            Goal("memory: the longer against the shorter", growth, GOAL_GROWTH, "times"),
        ),
        (
            f"Pictures of {side} x {side} at {FPS} frames a second, with blinks and head motion, on "
            f"{_CORES} cores; encoded to H.264 and AAC. Medians of several videos of {said.seconds:g} s. The "
            "photograph is the head of scikit-image's astronaut, the drawing the default avatar. A new face "
            "is one that the animator, loaded before, has not seen: its lips are traced and its lids found.",
        ),
    )


def _speed(folder: Path, said: Speech, side: int, rounds: int) -> tuple[Table, float]:
    """And the milliseconds of the slowest row's frame."""
    silent = Speech(said.sound, said.seconds, ())
    rows, slowest = [], 0.0
    for name, shot, what in (
        ("photograph", portrait(side), said),
        ("drawing", drawn(side), said),
        ("photograph, by the sound alone", portrait(side), silent),
    ):
        engine, scene = animator(), Standing(shot)
        make(engine, scene, Speech(said.sound, 0.2, said.phonemes), folder / "warm.mp4")
        frames = round(said.seconds * FPS)
        alone = statistics.median(shown(engine, scene, what) for _ in range(rounds)) / frames
        whole = statistics.median(
            make(engine, scene, what, folder / "video.mp4").all_s for _ in range(rounds)
        )
        whole /= frames
        rows.append((name, figure(1 / alone, 0), *figures((1 / whole, 1 / whole / FPS), 1)))
        slowest = max(slowest, 1000 * whole)
    columns = ("speed", "frames a second, drawn alone", "encoded", "times real time")
    return Table(columns, tuple(rows)), slowest


def _first_frames(folder: Path, side: int, rounds: int) -> tuple[Table, float]:
    """And what of a new face's time a known one takes, at most."""
    said = speech(folder, 0.5)
    rows, shares = [], []
    for name, shot in (("photograph", portrait(side)), ("drawing", drawn(side))):
        new, known = [], []
        for _ in range(rounds):
            engine, scene = animator(), Standing(shot)
            new.append(1000 * make(engine, scene, said, folder / "video.mp4").first_s)
            known.append(1000 * make(engine, scene, said, folder / "video.mp4").first_s)
        middles = statistics.median(new), statistics.median(known)
        rows.append((name, *figures(middles, 1), figure(middles[0] / middles[1], 1)))
        shares.append(middles[1] / middles[0])
    columns = ("first frame", "new face, ms", "known face, ms", "times sooner")
    return Table(columns, tuple(rows)), max(shares)


def _memory(minutes: tuple[float, ...], side: int) -> tuple[Table, float]:
    """Of a process that makes a video of so many minutes; and the last against the first."""
    rows, highest = [], []
    for length in minutes:
        command = [sys.executable, "-m", "benchmarks.avatar_run", str(60 * length), str(side)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, text=True
        )
        patience = threading.Timer(_PATIENCE_S, process.kill)
        patience.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            _wait(process.stdout)  # everything is loaded, and a short video made
            watched = psutil.Process(process.pid)
            with Memory(watched) as during:
                print(file=process.stdin, flush=True)
                _wait(process.stdout)
            last = watched.memory_info().rss / 1e6  # a quick one may end before it was looked at
            print(file=process.stdin, flush=True)
            process.wait(30)
        finally:
            patience.cancel()
            process.kill()
            process.wait()
        highest.append(max([*during.resident, last]))
        rows.append((f"{length:g} min", figure(highest[-1], 0)))
    return Table(("memory", "highest, MB"), tuple(rows)), highest[-1] / highest[0]


def _wait(output: IO[str]) -> None:
    if not output.readline():
        raise RuntimeError("The process of the avatar benchmark ended without a result.")


@contextmanager
def _on_cores(count: int) -> Iterator[None]:
    """Run here and in the processes started from here on so many cores, where the system can do that."""
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):  # macOS
        yield
        return
    before = process.cpu_affinity()
    process.cpu_affinity(before[:count])
    try:
        yield
    finally:
        process.cpu_affinity(before)
