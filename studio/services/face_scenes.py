"""Scenes: a picture that stands still, and a video that moves as it was taken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from studio.audio.opening import shown
from studio.errors import BadInput
from studio.services.face_geometry import Values, face_of, scaled
from studio.video.reading import video_frames
from studio.video.types import Face, Picture, Shot


class StillScene:
    """One picture throughout. `key` and the like: studio.video.types.Scene."""

    still = True

    def __init__(self, picture: Picture, face: Face, notes: tuple[str, ...] = ()) -> None:
        picture.setflags(write=False)
        self.shot = Shot(picture, face)
        self.notes = notes  # what a person should know, in sentences
        self.size = (picture.shape[1], picture.shape[0])
        self.key = key_of(hashlib.sha256(picture.tobytes()).hexdigest(), self.size, repr(face))

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        for _ in range(count):
            yield self.shot


class VideoScene:
    """A video, read anew each time. `key` and the like: studio.video.types.Scene."""

    still = False

    def __init__(
        self,
        path: Path,
        max_height: int,
        fps: int,
        size: tuple[int, int],
        faces: Values,
        notes: tuple[str, ...],
        content: str,
    ) -> None:
        """`faces` [n, 15] are those of the first n frames at `fps`, on pictures of `size` (width,
        height), which are `max_height` pixels high at most; `content` is the file's."""
        self._path, self._max_height, self._fps = path, max_height, fps
        self._faces = faces
        self.size = size
        self.notes = notes  # what a person should know, in sentences
        self.key = key_of(content, size, fps, hashlib.sha256(faces.tobytes()).hexdigest())

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        made = 0
        while made < count:
            before = made
            for index, picture in enumerate(video_frames(self._path, fps, self._max_height)):
                yield Shot(picture, self._face(index, fps, picture))
                made += 1
                if made == count:
                    return
            if made == before:
                raise BadInput(f"{shown(self._path)} has no frames any more.", "Choose the video again.")

    def _face(self, index: int, fps: int, picture: Picture) -> Face:
        place = min(round(index * self._fps / fps), len(self._faces) - 1)
        size = (picture.shape[1], picture.shape[0])
        return face_of(scaled(self._faces[place], self.size, size))


def key_of(*made_of: object) -> str:
    """32 hex digits."""
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32]
