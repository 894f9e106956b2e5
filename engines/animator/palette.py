"""The colours of the inside of a mouth, in the light of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engines.animator.geometry import FaceFrame, Grid, Patch, grid
from engines.animator.lips import Lips
from studio.video.types import Picture

_DARK, _DARK_BELOW = np.array([34, 12, 12]), np.array([66, 23, 23])
_TEETH, _TONGUE = np.array([240, 233, 220]), np.array([152, 64, 66])
#: How far lips and skin usually are from grey, in Lab; less makes the mouth paler.
_COLOURFUL = 12.0
#: Of the colour of the lips.
_SEAM = np.array([0.5, 0.4, 0.42])
#: The height of the upper teeth that are seen, mouth widths; and how much of a wide opening at most.
_TEETH_HEIGHT, _TEETH_SHARE = 0.11, 0.42


@dataclass(frozen=True)
class Palette:
    """How light the face is, and the colour between its lips."""

    light: float  # of the skin, 0 to 1
    white: float  # of the eyes, which are as light as the teeth, 0 to 1
    colour: float  # how colourful the picture is: 0 for grey ones, 1 for usual ones
    seam: npt.NDArray[np.float32]  # [3]

    def inside(
        self, below_lip: Grid, gap: Grid, across: Grid, gums: Grid, teeth: float, tongue: float
    ) -> Grid:
        """What is between the lips, [height, width, 3] up to 255.

        `below_lip` [height, width] is how far a place is below the upper lip, `gap` [width] how far the lips
        are apart, `gums` [width] how much lower than the lip the teeth begin, all in mouth widths; `across`
        [width] is 0 in the middle and 1 at the corners.
        """
        down = np.clip(below_lip / np.maximum(gap, 1e-4), 0, 1)
        colour = (_DARK + (_DARK_BELOW - _DARK) * down[..., None]) * (0.1 + 1.1 * self.light)
        if tongue > 0:
            seen = min(1.0, 1.8 * tongue) * np.clip((down - 0.25 * (1 - across**2) - 0.38) / 0.35, 0, 1)
            seen = (seen * np.clip(1.15 - 1.2 * across**1.5, 0, 1))[..., None]
            colour += (_TONGUE * (0.08 + 1.04 * self.light) - colour) * seen
        # The upper lip throws a shadow, less of it on the teeth before it.
        shadow = np.clip(1 - down / 0.22, 0, 1)[..., None]
        colour *= 1 - 0.35 * shadow
        if teeth > 0:
            # A narrow opening shows little else.
            share = np.maximum(_TEETH_SHARE, 1.1 - 5 * gap)
            height = teeth * np.minimum(_TEETH_HEIGHT, share * gap) * (1 - 0.2 * across**2)
            seen = np.clip((height + gums - below_lip) / 0.02 + 0.5, 0, 1) * np.clip(
                (1 - across**2) * 1.8, 0, 1
            )
            lit = self.white * (1 - 0.4 * across**2)[..., None] * (1 - 0.18 * shadow)
            colour += (_TEETH * lit - colour) * seen[..., None]
        colour += (1 - self.colour) * (colour.mean(2, keepdims=True) - colour)
        return grid(colour)


def palette_of(picture: Picture, frame: FaceFrame, lips: Lips) -> Palette:
    """By the skin above the mouth and of the chin, and by the lower lip."""
    skin = np.concatenate([_middle(picture, frame, top, 0.12) for top in (-0.34, 0.38)])
    lip = _middle(picture, frame, float(lips.lower[len(lips.us) // 2]) + 0.03, 0.05)
    seam = (_SEAM * np.median(lip, 0)).astype(np.float32)
    light = float(np.percentile(skin.mean(1), 70)) / 255
    lab = cv2.cvtColor(np.concatenate([skin, lip])[None], cv2.COLOR_RGB2LAB).astype(np.float64)
    colour = float(np.percentile(np.abs(lab[..., 1:] - 128), 95)) / _COLOURFUL
    return Palette(light, max(_white(picture, frame), 0.9 * light), min(colour, 1.0), seam)


def _white(picture: Picture, frame: FaceFrame) -> float:
    """How light the whites of the eyes are; teeth shine a little."""
    reach = 0.2 * frame.eyes / frame.mouth
    whites = [
        Patch(eye.x - reach, eye.y - reach / 3, 25, 9, reach / 12).cut(picture, frame).mean(2)
        for eye in (frame.left_eye, frame.right_eye)
    ]
    return float(np.clip(1.05 * np.percentile(whites, 97) / 255, 0, 0.97))


def _middle(picture: Picture, frame: FaceFrame, top: float, height: float) -> Picture:
    """The pixels of a strip in the middle of the mouth, [n, 3]."""
    strip = Patch.spanning(-0.3, top, 0.3, top + height, 0.025)
    return strip.cut(picture, frame).reshape(-1, 3)
