"""How a face is bent to move its mouth, and what is seen between the lips."""

from __future__ import annotations

import cv2
import numpy as np

from engines.animator.bent import Bent
from engines.animator.geometry import FaceFrame, Grid, Patch, grid
from engines.animator.lips import MARGIN, Lips
from engines.animator.palette import Palette
from engines.animator.track import MouthState
from studio.video.types import Picture

#: The lips are never further apart, mouth widths.
MAX_OPENING = 0.33
#: The mouth is drawn so finely at most; what bends it is smooth, mouth widths.
_FINEST, _COARSEST = 1 / 128, 1 / 36
#: How full the opening is towards the corners: the exponent without teeth in the picture and with them.
_ARCH = (0.7, 0.9)
#: Where the lips are pursed, the face is narrowed so far from the middle, mouth widths.
_NARROWED = 0.68
#: How much of a smile is given up for it.
_UNSMILING = 0.7
#: The cheeks move with the jaw so far from the middle, mouth widths.
_SIDE = 1.55
#: How far the upper lip rises: of the opening, and where the picture shows teeth, which stay.
_RISE, _RISE_OVER_TEETH = 0.18, 0.08
#: How far the upper lip comes down over the teeth when they close: of their gap.
_FALL = 0.35
#: How far the chin goes with the lower lip, when it opens and when it closes over teeth.
_JAW, _JAW_CLOSING = 0.72, 0.3
#: Of the profiles: so many places from the nose (-1) to below the chin (3).
_TABLE = 8192


