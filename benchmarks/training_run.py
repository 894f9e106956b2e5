"""The processes of the training benchmark, each of which trains in its own way, a round when it is told to."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.training_models import PLACES, make_model
from studio.control import Control
from studio.dataset.metadata import read_metadata
from studio.runs.run_folder import RunFolder
from studio.runs.values import Checkpoint, Family, Method, Precision, RunSettings


@dataclass(frozen=True)
class Task:
    """What each is to do."""

    folder: Path  # with models/ and set/
    batch_size: int
    rounds: int  # epochs; the first of them warms up
    device: str = "cpu"
    precision: Precision = Precision.FLOAT32
    published: bool = False  # the size of the models

    @property
    def data(self) -> Path:
        return self.folder / "set"

    def base(self, family: Family) -> Path:
        return self.folder / "models" / PLACES[family][1]


@dataclass(frozen=True)
class Round:
    """An epoch's steps, from the plan of its batches to the end of the last one; saving is not of it."""

    seconds: float
    clips: int
    steps: int
    alone_s: float  # of that, without the reading and encoding of sound


@dataclass(frozen=True)
class Left:
    """What there is at the end."""

    checkpoint: int  # bytes
    padding: float  # share of all batches
    encoding_s: float = 0.0  # processor time, of all clips, once
    lengths: tuple[tuple[int, int], ...] = ()  # of each clip: letters, and codes or frames
    card_mb: float = 0.0  # the most that was allocated on a card


class Pace:
    """Tells of each round, and waits for the next one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self) -> float:
        """When the next round began."""
        self._connection.send("ready")
        self._connection.recv()
        return time.perf_counter()

    def end(self, result: Round | Left) -> None:
        self._connection.send(result)


def settle(log: Path, task: Task) -> None:
    """What this process says goes into a file, and it sees no card where it is to use none."""
    if task.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())


def prepare(connection: Connection, log: Path, task: Task, families: tuple[Family, ...]) -> None:
    """Make the models."""
    settle(log, task)
    for family in families:
        make_model(task.base(family), family, task.published)
    connection.send("ready")


def train_ours(connection: Connection, log: Path, task: Task, family: Family, method: Method) -> None:
    """By the loop that jobs run."""
    settle(log, task)
    import torch

    from training.clips import encoded
    from training.loop import Work, train
    from training.together import Together, place

    torch.set_num_threads(1)
    settings = RunSettings(
        family, PLACES[family][0], "set", method, epochs=task.rounds, batch_size=task.batch_size,
        precision=task.precision, save_every=task.rounds, sample_every=0,
    )  # fmt: skip
    placement = place(task.device, settings.precision)
    dtype = placement.frozen_dtype(method)
    made = _family(family)(task.base(family), settings, placement.device, dtype)
    cache = task.folder / f"cache-{family}-{method}"
    begun = time.process_time()  # others may be encoding as well
    clips = encoded(made, read_metadata(task.data), task.data, settings, cache, Control())
    encoding = time.process_time() - begun
    assert not clips.left_out
    folder = RunFolder(task.folder / f"run-{family}-{method}")
    head = Checkpoint("run", 0, family, method, settings.base, 0, None, None, 0.0, 0)
    work = Work(folder, settings, clips, head, save_every_s=1e9)
    pace = Pacing(Pace(connection), task.rounds, len(clips.train))
    train(work, made, Together(placement, Control()), pace.listen, pace.report)
    checkpoint = bytes_in(folder.checkpoint(task.rounds))
    rows = [row for _, row in folder.rows() if row.kind == "step"]
    padding = sum(row.padding or 0.0 for row in rows) / len(rows)
    card = max(row.memory_mb or 0.0 for row in rows) if task.device != "cpu" else 0.0
    lengths = tuple(lengths_of(family, example) for example in clips.train)
    pace.pace.end(Left(checkpoint, padding, encoding, lengths, card))


def _family(family: Family) -> Any:
    if family is Family.XTTS:
        from training.families.xtts import XttsFamily

        return XttsFamily
    from training.families.qwen import QwenFamily

    return QwenFamily


def lengths_of(family: Family, example: Any) -> tuple[int, int]:
    if family is Family.XTTS:
        from training.families import xtts_clips

        clip = xtts_clips.clip_of(example)
        return len(clip.text), len(clip.codes)
    from training.families import qwen_clips

    spoken = qwen_clips.clip_of(example)
    return len(spoken.text), len(spoken.codes)


class Pacing:
    """Makes a round of each epoch of our loop: it is called after each step and at each epoch's end."""

    def __init__(self, pace: Pace, rounds: int, clips: int) -> None:
        self.pace, self._rounds, self._clips = pace, rounds, clips
        self._began = self._last = 0.0
        self._steps = 0

    def report(self, step: int, steps: int, stage: str) -> None:
        self._last = time.perf_counter()
        self._steps += 1

    def listen(self, family: Any, row: Any, history: Any, control: Control) -> Any:
        from training.family import Judgement

        if row.epoch:
            seconds = self._last - self._began
            self.pace.end(Round(seconds, self._clips, self._steps, seconds))
        if row.epoch < self._rounds:
            self._steps = 0
            self._began = self.pace.begin()
        return Judgement()


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
