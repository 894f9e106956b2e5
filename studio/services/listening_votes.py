"""The votes between epochs of a run as its folder keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from filelock import FileLock, Timeout

from studio.errors import Busy, Damaged
from studio.files import read_json, storage_errors, write_json
from studio.runs.run_folder import RunFolder
from studio.services.listening_values import Tally

_VERSION = 1

#: So long somebody who votes waits for somebody else, seconds.
_BUSY_S = 10.0


@contextmanager
def voting(folder: RunFolder) -> Iterator[None]:
    """One process and thread at a time changes the votes of a run. Raises Busy, StorageFailed."""
    path = folder.root / ".listening.lock"
    try:
        with storage_errors(path), FileLock(path, timeout=_BUSY_S):
            yield
    except Timeout as error:
        raise Busy("Another Timbre is counting a vote.", "Try again in a moment.") from error


class Votes:
    """listening.json: {"version": 1, "pairs": [{"epochs": [0, 3], "preferred": [2, 7], "undecided": 1}]},
    the epochs of a pair in order."""

    def __init__(self, folder: RunFolder) -> None:
        """Whoever is to change them holds `voting` meanwhile. Raises Damaged; what is damaged stays as it
        is."""
        self._path = folder.listening
        self._pairs: dict[tuple[int, int], Tally] = {}
        if not self._path.exists():
            return
        content = read_json(self._path)
        try:
            version, rows = int(content["version"]), content["pairs"]
            found = [_tally(row) for row in rows] if version <= _VERSION else []
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(
                f"{self._path} is damaged: the votes in it cannot be read.",
                "Restore it from a copy, or remove it to begin anew.",
            ) from error
        if version > _VERSION:
            raise Damaged(f"{self._path} was written by a newer Timbre.", "Update Timbre.")
        self._pairs = {(each.first, each.second): each for each in found}

    def tally(self, first: int, second: int) -> Tally:
        """With the epochs as they are asked for."""
        low, high = sorted((first, second))
        found = self._pairs.get((low, high), Tally(low, high))
        if (first, second) == (low, high):
            return found
        return Tally(first, second, found.for_second, found.for_first, found.undecided)

    def count(self, pair: tuple[int, int], preferred: int | None) -> None:
        """Of two epochs one, or None, was preferred."""
        tally = self.tally(*sorted(pair))
        self._write(
            replace(
                tally,
                for_first=tally.for_first + (preferred == tally.first),
                for_second=tally.for_second + (preferred == tally.second),
                undecided=tally.undecided + (preferred is None),
            )
        )

    def forget(self, first: int, second: int) -> None:
        self._write(Tally(*sorted((first, second))))

    def _write(self, tally: Tally) -> None:
        self._pairs[tally.first, tally.second] = tally
        rows = [
            {
                "epochs": pair,
                "preferred": (each.for_first, each.for_second),
                "undecided": each.undecided,
            }
            for pair, each in sorted(self._pairs.items())
            if each.judged
        ]
        write_json(self._path, {"version": _VERSION, "pairs": rows})


def _tally(row: dict[str, Any]) -> Tally:
    """Raises KeyError, TypeError, ValueError for what is none."""
    (first, second), (one, other) = map(int, row["epochs"]), map(int, row["preferred"])
    tally = Tally(first, second, one, other, int(row["undecided"]))
    if not 0 <= first < second or min(one, other, tally.undecided) < 0:
        raise ValueError("figures below zero, or epochs that are no pair")
    return tally
