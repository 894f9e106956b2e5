"""What follows from where a face is: whether it can speak, what to say of it, and a face from points that a
person has set.
"""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from studio.errors import BadInput
from studio.video.types import Face, Landmarks, Point

#: float64 [15]: the box, x and y of the five points, the confidence; rows of what is kept and calculated.
Values: TypeAlias = npt.NDArray[np.float64]
VALUES = 15

#: What the detector finds with less confidence is often no face: it is shown, but decides nothing.
SURE = 0.95
#: Narrower faces have no mouth that could be moved, pixels.
MIN_FACE = 40.0
#: The head's tilt from which a person is told, and from which it is refused, degrees.
_TILT_NOTED, _TILT_MOST = 25.0, 60.0
#: The nose's place between the eyes, 0 to 1: how far from the middle it is when a person is told, and when
#: it is refused.
_TURN_NOTED, _TURN_MOST = 0.3, 0.45
#: The distance of the eyes over that from eyes to mouth: seen from the front it is about 1.1.
_NARROW_NOTED, _NARROW_LEAST = 0.72, 0.5

CROP = "Crop the picture to head and shoulders, or take one in which the face is larger."
FRONTAL = "Choose a picture in which the face looks towards you."


def values_of(face: Face) -> Values:
    points = [axis for point in astuple(face.landmarks) for axis in point]
    box = (face.left, face.top, face.right, face.bottom)
    return np.array([*box, *points, face.confidence], dtype=np.float64)


def face_of(values: Values) -> Face:
    left, top, right, bottom, *points, confidence = (float(value) for value in values)
    pairs = [Point(*points[at : at + 2]) for at in range(0, 10, 2)]
    return Face(left, top, right, bottom, Landmarks(*pairs), confidence)


def scaled(values: Values, old: tuple[int, int], new: tuple[int, int]) -> Values:
    """Faces [..., 15] of a picture of the size `old` (width, height) as they are on one of `new`; their
    boxes end at its edges."""
    factors = np.array([new[0] / old[0], new[1] / old[1]])
    moved = values.copy()
    moved[..., :14] *= np.tile(factors, 7)
    moved[..., :4] = moved[..., :4].clip(0, np.tile(np.array(new, float), 2))
    return moved


def landmarks_by_hand(
    left_eye: Point, right_eye: Point, mouth_left: Point, mouth_right: Point
) -> Landmarks:
    """Landmarks of the four points that a person can point at well; the nose is put where it is in most
    faces. Eyes and corners of the mouth may come in either order."""
    left_eye, right_eye = sorted((left_eye, right_eye))
    mouth_left, mouth_right = sorted((mouth_left, mouth_right))
    eyes, mouth = _middle(left_eye, right_eye), _middle(mouth_left, mouth_right)
    nose = Point(eyes.x + 0.62 * (mouth.x - eyes.x), eyes.y + 0.62 * (mouth.y - eyes.y))
    return Landmarks(left_eye, right_eye, nose, mouth_left, mouth_right)


def face_by_hand(landmarks: Landmarks, size: tuple[int, int]) -> Face:
    """A face about landmarks that a person has set on a picture of `size` (width, height). Raises BadInput
    for points outside of it, or that no face has so."""
    for x, y in astuple(landmarks):
        if not (0 <= x <= size[0] and 0 <= y <= size[1]):  # NaN too
            raise BadInput(
                f"A point was set outside of the picture, at {x:.0f}, {y:.0f}.",
                f"Set the eyes and the corners of the mouth within {size[0]} x {size[1]} pixels.",
            )
    eyes = _middle(landmarks.left_eye, landmarks.right_eye)
    mouth = _middle(landmarks.mouth_left, landmarks.mouth_right)
    depth = math.dist(eyes, mouth)
    apart = math.dist(landmarks.left_eye, landmarks.right_eye)
    wide = math.dist(landmarks.mouth_left, landmarks.mouth_right)
    if min(depth, apart, wide) < 0.2 * max(depth, apart, wide, 1.0):
        raise BadInput(
            "The points that were set do not make a face.",
            "Set one point on each eye and one on each corner of the mouth.",
        )
    # From the forehead to the chin, in parts of the distance from the eyes to the mouth.
    centre = Point(eyes.x + 0.38 * (mouth.x - eyes.x), eyes.y + 0.38 * (mouth.y - eyes.y))
    half_width, half_height = 1.15 * depth, 1.52 * depth
    box = (
        *(centre.x - half_width, centre.y - half_height),
        *(centre.x + half_width, centre.y + half_height),
    )
    return face_of(scaled(values_of(Face(*box, landmarks)), size, size))


def notes_on(face: Face, size: tuple[int, int]) -> tuple[str, ...]:
    """What a person should know of a face that can speak, in sentences. Raises BadInput with the remedy
    for one that cannot, in a picture of `size` (width, height)."""
    width = face.right - face.left
    if width < MIN_FACE:
        raise BadInput(
            f"The face is only {width:.0f} pixels wide in a video of {size[0]} x {size[1]}; "
            f"{MIN_FACE:.0f} are needed.",
            CROP,
        )
    marks = face.landmarks
    if not all(
        0 <= x <= size[0] and 0 <= y <= size[1] for x, y in (marks.mouth_left, marks.mouth_right)
    ):
        raise BadInput(
            "The mouth is cut off by the edge of the picture.", "Choose one that shows the whole face."
        )
    return (*_tilt_notes(marks), *_turn_notes(marks))


def _tilt_notes(marks: Landmarks) -> tuple[str, ...]:
    eyes = _middle(marks.left_eye, marks.right_eye)
    down = _between(eyes, _middle(marks.mouth_left, marks.mouth_right))
    tilt = abs(math.degrees(math.atan2(down.x, down.y)))
    if tilt > _TILT_MOST:
        raise BadInput(
            f"The head is tilted by {tilt:.0f} degrees: it lies on its side or stands upside down.",
            "Turn the picture upright, then choose it again.",
        )
    if tilt > _TILT_NOTED:
        return (f"The head is tilted by {tilt:.0f} degrees: the mouth looks better upright.",)
    return ()


def _turn_notes(marks: Landmarks) -> tuple[str, ...]:
    across = _between(marks.left_eye, marks.right_eye)
    apart = max(math.hypot(*across), 1e-6)
    to_nose = _between(marks.left_eye, marks.nose)
    nose = (to_nose.x * across.x + to_nose.y * across.y) / apart**2
    eyes, mouth = (
        _middle(marks.left_eye, marks.right_eye),
        _middle(marks.mouth_left, marks.mouth_right),
    )
    narrow = apart / max(math.dist(eyes, mouth), 1e-6)
    if abs(nose - 0.5) > _TURN_MOST or narrow < _NARROW_LEAST:
        raise BadInput("The face is seen from the side: its mouth cannot be moved.", FRONTAL)
    if abs(nose - 0.5) > _TURN_NOTED or narrow < _NARROW_NOTED:
        return (f"The face is turned to the side: the mouth may look distorted. {FRONTAL}",)
    return ()


def _middle(one: Point, other: Point) -> Point:
    return Point((one.x + other.x) / 2, (one.y + other.y) / 2)


def _between(one: Point, other: Point) -> Point:
    return Point(other.x - one.x, other.y - one.y)