class Mouth:
    """The mouth of one face; `bend` makes a state of it."""

    def __init__(self, frame: FaceFrame, lips: Lips, palette: Palette) -> None:
        step = float(np.clip(1 / frame.mouth, _FINEST, _COARSEST))
        self._chin = frame.chin
        self._lift = min(0.8 * frame.nose_to_mouth / frame.mouth, 0.5)
        self.patch = Patch.spanning(-_SIDE, -self._lift - 0.25, _SIDE, 1.75 * self._chin + 0.3, step)
        self._lips, self._palette = lips, palette
        us, self._vs = self.patch.us, self.patch.vs[:, None]
        self._us = us
        self._upper = np.interp(us, lips.us, lips.upper).astype(np.float32)
        self._lower = np.interp(us, lips.us, lips.lower).astype(np.float32)
        self._own_gap = self._lower - self._upper
        self._across = np.clip(np.abs(2 * us), 0, 1)  # 0 in the middle, 1 from the corners on
        self._arch = ((1 - self._across**2) ** _ARCH[lips.gap > 0]).astype(np.float32)
        # An open mouth has no notch in the lower lip, where that of the upper one lay.
        plain = np.polynomial.Polynomial.fit(lips.us, lips.lower, 2)(us) - self._lower
        self._notch = (plain * (1 - self._across**4)).astype(np.float32)
        smile = np.polynomial.Polynomial.fit(lips.us, (lips.upper + lips.lower) / 2, 2)
        fades = np.exp(-((np.maximum(np.abs(us) - 0.5, 0) / 0.25) ** 2))
        level = smile(lips.us).mean() - smile(np.clip(us, -0.5, 0.5))
        self._unsmiling = (_UNSMILING * level * fades).astype(np.float32)
        self._jaw = np.exp(-((np.abs(us) / 1.05) ** 3)).astype(np.float32)
        self._profiles = _profiles()
        down = self._vs - self._upper
        reach = np.where(
            down > 0, (down / 0.42) ** 4, (down / 0.3) ** 2
        )  # nose and chin keep their width
        # The corners move as far as is said, and the outline of the face stays.
        narrowing = us * np.exp(_NARROWED**-4 / 16 - (us / _NARROWED) ** 4 - reach)
        self._narrowing = (narrowing / step).astype(np.float32)
        rows, columns = np.mgrid[: self.patch.height, : self.patch.width].astype(np.float32)
        self._rows, self._columns = rows, columns

    def opening_of(self, state: MouthState) -> float:
        """How far the lips are apart in the middle, in mouth widths."""
        return float(
            np.clip(state.opening + state.rest * self._lips.gap, 0, max(MAX_OPENING, self._lips.gap))
        )

    def bend(self, state: MouthState) -> Bent:
        opening = self.opening_of(state)
        rest_gap, over_teeth = self._lips.gap, self._lips.gap > 0
        closing = 1 - min(1.0, opening / rest_gap) if over_teeth else 0.0
        beyond = max(0.0, opening - rest_gap)
        own = self._own_gap
        rise = _RISE_OVER_TEETH if over_teeth else _RISE
        top = self._upper + _FALL * closing * own - rise * beyond * self._arch
        top += min(1.0, max(0.0, 1 - state.width) / 0.28) * self._unsmiling
        gap = own * (1 - closing) + beyond * self._arch
        if over_teeth:
            gap += (1 - self._teeth_seen(state)) * (opening * self._arch - gap)
            bottom = top + gap
        else:
            bottom = np.maximum(top + gap + min(1.0, opening / 0.1) * self._notch, top)
        down = self._vertical(top, bottom)
        layer, cover, box = self._between(top, bottom, state)
        stretch = np.float32(1 / state.width - 1)
        if abs(stretch) < 1e-3:
            return Bent(None, down, layer, cover, box)
        across = stretch * self._narrowing
        columns = self._columns + across
        down = grid(cv2.remap(down, columns, self._rows, cv2.INTER_LINEAR))
        spare = round(0.1 / self.patch.step)
        left, right = max(0, box[0] - spare), min(self.patch.width, box[2] + spare)
        seen = (slice(box[1], box[3]), slice(left, right))
        for each in (layer, cover):
            each[seen] = cv2.remap(each, columns[seen], self._rows[seen], cv2.INTER_LINEAR)
        return Bent(across, down, layer, cover, (left, box[1], right, box[3]))

    @staticmethod
    def _teeth_seen(state: MouthState) -> float:
        """How much of the picture's own teeth is left uncovered."""
        return float(min(1.0, state.rest + (1 - state.rest) * 2 * state.teeth) ** 1.5)

    def _vertical(self, top: Grid, bottom: Grid) -> Grid:
        """How far below the place itself the picture is taken from, in samples."""
        below, above = self._vs - bottom, self._vs - top
        # Where a place lies between the nose (-1), the lips (0) and the chin (1).
        place = np.maximum(below, 0) / self._chin + np.minimum(above, 0) / self._lift
        upper, lower, jaw = self._profiles[
            :, ((np.clip(place, -1, 3) + 1) * (_TABLE / 4)).astype(np.int32)
        ]
        lip, middle = bottom - self._lower, len(self._us) // 2
        fall = float(lip[middle])
        fall *= _JAW if fall > 0 else _JAW_CLOSING
        moved = upper * (top - self._upper) + lower * lip + jaw * (fall * self._jaw)
        inside = (below < 0) & (above > 0)
        kept = np.clip(self._vs, self._upper, self._lower) - self._vs  # teeth stay where they are
        return grid(np.where(inside, kept, -moved) / np.float32(self.patch.step))

    def _between(
        self, top: Grid, bottom: Grid, state: MouthState
    ) -> tuple[Picture, Grid, tuple[int, int, int, int]]:
        """The inside of the mouth, painted: layer, cover and where."""
        height, width, step = self.patch.height, self.patch.width, self.patch.step
        layer, cover = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.float32)
        inner = np.flatnonzero(self._across < 1)
        first = int((top[inner].min() - self.patch.top) / step) - 1
        last = int((bottom[inner].max() - self.patch.top) / step) + 3
        left, right, first, last = int(inner[0]), int(inner[-1]) + 1, max(0, first), min(height, last)
        rows, columns = slice(first, last), slice(left, right)
        v, across = self._vs[rows], self._across[columns]
        upper, lower = top[columns], bottom[columns]
        gap = lower - upper
        soft = np.float32(step)
        own_teeth = self._lips.gap > 0
        over = 1.0 if own_teeth else 0.3  # the upper lip's edge is lit by teeth
        edge = np.clip((v - upper) / soft + over, 0, 1) * np.clip((lower - v) / soft + 0.3, 0, 1)
        edge *= np.clip(gap / (1.5 * soft), 0, 1)
        if own_teeth:
            dropped = np.clip((lower - self._lower[columns]) / MARGIN, 0, 1)
            # Between them and the lip as it was there may be a rim of that, and more at the corners.
            rim = 2 * soft + MARGIN + 0.035 * across**2
            teeth = np.clip((self._lower[columns] + 2 * soft - rim * dropped - v) / soft + 0.5, 0, 1)
            edge *= 1 - self._teeth_seen(state) * teeth
        teeth_painted = 0.0 if own_teeth else state.teeth
        painted = self._palette.inside(
            v - upper, gap, across, self._notch[columns], teeth_painted, state.tongue
        )
        if own_teeth:  # teeth in the shadow turn grey, not red
            painted *= (1 - 0.4 * teeth)[..., None]
            painted += (painted.mean(2, keepdims=True) - painted) * (0.3 * teeth[..., None])
            # Where the lips meet over them there is no seam in the picture.
            seam = np.clip(1.4 - np.abs(v - (upper + lower) / 2) / soft, 0, 1) * np.clip(
                2 - gap / soft, 0, 1
            )
            seam *= np.clip((self._own_gap[columns] - gap) / soft, 0, 1)
            painted += (self._palette.seam - painted) * np.clip(2 - gap / soft, 0, 1)[..., None]
            edge = np.maximum(edge, seam)
        cover[rows, columns] = edge
        layer[rows, columns] = np.clip(painted, 0, 255)
        return layer, cover, (left, first, right, last)


def _smooth(x: np.ndarray, zero: float, one: float) -> np.ndarray:
    """0 at `zero` and before, 1 at `one` and after, with flat ends."""
    t = np.clip((x - zero) / (one - zero), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _profiles() -> Grid:
    """How far the skin goes with the upper lip, the lower lip and the jaw, by its place: [3, n]."""
    place = np.linspace(-1, 3, _TABLE + 1)
    fades = _smooth(place, 1.75, 0.95)
    to_jaw = _smooth(place, 0, 0.45)
    below = place >= 0
    upper = np.where(below, 0, _smooth(place, -1, 0))
    lower, jaw = np.where(below, (1 - to_jaw) * fades, 0), np.where(below, to_jaw * fades, 0)
    return np.stack([upper, lower, jaw]).astype(np.float32)
