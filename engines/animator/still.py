"""A picture that stands still, made to speak: what is prepared once, and a frame of it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from engines.animator.artwork import is_drawn
from engines.animator.bending import Placed, Region, region_of
from engines.animator.bent import Bent, Lid
from engines.animator.drawn_eyes import painted_lids
from engines.animator.eyes import blinks_of
from engines.animator.geometry import FaceFrame, Grid, frame_of, grid
from engines.animator.lips import trace
from engines.animator.motion import Sway
from engines.animator.mouth import Mouth
from engines.animator.palette import palette_of
from engines.animator.track import MouthState
from studio.errors import BadInput
from studio.video.types import Picture, Shot

#: The picture is kept finer by this, so that the quick linear interpolation stays sharp wherever it falls.
_FINER = 2
#: The extent of the sway: sideways and up in distances from the eyes to the mouth, radians.
_SWAY_X, _SWAY_Y, _SWAY_TURN = 0.035, 0.022, 0.018
_MOST_SWAY = 2.0  # times that extent
#: The lids are worked out for so many steps of a blink.
_CLOSED_STEPS = 16


class StillRig:
    """One picture and its face. `draw` may be called for any number of frames."""

    def __init__(self, shot: Shot, lip_line: float) -> None:
        """`lip_line` is how much lower than it was traced the seam lies, in mouth widths."""
        self._picture = shot.picture
        frame = frame_of(shot.face.landmarks)
        drawn = is_drawn(shot.picture, frame)
        lips = trace(shot.picture, frame).moved(lip_line)
        self.mouth = Mouth(frame, lips, palette_of(shot.picture, frame, lips))
        self.lids: tuple[Lid, ...] = (painted_lids if drawn else blinks_of)(shot.picture, frame)
        self._frame = frame
        self._closed_lids: dict[int, list[Bent]] = {}
        self._margin = 2 + _MOST_SWAY * (_SWAY_X + 2.6 * _SWAY_TURN) * frame.eyes_to_mouth
        size = (shot.picture.shape[1], shot.picture.shape[0])
        patches = [self.mouth.patch, *(lid.patch for lid in self.lids)]
        self._regions = [region_of(patch, frame, size, self._margin) for patch in patches]
        if self._regions[0].empty:
            raise BadInput("The mouth lies outside the picture.", "Set the eyes and the mouth by hand.")
        self._whole = _head_region(frame, size)
        for region in self._regions:
            self._whole = self._whole if region.empty else self._whole.around(region)
        # The maps lead straight into the finer picture.
        x, y = self._whole.left, self._whole.top
        to_pixels = np.array([[1 / _FINER, 0, x], [0, 1 / _FINER, y]])
        self._mouth_at = Placed(self.mouth.patch, frame, to_pixels)
        self._lids_at = [Placed(lid.patch, frame, to_pixels) for lid in self.lids]
        self._head = _Head(frame, size, self._whole)
        self._finer = _upsampled(shot.picture[self._whole.slices])

    @property
    def pixels(self) -> int:
        """How many it may move, which is what its memory goes by."""
        return self._finer.size // (3 * _FINER**2)

    def draw(self, state: MouthState, closed: float, sway: Sway) -> Picture:
        """A frame: the mouth in `state`, the eyes `closed` from 0 to 1, the head moved."""
        frame = self._picture.copy()
        xs, ys = self._head.maps(sway)
        bents = [(self._mouth_at, self.mouth.bend(state), self._regions[0])]
        if closed > 0 and self.lids:
            bents += list(zip(self._lids_at, self._closed(closed), self._regions[1:], strict=True))
        paints = []
        for placed, bent, region in bents:
            if not region.empty:
                inner = region.within(self._whole)
                seen = placed.bend(bent, xs[inner.slices], ys[inner.slices])
                paints.append((placed, bent, *seen, region))
        part: Any = cv2.remap(self._finer, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for placed, bent, columns, rows, region in paints:
            inner = region.within(self._whole)
            placed.paint(bent, columns, rows, part[inner.slices], region, self._margin)
        frame[self._whole.slices] = part
        return frame

    def _closed(self, closed: float) -> list[Bent]:
        """The lids, kept for each of some steps: there are only so many."""
        step = max(1, round(closed * _CLOSED_STEPS))
        if step not in self._closed_lids:
            self._closed_lids[step] = [lid.bend(step / _CLOSED_STEPS) for lid in self.lids]
        return self._closed_lids[step]


class _Head:
    """Where each pixel of a region is taken from when the head is moved, softly about the neck."""

    def __init__(self, frame: FaceFrame, size: tuple[int, int], region: Region) -> None:
        xs, ys = np.meshgrid(
            np.arange(region.left, region.right, dtype=np.float32),
            np.arange(region.top, region.bottom, dtype=np.float32),
        )
        unit = frame.eyes_to_mouth
        self._extent = np.array([_SWAY_X * unit, _SWAY_Y * unit, _SWAY_TURN])
        affine = (frame.from_picture() * frame.mouth / unit).astype(np.float32)
        across = affine[0, 0] * xs + affine[0, 1] * ys + affine[0, 2]
        down = affine[1, 0] * xs + affine[1, 1] * ys + affine[1, 2]
        mask = np.exp(-((across / 1.75) ** 4) - ((down + 0.7) / 2.1) ** 4)
        for at, end in ((xs, size[0] - 1), (ys, size[1] - 1)):
            inward = np.clip(np.minimum(at, end - at) / (0.4 * unit), 0, 1)
            mask *= inward * inward * (3 - 2 * inward)
        neck = frame.to_picture() @ np.array([0, 1.5 * unit / frame.mouth, 1])
        self._xs, self._ys = grid(_FINER * (xs - region.left)), grid(_FINER * (ys - region.top))
        self._mask = grid(_FINER * mask)
        self._about_x, self._about_y = (
            grid(self._mask * (xs - neck[0])),
            grid(self._mask * (ys - neck[1])),
        )

    def maps(self, sway: Sway) -> tuple[Grid, Grid]:
        """New maps, into the finer picture of the region."""
        right, down, turn = (self._extent * sway).tolist()
        xs: Any = cv2.scaleAdd(self._mask, -right, self._xs)
        ys: Any = cv2.scaleAdd(self._mask, -down, self._ys)
        if turn:
            cv2.scaleAdd(self._about_y, turn, xs, xs)
            cv2.scaleAdd(self._about_x, -turn, ys, ys)
        return xs, ys


def _head_region(frame: FaceFrame, size: tuple[int, int]) -> Region:
    """Beyond it the head's mask is next to nothing."""
    unit = frame.eyes_to_mouth
    x, y = frame.to_picture() @ np.array([0, -0.7 * unit / frame.mouth, 1])
    reach = (1.6 * 1.75 * unit, 1.6 * 2.1 * unit)
    return Region(
        max(0, int(x - reach[0])), max(0, int(y - reach[1])),
        min(size[0], int(x + reach[0]) + 1), min(size[1], int(y + reach[1]) + 1),
    )  # fmt: skip


def _upsampled(picture: Picture) -> Picture:
    """Finer; each pixel of the picture is one of it."""
    height, width = picture.shape[:2]
    size = (_FINER * (width - 1) + 1, _FINER * (height - 1) + 1)
    scale = np.array([[_FINER, 0, 0], [0, _FINER, 0]], np.float64)
    return np.asarray(
        cv2.warpAffine(picture, scale, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )
