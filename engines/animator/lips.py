"""Where the lips meet in a picture, and what is between them where they do not."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engines.animator.geometry import FaceFrame, Grid, Patch, grid
from studio.video.types import Picture

#: The patch that is looked at: from corner to corner, from the nose to below the lower lip.
_COLUMNS = 65
_REACH_UP, _REACH_DOWN = 0.28, 0.34
#: The seam is looked for so far from the line between the corners, mouth widths.
_SEAM_REACH = 0.20
#: Lips that are nearer than this in the middle are closed, mouth widths.
_CLOSED = 0.045
#: A gap that fills less of the mouth's width than this is a highlight or a shadow.
_MIN_SPAN = 0.35
_MAX_GAP = 0.40
#: Skin is brought to this, of 255, and no further than so many times.
_LIGHT, _MAX_GAIN = 190.0, 5.0
#: A picture whose colours differ less from grey has none, in Lab.
_GREY = 4.0
#: Beside the teeth the lips are lit by them, mouth widths.
MARGIN = 0.022

_FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lips:
    """The inner edges of both lips over `us`, in mouth widths; the same where they are closed, else MARGIN
    beyond what is seen between them."""

    us: Grid  # [n], from -0.5 to 0.5
    upper: Grid  # v of each
    lower: Grid
    gap: float  # what is seen between the lips in the middle; 0: closed

    def moved(self, by: float) -> Lips:
        """Both edges lower by `by` mouth widths, less so towards the corners."""
        shift = (by * (1 - (2 * self.us) ** 2)).astype(np.float32)
        return Lips(self.us, self.upper + shift, self.lower + shift, self.gap)


def trace(picture: Picture, frame: FaceFrame) -> Lips:
    """The lips of a face, by the darkest line between the corners and the teeth or the dark around it."""
    patch = Patch.spanning(-0.5, -_REACH_UP, 0.5, _REACH_DOWN, 1 / (_COLUMNS - 1))
    cut = patch.cut(picture, frame)
    lab = cv2.cvtColor(_well_lit(cut, patch), cv2.COLOR_RGB2LAB).astype(np.float64)
    inside = _inside(lab, patch)
    seam = _seam(lab[..., 0], inside, patch)
    upper, lower = _edges(inside, seam, patch)
    us, vs = patch.us, patch.vs
    gap = np.where(lower > upper, vs[lower] - vs[upper], 0.0)
    wide = np.mean(gap > _CLOSED / 2)
    middle = float(np.median(gap[np.abs(us) < 0.15]))
    if wide < _MIN_SPAN or not _CLOSED <= middle <= _MAX_GAP:
        closed = _eased(vs[seam])
        return Lips(us, closed, closed, 0.0)
    # The lips end beyond the outermost of the teeth, which make steps.
    above, below = -_widest(-vs[upper]), _widest(vs[lower])
    middle_line = _fitted(us, (above + below) / 2, 2)
    spread = np.maximum(_fitted(us, (below - above) / 2, 4), 0) + MARGIN
    half = grid(spread * np.clip((0.5 - np.abs(us)) / 0.08, 0, 1))
    return Lips(
        us, grid(middle_line - half), grid(middle_line + half), float(2 * (half[len(us) // 2] - MARGIN))
    )


def _well_lit(cut: Picture, patch: Patch) -> Picture:
    """As if the light had been good: what is told apart below is in absolute colours."""
    skin = cut[_skin(patch)].max(2)
    gain = np.clip(_LIGHT / max(float(np.median(skin)), 1), 1, _MAX_GAIN)
    return np.clip(cut * gain, 0, 255).astype(np.uint8)


def _skin(patch: Patch) -> npt.NDArray[np.bool_]:
    """The rows above and below the mouth."""
    return (patch.vs < -0.20) | (patch.vs > 0.28)


def _inside(lab: _FloatArray, patch: Patch) -> _FloatArray:
    """How much each place looks like teeth or the dark of a mouth, -1 to 1."""
    light, red = lab[..., 0], lab[..., 1]
    skin = lab[_skin(patch)].reshape(-1, 3)
    skin_light, skin_red = np.median(skin[:, 0]), np.median(skin[:, 1])
    spread = float(np.median(np.abs(skin[:, 1] - skin_red)))
    if np.percentile(np.abs(lab[..., 1:] - 128), 90) < _GREY:
        teeth = np.clip((light / max(float(np.percentile(skin[:, 0], 96)), 1) - 1) / 0.05, -1, 1)
    else:  # teeth are less red than skin, and lips are redder
        teeth = np.clip((skin_red - max(3.0, 2 * spread) - red) / 4, -1, 1)
        teeth = np.where(light > 0.62 * skin_light, teeth, -1.0)
    dark = np.clip((0.42 - light / max(skin_light, 1)) / 0.12, -1, 1)
    return np.asarray(np.maximum(teeth, dark))


def _seam(light: _FloatArray, inside: _FloatArray, patch: Patch) -> npt.NDArray[np.int64]:
    """The row of the seam in each column."""
    vs = patch.vs[:, None]
    relative = (light - light.mean(0)) / (light.std() + 1e-6)
    away = (vs / _SEAM_REACH) ** 2
    cost = relative - 3 * np.maximum(inside, 0) + 0.25 * away
    cost[np.abs(vs[:, 0]) > _SEAM_REACH] = 1e3
    ends = np.abs(patch.us) > 0.46  # the corners are known
    cost[:, ends] += 3 * away
    return _path(cost, 0.12, 2)


def _edges(
    inside: _FloatArray, seam: npt.NDArray[np.int64], patch: Patch
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows of the upper and the lower edge of what is inside around the seam."""
    rows = np.arange(patch.height)[:, None]
    away = np.abs(rows - seam)
    found = []
    for step in (-1, 1):  # upwards from the seam, and downwards
        side = (rows[::step] - seam) * step >= 0
        gain = np.where(side, inside[::step], 0.0)
        # Only what hangs together with the seam: a beard is as dark as a mouth.
        gain[_cut_off(side & (gain < 0))] = -1.0
        cost = np.where(side, -np.cumsum(gain, 0), 1e3)[::step]
        cost[:, [0, -1]] += 5 * away[:, [0, -1]]
        found.append(_path(cost, 0.4, 3))
    return found[0], found[1]


