"""A state of a part of the face, worked out over the samples of a patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engines.animator.geometry import Grid, Patch
from studio.video.types import Picture


@dataclass(frozen=True, eq=False)
class Bent:
    """How the picture is bent, and what is put over it."""

    #: Where the picture is taken from, less where it is seen: to the right and down, in samples; None: nowhere.
    across: Grid | None
    down: Grid | None
    layer: Picture  # what is put over it
    cover: Grid  # how much of that is seen, 0 to 1
    box: tuple[int, int, int, int]  # left, top, right, bottom of where `cover` is not 0


class Lid(Protocol):
    """The lid of one eye."""

    @property
    def patch(self) -> Patch: ...

    def bend(self, closed: float) -> Bent:
        """The eye `closed` from 0 to 1."""
