"""What a window shows of the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tabs.samples.spoken import Epoch
from tabs.training.history import History

#: So many players are shown at once, as far as whole epochs allow, and so many epochs at most.
_PLAYERS, _EPOCHS = 12, 4


@dataclass(frozen=True)
class Blind:
    """Where the blind test is."""

    first: int | None = None  # the epochs that are compared
    second: int | None = None
    trial: str = ""  # id of the pair that is open
    judged: str = ""  # id of the one before
    shown: bool = False  # whether it is told which is which


@dataclass(frozen=True)
class Place:
    """What somebody has chosen in a window. The timer leaves it alone: what it tells may be older than
    what has just been pressed."""

    run: str = ""  # id
    top: int | None = None  # the epoch that is listed first; None: the newest, whichever that is
    blind: Blind = Blind()


@dataclass(frozen=True)
class Seen:
    """What a window has already."""

    history: History = field(default_factory=History)  # the run's metrics
    offered: tuple[
        tuple[int, bool], ...
    ] = ()  # for a blind test: each epoch, and whether it is the best
    told: tuple[str, ...] = ()  # the HTML, so that only what is new is sent


@dataclass(frozen=True)
class Section:
    """The epochs that are listed at once."""

    epochs: tuple[Epoch, ...]
    start: int  # place of the first one among all, the newest being 0
    total: int

    @property
    def newer(self) -> bool:
        return self.start > 0

    @property
    def older(self) -> bool:
        return self.start + len(self.epochs) < self.total


def section(epochs: Sequence[Epoch], top: int | None, step: int = 0) -> Section:
    """Of all epochs, the newest first, those from `top` on, or `step` times as many further on."""
    size = _size(epochs)
    start = next((at for at, each in enumerate(epochs) if top is not None and each.number <= top), 0)
    start = max(0, min(start + step * size, len(epochs) - 1))
    return Section(tuple(epochs[start : start + size]), start, len(epochs))


def _size(epochs: Sequence[Epoch]) -> int:
    sentences = max((len(each.sentences) for each in epochs), default=1)
    return max(1, min(_EPOCHS, _PLAYERS // max(1, sentences)))
