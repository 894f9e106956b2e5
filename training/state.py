"""What an exact resume needs, in a run's folder state/:

examples.json    the clips, as they were when the run began (training.clips)
step_N.pt        the trained weights and the optimizer after step N, read as weights only
place.json       where the run is, and which of those belongs to it

place.json takes effect by a rename and is written after the file that it names, so a process that is
killed at any moment leaves the old state or the new one, and what nobody names is swept. Random
generators are not kept: the loop seeds them anew for every batch.
"""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engines.saving import weights_being_saved
from studio.dataset.ledger import from_row
from studio.errors import Damaged
from studio.files import (
    PARTIAL_SUFFIX,
    is_abandoned,
    make_folder,
    publishing,
    read_json,
    write_json,
)

_PLACE = "place.json"
_TENSORS = "step_{}.pt"


@dataclass(frozen=True)
class Place:
    """Where a run is. Epoch 0 has no rounds: there the untouched base is measured and heard."""

    epoch: int = 0  # in work
    rounds: int = 0  # of it that are done
    step: int = 0  # optimizer steps so far
    seconds: float = 0.0  # of all attempts so far
    metrics: int = 0  # bytes of metrics.jsonl that belong to it
    losses: Mapping[str, float] = field(default_factory=dict)  # sums over the epoch's steps
    counted: int = 0  # steps in those sums
    skipped: int = 0  # steps of the run that were left out by the guard
    skipped_in_row: int = 0
    ended: bool = False
    why: str = ""  # it ended before its last epoch, as a sentence
    tensors: str = ""  # the file; "": none yet, or no longer needed


class StateFolder:
    """The state of one run. Only the first process writes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read_place(self) -> Place | None:
        """None where the run has not begun. Raises Damaged."""
        path = self.root / _PLACE
        if not path.exists():
            return None
        try:
            return from_row(Place, read_json(path))
        except (TypeError, AttributeError, KeyError) as error:
            raise self._damaged(path) from error

    def read_tensors(self, place: Place) -> dict[str, Any]:
        """What was saved with `place`, on the CPU. Raises Damaged."""
        import torch

        path = self.root / place.tensors
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
            raise self._damaged(path) from error
        if not isinstance(content, dict):
            raise self._damaged(path)
        return content

    def save(self, place: Place, tensors: Callable[[], Mapping[str, Any]]) -> Place:
        """Keep both, whole or not at all, and drop what was kept before. Returns the place as kept.

        `tensors` is called where they are not kept yet; before the first step there is nothing to keep.
        Raises StorageFailed; then the state before is still there.
        """
        import torch

        name = _TENSORS.format(place.step) if place.step else ""
        if name != place.tensors:
            path = self.root / name
            with publishing(path) as partial, weights_being_saved(path), partial.open("wb") as file:
                torch.save(dict(tensors()), file)
        kept = replace(place, tensors=name)
        self.move(kept)
        for path in self.root.glob(_TENSORS.format("*")):
            if path.name != kept.tensors:
                path.unlink(missing_ok=True)
        return kept

    def move(self, place: Place) -> None:
        """Go on to `place`, with the tensors that it names. Raises StorageFailed."""
        write_json(self.root / _PLACE, asdict(place))

    def finish(self, place: Place) -> None:
        """The run has ended; its tensors are needed no more."""
        self.move(replace(place, tensors=""))
        for path in self.root.glob(_TENSORS.format("*")):
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what killed processes have left unfinished."""
        make_folder(self.root)
        for path in self.root.glob(f"*{PARTIAL_SUFFIX}"):
            if not is_abandoned(path):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def scratch(self, name: str) -> Path:
        """A path on the run's disk that is swept unless it is renamed or removed."""
        make_folder(self.root)
        return self.root / f"{name}.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}"

    def _damaged(self, path: Path) -> Damaged:
        return Damaged(
            f"{path} is damaged, so this run cannot go on from where it was.",
            f"Delete the folder {self.root} to train it anew, or go on from its last checkpoint.",
        )
