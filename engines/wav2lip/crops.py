"""Faces cut out of pictures for Wav2Lip, and put back without an edge to be seen."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from engines.wav2lip.net import FACE_SIZE
from studio.errors import BadInput
from studio.video.types import Face, Picture

Floats: TypeAlias = npt.NDArray[np.float32]

_FEWEST_PIXELS = 8  # of a face's sides


@dataclass(frozen=True)
class Pads:
    """What is cut out around a face's box, in pixels."""

    top: float = 0
    bottom: float = 10
    left: float = 0
    right: float = 0


class Region(NamedTuple):
    """A rectangle of whole pixels; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    def of(self, picture: Picture) -> Picture:
        """That part of `picture`, as a view."""
        return picture[self.top : self.bottom, self.left : self.right]


def region_of(face: Face, size: tuple[int, int], pads: Pads) -> Region:
    """The part of a picture of `size` that is cut out. Raises BadInput where nearly nothing of the face lies
    in the picture."""
    width, height = size
    region = Region(
        max(0, round(face.left - pads.left)),
        max(0, round(face.top - pads.top)),
        min(width, round(face.right + pads.right)),
        min(height, round(face.bottom + pads.bottom)),
    )
    if min(region.size) < _FEWEST_PIXELS:
        raise BadInput(
            "The face is too small, or lies outside the picture.",
            "Choose another face, or a picture in which it is larger.",
        )
    return region


def face_in(picture: Picture, region: Region) -> Picture:
    """The region as the net takes it: uint8 [FACE_SIZE, FACE_SIZE, 3], BGR."""
    cut = region.of(picture)
    # Averaging what is made smaller keeps fine texture from flickering.
    way = cv2.INTER_AREA if min(region.size) > FACE_SIZE else cv2.INTER_LINEAR
    resized = cv2.resize(
        np.ascontiguousarray(cut[:, :, ::-1]), (FACE_SIZE, FACE_SIZE), interpolation=way
    )
    return resized.astype(np.uint8, copy=False)


def put_back(picture: Picture, region: Region, face: Floats, feather: float) -> Picture:
    """A copy of `picture` with the lower half of `face` ([FACE_SIZE, FACE_SIZE, 3], BGR, 0 to 255) in the
    region. Around it, and in the upper half of the face, which the net only copies, the picture keeps its
    own pixels."""
    made = picture.copy()
    first, mask = mask_of(region.size, feather)
    mouth = cv2.resize(
        np.ascontiguousarray(face[:, :, ::-1]), region.size, interpolation=cv2.INTER_CUBIC
    )
    under = region.of(made)[first:]
    blended = under + mask * (mouth[first:] - under)
    under[:] = np.clip(np.rint(blended, out=blended), 0, 255, out=blended)
    return made


@functools.lru_cache(maxsize=32)
def mask_of(size: tuple[int, int], feather: float) -> tuple[int, Floats]:
    """How much of the face shows in a region of `size` (width, height): the first row in which any of it does,
    and from there on float32 [rows, width, 1]. It is 1 in the lower half, within an outline as round as a
    jaw, and falls to 0 over `feather` (of the region's width or height, over 0) towards it and upwards."""
    width, height = size
    across, down = _places(width)[None, :], _places(height)[:, None]
    below = np.maximum(0, 2 * down - 1)
    outwards = np.cbrt(np.abs(2 * across - 1) ** 3 + below**3)  # 1 at the outline
    shown = _rising((1 - outwards) / (2 * feather)) * _rising((down - 0.5 + feather) / feather)
    first = int(np.argmax(shown.max(axis=1) > 0))
    return first, shown[first:, :, None].astype(np.float32)


def _places(count: int) -> npt.NDArray[np.float64]:
    """The middles of `count` pixels, from 0 to 1."""
    return (np.arange(count) + 0.5) / count


def _rising(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From 0 at 0 to 1 at 1 without a corner."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
