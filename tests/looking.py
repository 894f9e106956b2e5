"""How the face service is asked what it sees, where a face is in it, and a video in which one moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studio.control import Control
from studio.services.face_geometry import landmarks_by_hand
from studio.services.face_values import FaceChoice, Looked
from studio.services.faces import FaceService
from studio.video.types import Face, Landmarks, Picture, Point, Scene, Shot
from tests.face_files import astronaut

FPS = 25
HEIGHT = 720


def look(service: FaceService, file: Path) -> Looked:
    return service.look(file, Control())


def scene(
    service: FaceService, choice: FaceChoice | Path, seconds: float = 1.0, height: int = HEIGHT
) -> Scene:
    if isinstance(choice, Path):
        choice = FaceChoice(file=choice)
    return service.scene(choice, height, FPS, seconds, Control())


def shots(made: Scene, count: int, fps: int = FPS) -> list[Shot]:
    return list(made.shots(fps, count))


def middle(face: Face) -> tuple[float, float]:
    return (face.left + face.right) / 2, (face.top + face.bottom) / 2


def mouth(face: Face) -> tuple[float, float]:
    left, right = face.landmarks.mouth_left, face.landmarks.mouth_right
    return (left.x + right.x) / 2, (left.y + right.y) / 2


def hand_set(dx: float = 0.0, dy: float = 0.0) -> Landmarks:
    """Where the astronaut's face is in portrait()."""
    points = ((165, 103), (124, 100), (164, 140), (122, 139))
    return landmarks_by_hand(*(Point(x + dx, y + dy) for x, y in points))


def panned(count: int, step: float = 1.0, half: bool = False) -> Iterator[Picture]:
    """The astronaut, moving to the left by `step` pixels a frame."""
    each = 2 if half else 1
    for at in range(count):
        left = round(40 + step * at)
        yield astronaut()[:300:each, left : left + 300 : each]
