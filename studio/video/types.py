"""Pictures, the faces in them, and scenes that are to speak.

Coordinates are pixels from the top left corner, x to the right and y down; left and right are those of the
picture, not of the person in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

#: uint8 [height, width, 3], RGB.
Picture: TypeAlias = npt.NDArray[np.uint8]


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Landmarks:
    """The five points that a face is aligned by."""

    left_eye: Point
    right_eye: Point
    nose: Point  # its tip
    mouth_left: Point  # the corners
    mouth_right: Point


@dataclass(frozen=True)
class Face:
    """A face in a picture: its box from the forehead to the chin, and its landmarks."""

    left: float
    top: float
    right: float
    bottom: float
    landmarks: Landmarks
    confidence: float = 1.0  # of the detector; 1.0 where a person has set it


@dataclass(frozen=True, eq=False)
class Shot:
    """What is seen at one moment, and where the face is in it. The picture must not be written to."""

    picture: Picture
    face: Face


class Scene(Protocol):
    """What is to speak: a picture that stands still, or a video."""

    @property
    def key(self) -> str:
        """Of its content and its faces; what an engine has prepared for a scene it may keep by this."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every picture."""

    @property
    def still(self) -> bool:
        """Whether it is one picture throughout."""

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        """The `count` moments that are seen, `fps` a second. Of a still scene all are the same object; a
        video that is too short is played again from its start. Raises BadInput where it cannot be read."""


def frame_count(seconds: float, fps: int) -> int:
    """How many frames show `seconds` of sound: as many as begin before it ends, at least one."""
    return max(1, int(np.ceil(seconds * fps - 1e-6)))
