"""Processes that are told when to train, and watched meanwhile."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from benchmarks.long import Memory
from benchmarks.training_run import Left, Round

_PATIENCE_S = 900.0


@dataclass(eq=False)
class Trainer:
    """One of them."""

    name: str
    process: BaseProcess
    connection: Connection
    log: Path
    rounds: list[Round] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)  # MB, the most of each round
    before_mb: float = 0.0

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.join()

    def ready(self) -> None:
        assert self._heard() == "ready"

    def train(self) -> None:
        """One round."""
        watched = psutil.Process(self.process.pid)
        self.before_mb = self.before_mb or watched.memory_info().rss / 1e6
        with Memory(watched) as memory:
            self.connection.send("go")
            self.rounds.append(self._heard())
        self.resident.append(max([*memory.resident, watched.memory_info().rss / 1e6]))

    def finish(self) -> None:
        """Take in what is left, without the round that warmed up."""
        self.left: Left = self._heard()
        self.rounds = self.rounds[1:]

    @property
    def highest_mb(self) -> float:
        return max(self.resident)

    def _heard(self) -> Any:
        try:
            if self.connection.poll(_PATIENCE_S):
                return self.connection.recv()
        except EOFError:
            pass
        said = self.log.read_text("utf-8", "replace")[-2000:] if self.log.exists() else ""
        raise RuntimeError(f"{self.name} ended without a result.\n{said}")


#: Starts the function in a process, which is called by the name and gets a connection, a log and the rest.
Start = Callable[..., Trainer]


def start_from(folder: Path, imports: str = "") -> Start:
    """Processes that are forked from one which has imported the module `imports`; without one, each begins
    anew, as a card wants it."""
    if imports:
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([imports])
    else:
        context = multiprocessing.get_context("spawn")

    def start(name: str, function: Callable[..., None], *arguments: Any) -> Trainer:
        here, there = context.Pipe()
        log = folder / f"{name}.log"
        process = context.Process(target=function, args=(there, log, *arguments), daemon=True)
        process.start()
        there.close()
        return Trainer(name, process, here, log)

    return start


def in_turn(ways: dict[str, Trainer], rounds: int) -> dict[str, Trainer]:
    """Let all of them train their rounds, one after another, and end."""
    try:
        for _ in range(rounds):
            for way in ways.values():
                way.ready()
                way.train()
        for way in ways.values():
            way.finish()
    finally:
        for way in ways.values():
            way.__exit__()
    return ways
