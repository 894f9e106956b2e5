"""How a drawn face closes its eyes: a lid is painted over each, in the colour of the skin around it.

Stretching the skin, as photographs take it, would stretch lashes and outlines as well.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engines.animator.bent import Bent
from engines.animator.geometry import FaceFrame, Grid, Patch, grid
from studio.video.types import Picture

#: The patch around an eye and its samples, in distances between the eyes.
_SIDE, _UP, _DOWN, _STEP = 0.45, 0.32, 0.30, 1 / 100
#: Skin goes on where neighbours differ by no more, of 255.
_EVEN = 3
#: What an eye may measure, in distances between the eyes.
_WIDTHS, _HEIGHTS = (0.30, 0.82), (0.10, 0.50)
#: How much of the smaller of both eyes must be found in the other one, mirrored.
_ALIKE = 0.7
#: The lid ends so far beyond the eye's outline, and the lashes are so thick.
_RIM, _LASH = 0.022, 0.024
#: The skin is carried over the eye from so far around.
_SKIN_REACH = 0.07
#: How far the lid comes down: of the eye's height.
_MEET = 0.92

_Mask = npt.NDArray[np.bool_]


class PaintedLid:
    """The lid of one eye; `bend` closes it."""

    def __init__(self, patch: Patch, cut: Picture, eye: _Mask) -> None:
        """`eye` are the samples of `cut` that belong to the eye."""
        self.patch = patch
        rows = np.arange(len(eye))[:, None]
        seen = np.flatnonzero(eye.any(0))
        top, bottom = eye.argmax(0), len(eye) - 1 - eye[::-1].argmax(0)
        columns = np.arange(eye.shape[1])
        # Lashes and the eye's corners make steps that no lid has.
        self._top, self._bottom = (
            grid(
                np.polynomial.Polynomial.fit(seen, values[seen], 2)(np.clip(columns, seen[0], seen[-1]))
            )
            for values in (top, bottom)
        )
        self._rows = grid(rows)
        rim = 2 * round(_RIM / _STEP) + 1
        wide = cv2.dilate(eye.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim)))
        self._area = grid(cv2.GaussianBlur(wide.astype(np.float32), (0, 0), 0.8))
        self._ends = grid(
            np.clip((self._bottom - self._top) * _STEP / 0.05, 0, 1) * np.isin(columns, seen)
        )
        self._skin = _filled(cut, wide == 0)
        upper = eye & (rows < top + 0.25 * (bottom - top))
        self._lash = np.percentile(cut[upper], 8, axis=0)

    def bend(self, closed: float) -> Bent:
        """The eye `closed` from 0 to 1."""
        lid = self._top + _MEET * closed * (self._bottom - self._top)
        skin = self._area * np.clip(lid - self._rows + 0.5, 0, 1)
        if closed > 0.95:  # nothing of the eye is left, its lower outline neither
            skin = self._area
        thick = _LASH / 1.6 / _STEP * (0.35 + 0.65 * self._ends)
        lash = np.exp(-(((self._rows - lid) / thick) ** 2)) * np.minimum(3 * self._ends, 1)
        cover = np.maximum(skin, lash)
        colour = self._skin + (self._lash - self._skin) * (lash / np.maximum(cover, 1e-3))[..., None]
        layer = np.clip(colour, 0, 255).astype(np.uint8)
        height, width = cover.shape
        return Bent(None, None, layer, grid(np.where(cover < 0.01, 0, cover)), (0, 0, width, height))


def painted_lids(picture: Picture, frame: FaceFrame) -> tuple[PaintedLid, ...]:
    """The lids of both eyes; none where the eyes are not found for certain."""
    scale = frame.eyes / frame.mouth
    own = Patch.spanning(-_SIDE, -_UP, _SIDE, _DOWN, _STEP)
    patches = [
        Patch(at.x - _SIDE * scale, at.y - _UP * scale, own.width, own.height, _STEP * scale)
        for at in (frame.left_eye, frame.right_eye)
    ]
    cuts = [patch.cut(picture, frame) for patch in patches]
    left, right = (_eye(cut) for cut in (cuts[0], np.ascontiguousarray(cuts[1][:, ::-1])))
    both = left & right  # what only one of them has is a reflection, or hair
    found = int(both.sum())
    if found < _ALIKE * min(left.sum(), right.sum()) or not found:
        return ()
    width, height = (np.ptp(np.flatnonzero(both.any(axis))) * _STEP for axis in (0, 1))
    if not (_WIDTHS[0] <= width <= _WIDTHS[1] and _HEIGHTS[0] <= height <= _HEIGHTS[1]):
        return ()
    return PaintedLid(patches[0], cuts[0], both), PaintedLid(patches[1], cuts[1], both[:, ::-1])


def _eye(cut: Picture) -> _Mask:
    """What the skin below the eye, followed wherever it is even, flows around: the eye. Nothing where
    the middle is not surrounded."""
    lab = cv2.bilateralFilter(cv2.cvtColor(cut, cv2.COLOR_RGB2LAB), 5, 12, 2)
    height, width = cut.shape[:2]
    flooded = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY
    for x in range(0, width, 3):
        if not flooded[height, x + 1]:
            cv2.floodFill(lab, flooded, (x, height - 1), 0, (_EVEN,) * 3, (_EVEN,) * 3, flags)
    rest = cv2.morphologyEx(
        (flooded[1:-1, 1:-1] == 0).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    _, parts = cv2.connectedComponents(rest, connectivity=4)
    middle = parts[round(_UP / _STEP), round(_SIDE / _STEP)]
    if not middle:
        return np.zeros(cut.shape[:2], np.bool_)
    return np.asarray(parts == middle)


def _filled(cut: Picture, skin: _Mask) -> Grid:
    """The picture with all but the skin filled in from around, [height, width, 3]."""
    weight = skin.astype(np.float32)
    sigma = _SKIN_REACH / _STEP
    known = cv2.GaussianBlur(cut * weight[..., None], (0, 0), sigma)
    return grid(known / (cv2.GaussianBlur(weight, (0, 0), sigma)[..., None] + 1e-4))
