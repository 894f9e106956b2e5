"""What the processes of the data set benchmark do; by itself, the one whose memory is watched.

python -m benchmarks.datasets_run RECORDING CACHE
"""

from __future__ import annotations

import sys
from pathlib import Path

from studio.audio.reading import blocks
from studio.control import Control
from studio.dataset.values import PrepareSettings
from training.prepare.hashing import Hashes
from training.prepare.recording import Prepared, RecordingTask, prepare


def task_of(path: Path, cache: Path, **settings: str) -> RecordingTask:
    """Work on the file `path`."""
    content = Hashes(cache.parent / "hashes.json").of(path)
    return RecordingTask(path, content, (), PrepareSettings(**settings), cache)  # type: ignore[arg-type]


def prepared(task: RecordingTask) -> Prepared:
    return prepare(task, Control())


def decoded(path: Path) -> int:
    """How many samples it has."""
    return sum(len(block) for block in blocks(path))


if __name__ == "__main__":
    prepared(task_of(Path(sys.argv[1]), Path(sys.argv[2])))