def _cut_off(outside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """What lies behind two rows that are not inside, seen from the first row."""
    twice = outside.copy()
    twice[1:] &= outside[:-1]
    twice[0] = False
    return np.asarray(np.logical_or.accumulate(twice, 0))


def _path(cost: _FloatArray, slope: float, reach: int) -> npt.NDArray[np.int64]:
    """The cheapest way from the first column to the last, at most `reach` rows up or down from column to
    column, each at `slope`: dynamic programming."""
    height, width = cost.shape
    best = cost.copy()
    back = np.zeros((height, width), np.int64)
    steps = np.arange(-reach, reach + 1)
    for column in range(1, width):
        before = np.full((len(steps), height), np.inf)
        for index, step in enumerate(steps):
            source = best[max(0, -step) : height - max(0, step), column - 1]
            before[index, max(0, step) : height - max(0, -step)] = source + slope * abs(step)
        chosen = before.argmin(0)
        back[:, column] = np.arange(height) - steps[chosen]
        best[:, column] += before[chosen, np.arange(height)]
    row = int(best[:, -1].argmin())
    found = [row]
    for column in range(width - 1, 0, -1):
        row = int(back[row, column])
        found.append(row)
    return np.array(found[::-1])


def _eased(values: Grid) -> Grid:
    """Smoothed."""
    kernel = np.hanning(11)[1:-1]
    padded = np.pad(values.astype(np.float64), len(kernel) // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "valid").astype(np.float32)


def _widest(values: Grid) -> Grid:
    """The highest of the values around each."""
    return np.max(np.lib.stride_tricks.sliding_window_view(np.pad(values, 4, mode="edge"), 9), axis=1)


def _fitted(us: Grid, values: Grid | _FloatArray, degree: int) -> Grid:
    """As smooth as the edge of a lip: a polynomial."""
    return np.polynomial.Polynomial.fit(us, values, degree)(us).astype(np.float32)
