"""Blind comparisons of two epochs of a run, and the tally of what was preferred.

A run's votes lie in its folder, listening.json; the trials that are open are of this process alone.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.audio.matching import matched
from studio.audio.reading import read
from studio.audio.types import Audio
from studio.audio.wav import pcm16, wav_header
from studio.errors import BadInput, NotFound, unknown
from studio.runs.run_folder import RunFolder
from studio.services.listening_values import Tally, Trial, epoch_name
from studio.services.listening_votes import Votes, voting
from studio.services.run_values import Sample
from studio.services.runs import RunService

SIDES = ("a", "b")
NO_DIFFERENCE = "none"

#: Trials, and pairs with sentences still to be drawn, that are remembered.
_MOST = 1_000


@dataclass
class _Open:
    """A trial with what nobody is to know before it is judged."""

    trial: Trial
    owner: str
    order: tuple[int, int]  # the epochs of "a" and "b"


class ListeningService:
    """Thread-safe, and safe beside other processes. What is not the owner's is not found. `run` is the id
    of one."""

    def __init__(self, checkpoints: Path, runs: RunService) -> None:
        self._checkpoints, self._runs = checkpoints, runs
        self._lock = threading.Lock()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._coming: OrderedDict[tuple[str, int, int], list[int]] = OrderedDict()  # sentences
        self._chance = secrets.SystemRandom()

    def next(self, run: str, owner: str, first: int, second: int) -> Trial:
        """A new pair of sounds, of a sentence that both epochs have and in an order by chance; no
        sentence comes again before the others have come.

        Raises NotFound where they have none in common, BadInput for one epoch twice, Damaged.
        """
        if first == second:
            raise BadInput("An epoch cannot be compared with itself.", "Choose two different ones.")
        id = self._runs.get(run, owner).id
        shared = _shared(self._runs.samples(id, owner), first, second)
        if not shared:
            raise NotFound(
                f"There is no sentence that both {epoch_name(first)} and {epoch_name(second)} speak.",
                "Choose other epochs.",
            )
        with self._lock:
            sentence = self._draw((id, min(first, second), max(first, second)), sorted(shared))
            order = self._chance.sample((first, second), 2)
            key = secrets.token_hex(16)
            trial = Trial(key, id, first, second, sentence, shared[sentence], judged=False)
            _keep(self._open, key, _Open(trial, owner, (order[0], order[1])))
        return trial

    def trial(self, run: str, owner: str, trial: str) -> Trial:
        """One that was made before. Raises NotFound."""
        return self._found(run, owner, trial).trial

    def sound(self, run: str, owner: str, trial: str, side: str) -> bytes:
        """Side "a" or "b" of a trial as a WAV, 16-bit mono. Both have the same sample rate, the same
        loudness and the same length, so that nothing but the sound tells them apart. Raises NotFound, and
        BadInput for a damaged file."""
        found = self._found(run, owner, trial)
        if side not in SIDES:
            raise unknown("side", side, SIDES)
        paths = [
            self._runs.sample(found.trial.run, owner, epoch, found.trial.sentence)
            for epoch in found.order
        ]
        return _sounds(*((path, _stamp(path)) for path in paths))[SIDES.index(side)]

    def vote(self, run: str, owner: str, trial: str, choice: str) -> Tally:
        """Prefer "a" or "b", or "none"; counts once, however often it is told. Raises NotFound, and
        Damaged where the votes so far cannot be read, Busy, StorageFailed; then it does not count."""
        if choice not in (*SIDES, NO_DIFFERENCE):
            raise unknown("vote", choice, (*SIDES, NO_DIFFERENCE))
        found = self._found(run, owner, trial)
        folder = self._folder(found.trial.run, owner)
        with voting(folder):
            votes = Votes(folder)
            if not found.trial.judged:
                side = SIDES.index(choice) if choice in SIDES else None
                votes.count(found.order, None if side is None else found.order[side])
                found.trial = replace(found.trial, judged=True)
            return votes.tally(found.trial.first, found.trial.second)

    def reveal(self, run: str, owner: str, trial: str) -> tuple[int, int]:
        """The epochs of "a" and "b". Raises NotFound, and BadInput for a trial that is not judged."""
        found = self._found(run, owner, trial)
        if not found.trial.judged:
            raise BadInput("This pair has not been judged yet.", "Choose the better one first.")
        return found.order

    def tally(self, run: str, owner: str, first: int, second: int) -> Tally:
        """The votes between two epochs so far. Raises NotFound, Damaged."""
        return Votes(self._folder(run, owner)).tally(first, second)

    def forget(self, run: str, owner: str, first: int, second: int) -> None:
        """Begin anew with two epochs. Raises NotFound, Damaged, Busy, StorageFailed."""
        folder = self._folder(run, owner)
        with voting(folder):
            Votes(folder).forget(first, second)

    def _found(self, run: str, owner: str, trial: str) -> _Open:
        with self._lock:
            found = self._open.get(trial)
        if found is None or found.owner != owner or found.trial.run != run:
            raise NotFound("That pair is not open any more.", "Press “Next pair”.")
        return found

    def _folder(self, run: str, owner: str) -> RunFolder:
        return RunFolder(self._checkpoints / self._runs.get(run, owner).id)

    def _draw(self, key: tuple[str, int, int], sentences: Sequence[int]) -> int:
        left = [each for each in self._coming.get(key, ()) if each in sentences]
        left = left or self._chance.sample(sentences, len(sentences))
        _keep(self._coming, key, left)
        return left.pop()


def _shared(samples: Sequence[Sample], first: int, second: int) -> dict[int, str]:
    """The sentences, with their texts, that both epochs have spoken."""
    spoken = {(each.epoch, each.sentence) for each in samples}
    return {
        each.sentence: each.text
        for each in samples
        if each.epoch == first and each.sentence is not None and (second, each.sentence) in spoken
    }


def _stamp(path: Path) -> tuple[int, int]:
    """Changes whenever a file is replaced. Raises NotFound."""
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise NotFound("That sample is not there.", "Press “Next pair”.") from error
    return (found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _sounds(
    one: tuple[Path, tuple[int, int]], other: tuple[Path, tuple[int, int]]
) -> tuple[bytes, bytes]:
    """Two files as they were at that time, matched."""
    first, second = matched(read(one[0]), read(other[0]))
    return _wav(first), _wav(second)


def _wav(audio: Audio) -> bytes:
    data = pcm16(audio.samples).astype("<i2", copy=False).tobytes()
    return wav_header(audio.sample_rate, len(data)) + data


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MOST:
        kept.popitem(last=False)
