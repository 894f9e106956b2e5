"""Pictures bent by what was worked out in the face's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from engines.animator.bent import Bent
from engines.animator.geometry import Affine, FaceFrame, Grid, Patch, after, inverse
from studio.video.types import Picture


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels, [left, right) and [top, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def empty(self) -> bool:
        return self.right <= self.left or self.bottom <= self.top

    def within(self, outer: Region) -> Region:
        """Its part in `outer`, in the coordinates of that."""
        return Region(
            max(self.left - outer.left, 0),
            max(self.top - outer.top, 0),
            min(self.right, outer.right) - outer.left,
            min(self.bottom, outer.bottom) - outer.top,
        )

    def around(self, other: Region) -> Region:
        """The smallest that holds both."""
        return Region(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def region_of(patch: Patch, frame: FaceFrame, size: tuple[int, int], margin: float) -> Region:
    """The pixels that a patch covers in a picture of `size`, and `margin` pixels around."""
    right, bottom = (
        patch.left + patch.step * (patch.width - 1),
        patch.top + patch.step * (patch.height - 1),
    )
    return _pixels(frame.to_picture(), (patch.left, patch.top, right, bottom), size, margin)


def _pixels(
    to_pixels: Affine, box: tuple[float, float, float, float], size: tuple[int, int], margin: float
) -> Region:
    left, top, right, bottom = box
    corners = to_pixels @ np.array(
        [(left, right, left, right), (top, top, bottom, bottom), (1, 1, 1, 1)]
    )
    first = np.floor(corners.min(1) - margin).astype(int)
    last = np.ceil(corners.max(1) + margin).astype(int) + 1
    return Region(
        max(0, int(first[0])),
        max(0, int(first[1])),
        min(size[0], int(last[0])),
        min(size[1], int(last[1])),
    )


_SAME = np.eye(2, 3)


class Placed:
    """A patch in a picture, seen through maps that say where in the picture each pixel is taken from.

    The maps may be in other coordinates than pixels, from which `to_pixels` leads to those.
    """

    def __init__(self, patch: Patch, frame: FaceFrame, to_pixels: Affine = _SAME) -> None:
        to_patch = after(patch.from_face(), frame.from_picture())
        self._to_pixels = inverse(to_patch)
        self._to_patch = after(to_patch, to_pixels)
        self._back = inverse(self._to_patch)

    def bend(self, bent: Bent, xs: Grid, ys: Grid) -> tuple[Grid, Grid]:
        """Change the maps in place; returns the samples of the patch that are seen there."""
        columns, rows = _transformed(self._to_patch, xs, ys)
        (a, b), (c, d) = self._back[:, :2].astype(np.float32)
        for part, right, down in ((bent.across, a, c), (bent.down, b, d)):
            if part is not None:
                moved: Any = cv2.remap(
                    part, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
                )
                xs += right * moved
                ys += down * moved
        return columns, rows

    def paint(
        self, bent: Bent, columns: Grid, rows: Grid, picture: Picture, region: Region, margin: float
    ) -> None:
        """Put the layer over a picture of `region`, in place; `columns` and `rows` as `bend` gave them, and
        the maps led at most `margin` pixels away."""
        size = (region.right, region.bottom)
        left, top, right, bottom = bent.box
        where = _pixels(self._to_pixels, (left - 1, top - 1, right, bottom), size, margin).within(region)
        if where.empty:
            return
        seen = where.slices
        columns, rows = np.ascontiguousarray(columns[seen]), np.ascontiguousarray(rows[seen])
        layer: Any = cv2.remap(
            bent.layer, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        cover: Any = cv2.remap(
            bent.cover, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
        picture[seen] = cv2.blendLinear(layer, np.ascontiguousarray(picture[seen]), cover, 1 - cover)


def _transformed(affine: Affine, xs: Grid, ys: Grid) -> tuple[Grid, Grid]:
    (a, b, c), (d, e, f) = affine.astype(np.float32)
    return a * xs + b * ys + c, d * xs + e * ys + f
