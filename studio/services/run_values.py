"""A training run as people see it: its summary, its checkpoints, its samples, and what it would take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio.runs.values import Checkpoint, Family, Method, RunSettings, StepRow

#: "new": never started. "queued": waits for another run. "stopped": by a person; "interrupted": its
#: process went away; both, and "failed", can go on. "imported": its checkpoints were not trained here.
State = Literal[
    "new", "queued", "training", "done", "stopped", "interrupted", "failed", "imported"
]  # fmt: skip


@dataclass(frozen=True)
class RunSummary:
    """One line of the list."""

    id: str
    name: str
    owner: str
    created: float  # Unix time, s
    changed: float
    state: State
    family: Family
    method: Method
    base: str  # key of a model, or "<run id>:<epoch>"
    base_label: str
    practice: bool  # trained on random weights: what it speaks is noise
    dataset: str  # id
    dataset_name: str
    language: str  # BCP 47; "" while no checkpoint tells
    epochs: int  # asked for
    epochs_saved: tuple[int, ...]  # those that have a checkpoint
    epochs_spoken: tuple[int, ...]  # those that have samples; 0: the untouched base
    best: int | None  # the epoch that is marked as the best
    latest: StepRow | None  # the last step: how far it is, its loss, speed and memory
    size: int  # bytes that deleting it frees
    note: str
    imported: str = ""  # what the checkpoints came from, where they were not trained here
    problem: str = ""  # why it cannot be shown whole, such as a damaged checkpoint; "" where it can

    @property
    def active(self) -> bool:
        """It trains, or waits for its turn."""
        return self.state in ("queued", "training")

    @property
    def resumable(self) -> bool:
        return self.state in ("stopped", "interrupted", "failed")

    @property
    def epoch(self) -> float:
        """How far it is: 1.5 is half of the second epoch."""
        return self.latest.epoch if self.latest else 0.0


@dataclass(frozen=True, kw_only=True)
class Run(RunSummary):
    """All of a run but its metrics and its samples."""

    settings: RunSettings
    checkpoints: tuple[Checkpoint, ...] = ()  # by epoch
    job: str = ""  # id of the last one that trained it


@dataclass(frozen=True)
class Base:
    """A model that a run can begin with."""

    key: str  # as RunSettings.base wants it
    label: str
    installed: bool
    practice: bool  # random weights, for trying it all out
    problem: str = ""  # why it cannot be used yet, and what to do about it; "" where it can


@dataclass(frozen=True)
class Estimate:
    """What a run would take on this machine; memory and time are rough."""

    memory_mb: float  # at its peak, of the device
    available_mb: float  # that the device has free now
    device: str  # for people: "cpu" or the card's name
    seconds: float | None  # of all epochs; None: nothing like it has run on this machine yet
    disk_mb: float  # of checkpoints, state and cache at most
    disk_free_mb: float
    clips: int  # trained on
    clips_s: float  # their seconds
    steps: int  # optimizer steps of all epochs
    advice: tuple[str, ...]  # what to change where it does not fit, and what else is worth knowing
    problems: tuple[str, ...]  # why it cannot start, each with its remedy

    @property
    def fits(self) -> bool:
        """In memory and on the disk."""
        return self.memory_mb <= self.available_mb and self.disk_mb <= self.disk_free_mb


@dataclass(frozen=True)
class LeftOutClip:
    """A clip of the data set that was not trained on."""

    audio: str  # as the data set names it
    reason: str  # a sentence


@dataclass(frozen=True)
class Sample:
    """A sound that was spoken at an epoch's end; epoch 0: by the untouched base."""

    epoch: int
    sentence: int | None  # from 1 on; None: all of them, one after another
    text: str  # what is said; "" where that is not known
    path: Path
    size: int  # bytes
    modified: float  # Unix time, s


@dataclass(frozen=True)
class FoundCheckpoint:
    """A checkpoint and where it lies."""

    checkpoint: Checkpoint
    folder: Path
    run_name: str

    @property
    def label(self) -> str:
        """As people read it."""
        return f"{self.run_name}, epoch {self.checkpoint.epoch}"

    @property
    def spec(self) -> str:
        """As `RunSettings.base` and the command line name it."""
        return f"{self.checkpoint.run}:{self.checkpoint.epoch}"

    @property
    def model(self) -> str:
        """Its key as a model that speaks (studio.models.trained)."""
        return f"trained-{self.checkpoint.run}-{self.checkpoint.epoch}"
