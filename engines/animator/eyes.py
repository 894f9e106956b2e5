"""How a face is bent to close its eyes: the upper lid is stretched over the eye."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from engines.animator.bent import Bent
from engines.animator.geometry import FaceFrame, Grid, Patch, grid
from studio.video.types import Picture

_FloatArray = npt.NDArray[np.float64]

#: The patch around an eye, and its samples; in distances between the eyes.
_SIDE, _UP, _DOWN = 0.38, 0.34, 0.26
_FINEST, _COARSEST = 1 / 160, 1 / 48
#: What is tried for an eye: its middle against the landmark, half its width, its lids above and below the
#: line between its corners.
_XS = (-0.06, -0.03, 0.0, 0.03, 0.06)
_YS = (-0.05, -0.025, 0.0, 0.025, 0.05)
_HALF_WIDTHS = (0.20, 0.23, 0.26, 0.29, 0.32)
_LIDS_UP = (0.05, 0.07, 0.09, 0.11, 0.13, 0.155)
_LIDS_DOWN = (0.03, 0.05, 0.07, 0.09, 0.11, 0.13)
_TILTS = (-0.03, 0.0, 0.03)
#: An eye differs so much more from the skin than its lid does; dark glasses do not, times.
_CLEAR = 1.5
#: The lid is stretched from so far above the eye.
_FOLD = 0.11
#: How far the lower lid comes up to meet the other: of the eye's height.
_MEET = 0.04


class Eye(NamedTuple):
    """The opening of an eye, in distances between the eyes, from the landmark."""

    x: float
    y: float  # of the corners
    half_width: float
    up: float  # the upper lid above the corners, in the middle
    down: float

    tilt: float  # how much lower the right corner lies than the middle

    def lids(self, xs: Grid) -> tuple[Grid, Grid]:
        """The upper and the lower lid over `xs`; the same beyond the corners."""
        across = (xs - self.x) / self.half_width
        arch, line = np.clip(1 - across**2, 0, 1), self.y + self.tilt * np.clip(across, -1, 1)
        return (line - self.up * arch).astype(np.float32), (line + self.down * arch).astype(np.float32)


class Blink:
    """The lid of one eye; `bend` closes it."""

    def __init__(self, cut: Picture, own: Patch, patch: Patch, eye: Eye) -> None:
        """`cut` is the picture over the samples of `own`, in distances between the eyes from the landmark;
        `patch` are the same samples in the face."""
        self.patch, self.eye, self._own = patch, eye, own
        self._upper, self._lower = eye.lids(own.us)
        inside = (own.vs[:, None] > self._upper) & (own.vs[:, None] < self._lower)
        self._lash = 0.8 * np.percentile(cut[inside], 10, axis=0)

    def bend(self, closed: float) -> Bent:
        """The eye `closed` from 0 to 1."""
        vs, step = self._own.vs[:, None], self._own.step
        meeting = self._lower - _MEET * (self._lower - self._upper)
        lid = self._upper + closed * (meeting - self._upper)
        fold = self._upper - _FOLD
        source = fold + (vs - fold) * (self._upper - fold) / (lid - fold)
        down = grid(np.where((vs > fold) & (vs < lid), source - vs, 0) / step)
        width = 0.014 + 0.6 * step
        line = np.exp(-(((vs - lid) / width) ** 2)) * np.clip((self._lower - self._upper) / 0.03, 0, 1)
        cover = (0.65 * min(1.0, 2 * closed) * line).astype(np.float32)
        cover[cover < 0.01] = 0
        layer = np.broadcast_to(self._lash.astype(np.uint8), (*cover.shape, 3))
        return Bent(
            None, down, np.ascontiguousarray(layer), cover, (0, 0, self._own.width, self._own.height)
        )


def blinks_of(picture: Picture, frame: FaceFrame) -> tuple[Blink, ...]:
    """The lids of both eyes; none where no eyes are seen clearly, as behind dark glasses."""
    scale = frame.eyes / frame.mouth
    own = Patch.spanning(-_SIDE, -_UP, _SIDE, _DOWN, float(np.clip(1 / frame.eyes, _FINEST, _COARSEST)))
    patches = [
        Patch(at.x - _SIDE * scale, at.y - _UP * scale, own.width, own.height, own.step * scale)
        for at in (frame.left_eye, frame.right_eye)
    ]
    cuts = [patch.cut(picture, frame) for patch in patches]
    apart = [_unlike_skin(cut, own) for cut in (cuts[0], cuts[1][:, ::-1])]
    left, right = _find(apart, own)
    if not all(_clear(each, eye, own) for each, eye in zip(apart, (left, right), strict=True)):
        return ()
    eyes = (left, right._replace(x=-right.x, tilt=-right.tilt))
    return tuple(Blink(*each) for each in zip(cuts, (own, own), patches, eyes, strict=True))


def _unlike_skin(cut: Picture, patch: Patch) -> _FloatArray:
    """How far each place is from the colour of the skin below the eye."""
    lab = cv2.cvtColor(np.ascontiguousarray(cut), cv2.COLOR_RGB2LAB).astype(np.float64)
    skin = np.median(lab[patch.vs > 0.17], axis=(0, 1))
    return np.asarray(np.linalg.norm((lab - skin) * (0.6, 1.0, 1.0), axis=2))


def _find(apart: Sequence[_FloatArray], patch: Patch) -> list[Eye]:
    """For the left eye and the right one, mirrored, the lens between two arcs that differs most from the
    skin around it: one shape for both, each in its own place."""
    places = np.array(list(itertools.product(_XS, _YS)))
    shapes = np.array(list(itertools.product(_HALF_WIDTHS, _LIDS_UP, _LIDS_DOWN, _TILTS)))
    columns, middle = np.arange(patch.width), np.abs(patch.vs) < 0.16
    scores = np.empty((len(apart), len(places), len(shapes)))
    for which, each in enumerate(apart):
        core = each[middle][:, np.abs(patch.us) < 0.26]
        unlike = np.clip(each / max(float(np.percentile(core, 58)), 1e-6) - 1, -1, 0.8)
        above = np.cumsum(unlike, 0)  # of each column
        for index, place in enumerate(places):
            upper, lower = _rows(place, shapes, patch)
            found = np.sum(above[lower, columns] - above[upper, columns], axis=1)
            scores[which, index] = found * (1 - 2 * abs(place[0]))
    shape = int(scores.max(1).sum(0).argmax())
    return [
        Eye(*places[int(own[:, shape].argmax())].tolist(), *shapes[shape].tolist()) for own in scores
    ]


def _rows(place: _FloatArray, shapes: _FloatArray, patch: Patch) -> tuple[npt.NDArray[np.int64], ...]:
    """The rows of the lids of eyes of many shapes in one place, [shapes, columns] each."""
    half, up, down, tilt = (value[:, None] for value in shapes.T)
    across = (patch.us - place[0]) / half
    arch, line = np.clip(1 - across**2, 0, 1), place[1] + tilt * np.clip(across, -1, 1)
    return tuple(
        np.clip((lid - patch.top) / patch.step, 0, patch.height - 1).astype(np.int64)
        for lid in (line - up * arch, line + down * arch)
    )


def _clear(apart: _FloatArray, eye: Eye, patch: Patch) -> bool:
    """Whether the eye differs from the skin more than its lid does."""
    upper, lower = eye.lids(patch.us)
    vs, height = patch.vs[:, None], lower - upper
    inside = (vs > upper) & (vs < lower)
    lid = (vs > upper - 0.5 * height) & (vs < upper)
    return bool(np.mean(apart[inside]) > _CLEAR * np.mean(apart[lid]))
