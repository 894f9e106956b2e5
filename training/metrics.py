"""A run's metrics as they come: metrics.jsonl, and TensorBoard's event files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from studio.files import make_folder, storage_errors
from studio.runs.run_folder import RunFolder
from studio.runs.values import StepRow

EPOCH, STEP = "epoch", "step"


class Metrics:
    """Appends to the metrics of a run. Only the first process does."""

    def __init__(self, folder: RunFolder, size: int, step: int) -> None:
        """Rows behind the first `size` bytes, and events behind `step`, belong to an attempt that was
        lost: they are cut. Raises StorageFailed."""
        from torch.utils.tensorboard import SummaryWriter

        make_folder(folder.root)
        self._path = folder.metrics
        with storage_errors(self._path):
            self._file = self._path.open("ab", buffering=0)
            self._file.truncate(min(size, self._file.tell()))
            self._file.seek(0, os.SEEK_END)
            self._events: Any = SummaryWriter(str(folder.tensorboard), purge_step=step + 1)
        self._folder = folder

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def write(self, row: StepRow) -> None:
        """Append a row, for a reader to see at once. Raises StorageFailed, leaving no part of it."""
        line = memoryview((json.dumps(asdict(row), ensure_ascii=False, allow_nan=False) + "\n").encode())
        size = self.size
        with storage_errors(self._path):
            try:
                while line:  # a disk that fills up takes a part of it first
                    line = line[self._file.write(line) :]
            except OSError:
                self._file.truncate(size)
                raise
            for name, value in _scalars(row):
                self._events.add_scalar(name, value, row.step)

    def sync(self) -> None:
        """See to it that what was written outlasts a power cut."""
        with storage_errors(self._path):
            os.fsync(self._file.fileno())
            self._events.flush()

    def epochs(self) -> list[StepRow]:
        """The rows of the epochs so far, epoch 0 first."""
        return [row for _, row in self._folder.rows() if row.kind == EPOCH]

    def close(self) -> None:
        with storage_errors(self._path):
            self._events.close()
            self._file.close()


def _scalars(row: StepRow) -> Iterator[tuple[str, float]]:
    """What TensorBoard shows of a row, by the tag of its curve."""
    named = {
        "learning rate": row.learning_rate,
        "gradient norm": row.gradient_norm,
        "clips a second": row.clips_per_s,
        "memory MB": row.memory_mb,
        "padding": row.padding,
        "loss/eval": row.eval_loss,
        f"loss/{row.kind}": row.loss,
    }
    named |= {f"{row.kind}/{name}": value for name, value in row.losses.items()}
    if row.heard is not None:
        named |= {f"heard/{name}": value for name, value in asdict(row.heard).items()}
    return ((name, value) for name, value in named.items() if isinstance(value, (int, float)))


def memory_mb(device_type: str) -> float:
    """MB: the most that was allocated on the card so far, or what this process takes now."""
    if device_type == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated() / 2**20)
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)
