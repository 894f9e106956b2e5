"""Pictures, scenes and sounds for the tests of Wav2Lip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import soundfile

from studio.video.types import Face, Landmarks, Picture, Point, Shot

SIZE = (240, 180)  # width and height
FACE = Face(
    60.0,
    30.0,
    180.0,
    160.0,
    Landmarks(Point(95, 75), Point(145, 75), Point(120, 100), Point(100, 125), Point(140, 125)),
)


def picture(seed: int = 0) -> Picture:
    """Soft colours with fine noise over them, so that any change to it shows."""
    random = np.random.default_rng(seed)
    coarse = random.random((6, 8, 3), np.float32)
    soft = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC) * 200 + 28
    noisy = soft + random.normal(0, 4, soft.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


class Still:
    """One picture throughout."""

    still = True
    size = SIZE

    def __init__(self, key: str = "still", face: Face = FACE, seed: int = 0) -> None:
        self.key = key
        self._shot = Shot(picture(seed), face)
        self._shot.picture.flags.writeable = False

    @property
    def picture(self) -> Picture:
        return self._shot.picture

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        for _ in range(count):
            yield self._shot


class Moving(Still):
    """The same as a video, in which the face goes to the right by `speed` pixels a picture."""

    still = False

    def __init__(self, key: str = "moving", speed: float = 0.0) -> None:
        super().__init__(key)
        self._speed = speed

    def face(self, number: int) -> Face:
        by = self._speed * number
        return Face(FACE.left + by, FACE.top, FACE.right + by, FACE.bottom, FACE.landmarks)

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        for number in range(count):
            yield Shot(self.picture, self.face(number))


def write_sound(path: Path, seconds: float, seed: int = 0, rate: int = 22_050) -> Path:
    """Noise that swells and fades, as a sound file."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    swell = np.abs(np.sin(np.arange(count) * (7 + seed) / rate))
    soundfile.write(path, 0.2 * swell * random.standard_normal(count), rate)
    return path


def write_silence(path: Path, seconds: float, rate: int = 22_050) -> Path:
    """Digital zeros."""
    soundfile.write(path, np.zeros(round(seconds * rate)), rate)
    return path
