"""Faces and scenes for the tests of the animator, and how open a mouth is in a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image

from engines.animator import AnimatorEngine
from engines.animator.geometry import Patch, frame_of
from engines.avatar import AnimationRequest, AvatarEngine
from engines.base import EngineFolders, PhonemeTiming, Placement
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.services.built_in_avatars import find
from studio.video.types import Face, Landmarks, Picture, Point, Scene, Shot

#: Nothing moves but the mouth.
ONLY_MOUTH = {"blinks": 0.0, "head_motion": 0.0}
NO_SOUND = Path("nothing.wav")  # is not read where phonemes are known
QUIET = (PhonemeTiming("", 0.0, 1.0),)

#: The face of skimage's astronaut, in its 512 x 512 picture, as MTCNN finds it.
ASTRONAUT = Landmarks(
    Point(204.2, 100.4),
    Point(247.3, 102.9),
    Point(225.2, 128.6),
    Point(201.4, 139.1),
    Point(245.3, 141.5),
)


def scaled(shot: Shot, factor: float) -> Shot:
    """The same picture larger or smaller."""
    flags = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(shot.picture, None, fx=factor, fy=factor, interpolation=flags)
    points = ((factor * (p.x + 0.5) - 0.5, factor * (p.y + 0.5) - 0.5) for p in points_of(shot))
    return Shot(np.asarray(picture, np.uint8), face_at(Landmarks(*(Point(*each) for each in points))))


def cut(shot: Shot, left: int, top: int, right: int, bottom: int) -> Shot:
    """A part of the picture."""
    landmarks = Landmarks(*(Point(p.x - left, p.y - top) for p in points_of(shot)))
    return Shot(np.ascontiguousarray(shot.picture[top:bottom, left:right]), face_at(landmarks))


def points_of(shot: Shot) -> tuple[Point, ...]:
    marks = shot.face.landmarks
    return (marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right)


def face_at(landmarks: Landmarks) -> Face:
    eyes = landmarks.right_eye.x - landmarks.left_eye.x
    middle = landmarks.nose
    return Face(middle.x - eyes, middle.y - 1.5 * eyes, middle.x + eyes, middle.y + eyes, landmarks)


@cache
def astronaut() -> Shot:
    return Shot(skimage.data.astronaut(), face_at(ASTRONAUT))


@cache
def portrait() -> Shot:
    """The astronaut's head alone, 512 x 512."""
    return scaled(cut(astronaut(), 110, 20, 340, 250), 512 / 230)


@cache
def avatar(name: str) -> Shot:
    """One of the built-in avatars, half as large."""
    found = find(name)
    with Image.open(found.picture) as picture:
        return scaled(Shot(np.asarray(picture.convert("RGB")), found.face), 0.5)


@cache
def cartoon() -> Shot:
    """A few flat shapes: the eyes are dots, and the mouth a line."""
    picture = np.full((256, 256, 3), (90, 160, 220), np.uint8)
    cv2.circle(picture, (128, 128), 90, (250, 210, 90), -1, cv2.LINE_AA)
    for x in (98, 158):
        cv2.circle(picture, (x, 105), 7, (30, 30, 30), -1, cv2.LINE_AA)
    cv2.line(picture, (98, 168), (158, 168), (60, 20, 20), 3, cv2.LINE_AA)
    marks = Landmarks(Point(98, 105), Point(158, 105), Point(128, 138), Point(98, 168), Point(158, 168))
    return Shot(picture, face_at(marks))


class Still:
    """A scene of one picture; `asked` counts how often it was looked at."""

    def __init__(self, shot: Shot, key: str = "still") -> None:
        shot.picture.setflags(write=False)
        self.key, self._shot, self.asked = key, shot, 0
        self.size = (shot.picture.shape[1], shot.picture.shape[0])
        self.still = True

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        self.asked += 1
        for _ in range(count):
            yield self._shot


class Moving:
    """A scene of many pictures, from the start again after the last one."""

    def __init__(self, shots: Sequence[Shot], key: str = "moving") -> None:
        self.key, self._shots = key, shots
        self.size = (shots[0].picture.shape[1], shots[0].picture.shape[0])
        self.still = False

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        for index in range(count):
            yield self._shots[index % len(self._shots)]


def mouth_opening(picture: Picture, face: Face) -> float:
    """How high the dark between the lips is in the middle of the mouth, in mouth widths."""
    frame = frame_of(face.landmarks)
    patch = Patch.spanning(-0.2, -0.25, 0.2, 0.6, 0.02)
    light = patch.cut(picture, frame).mean(2)
    skin = np.median(light[patch.vs > 0.45])
    return float((light < 0.45 * skin).sum(0).mean() * patch.step)


def inside_of_mouth(picture: Picture, face: Face) -> float:
    """The same with the teeth, which are less red than skin and lips; for photographs."""
    frame = frame_of(face.landmarks)
    patch = Patch.spanning(-0.2, -0.25, 0.2, 0.6, 0.02)
    lab = cv2.cvtColor(patch.cut(picture, frame), cv2.COLOR_RGB2LAB).astype(float)
    skin = np.median(lab[patch.vs > 0.45], axis=(0, 1))
    inside = (lab[..., 0] < 0.5 * skin[0]) | ((lab[..., 1] < skin[1] - 4) & (patch.vs[:, None] > -0.12))
    return float(inside.sum(0).mean() * patch.step)


def loaded_animator() -> AnimatorEngine:
    engine = AnimatorEngine(EngineFolders(Path(), ModelFolders(Path(), Path())))
    engine.load(Placement("cpu", "float32"), "")
    return engine


def said(symbols: str, each: float = 0.1) -> tuple[PhonemeTiming, ...]:
    """The symbols, each as long; "." is a pause."""
    times = [(symbol, index * each) for index, symbol in enumerate(symbols.split())]
    return tuple(PhonemeTiming(symbol, at, at + each) for symbol, at in times if symbol != ".")


def frames(
    engine: AvatarEngine, scene: Scene, phonemes: Sequence[PhonemeTiming], fps: int = 25,
    seconds: float | None = None, **options: float,
) -> list[Picture]:  # fmt: skip
    length = seconds or max((each.end for each in phonemes), default=1.0)
    request = AnimationRequest(scene, NO_SOUND, length, tuple(phonemes), fps, ONLY_MOUTH | options)
    return list(engine.animate(request, Control()))


def held(engine: AvatarEngine, scene: Scene, symbol: str, **options: float) -> Picture:
    """The middle of a long sound."""
    return frames(engine, scene, said(symbol, 0.8), **options)[10]


def difference(one: Picture, other: Picture) -> np.ndarray:
    return np.abs(one.astype(int) - other).max(2)
