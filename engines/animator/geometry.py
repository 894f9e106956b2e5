"""Coordinates that lie in the face: from the middle of the mouth, along it and towards the chin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.errors import BadInput
from studio.video.types import Landmarks, Picture, Point

#: float32 [height, width] or, of fields, [height, width, 2].
Grid = npt.NDArray[np.float32]
#: float64 [2, 3]; takes a point (x, y, 1) to another place.
Affine = npt.NDArray[np.float64]

#: A mouth must be so wide to be moved, pixels.
MIN_MOUTH_PX = 8


@dataclass(frozen=True)
class FaceFrame:
    """Where the face lies. Lengths in pixels; (u, v) are mouth widths from the mouth's middle, u to the right
    in the picture and v down towards the chin."""

    origin: Point  # the middle between the corners of the mouth
    angle: float  # of the face's horizontal, radians, clockwise
    mouth: float  # width
    eyes: float  # distance between the eyes
    eyes_to_mouth: float
    nose_to_mouth: float
    left_eye: Point  # in (u, v)
    right_eye: Point

    @property
    def chin(self) -> float:
        """How far below the mouth the chin ends, in mouth widths; by the proportions of a face."""
        return 0.74 * self.eyes_to_mouth / self.mouth

    def from_picture(self) -> Affine:
        """From pixels to (u, v)."""
        cos, sin = math.cos(self.angle) / self.mouth, math.sin(self.angle) / self.mouth
        x, y = self.origin
        return np.array([[cos, sin, -x * cos - y * sin], [-sin, cos, x * sin - y * cos]])

    def to_picture(self) -> Affine:
        """From (u, v) to pixels."""
        cos, sin = math.cos(self.angle) * self.mouth, math.sin(self.angle) * self.mouth
        return np.array([[cos, -sin, self.origin.x], [sin, cos, self.origin.y]])


def frame_of(landmarks: Landmarks) -> FaceFrame:
    """The coordinates of a face. Raises BadInput where its landmarks are no face's."""
    points = [
        np.array(point, np.float64)
        for point in (
            landmarks.left_eye, landmarks.right_eye, landmarks.nose, landmarks.mouth_left, landmarks.mouth_right,
        )
    ]  # fmt: skip
    left_eye, right_eye, _, left, right = points
    # The mouth alone is too short for a steady angle.
    along = (right_eye - left_eye) + (right - left)
    mouth, eyes = float(np.hypot(*(right - left))), float(np.hypot(*(right_eye - left_eye)))
    if not np.isfinite(points).all() or mouth < MIN_MOUTH_PX or np.dot(right - left, along) <= 0:
        raise BadInput(
            f"The mouth of this face is {max(mouth, 0):.0f} pixels wide; {MIN_MOUTH_PX} are needed to move it.",
            "Choose a larger picture, seen from the front, or set the eyes and the mouth by hand.",
        )
    angle = math.atan2(along[1], along[0])
    origin = (left + right) / 2
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    own = [turn @ (point - origin) for point in points]
    eyes_to_mouth = -(own[0][1] + own[1][1]) / 2
    if eyes_to_mouth < mouth / 4:
        raise BadInput(
            "The eyes of this face are not above its mouth.", "Set the eyes and the mouth by hand."
        )
    return FaceFrame(
        origin=Point(*origin.tolist()),
        angle=angle,
        mouth=mouth,
        eyes=max(eyes, mouth / 2),
        eyes_to_mouth=float(eyes_to_mouth),
        nose_to_mouth=float(np.clip(-own[2][1], 0.25 * mouth, 0.6 * eyes_to_mouth)),
        left_eye=Point(*(own[0] / mouth).tolist()),
        right_eye=Point(*(own[1] / mouth).tolist()),
    )


@dataclass(frozen=True)
class Patch:
    """A rectangle in (u, v), `step` apart from sample to sample in both directions."""

    left: float
    top: float
    width: int  # samples
    height: int
    step: float  # mouth widths

    @classmethod
    def spanning(cls, left: float, top: float, right: float, bottom: float, step: float) -> Patch:
        return cls(
            left, top, math.ceil((right - left) / step) + 1, math.ceil((bottom - top) / step) + 1, step
        )

    @property
    def us(self) -> Grid:
        return (self.left + self.step * np.arange(self.width)).astype(np.float32)

    @property
    def vs(self) -> Grid:
        return (self.top + self.step * np.arange(self.height)).astype(np.float32)

    def from_face(self) -> Affine:
        """From (u, v) to samples of this patch."""
        scale = 1 / self.step
        return np.array([[scale, 0, -self.left * scale], [0, scale, -self.top * scale]])

    def cut(self, picture: Picture, frame: FaceFrame) -> Picture:
        """This rectangle of a picture, [height, width, 3]; where it is finer, averaged first."""
        pixels = self.step * frame.mouth
        to_picture = after(frame.to_picture(), inverse(self.from_face()))
        if pixels > 1.5:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.45 * pixels), np.uint8)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (self.width, self.height)
        cut: Any = cv2.warpAffine(
            picture, to_picture, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(cut, np.uint8)


def after(second: Affine, first: Affine) -> Affine:
    """`first`, then `second`."""
    return np.asarray(second @ np.vstack([first, [0, 0, 1]]), np.float64)


def inverse(affine: Affine) -> Affine:
    return np.asarray(np.linalg.inv(np.vstack([affine, [0, 0, 1]]))[:2], np.float64)


def grid(values: npt.ArrayLike) -> Grid:
    return np.asarray(values, np.float32)
