"""Faces: looking at a picture or a video for them, and making of it a scene that can speak."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.audio.opening import shown
from studio.control import Control
from studio.errors import BadInput, NotFound
from studio.services import built_in_avatars
from studio.services.face_cache import Glance
from studio.services.face_geometry import Values, face_by_hand, face_of, notes_on, scaled, values_of
from studio.services.face_scenes import StillScene, VideoScene
from studio.services.face_search import (
    LOOK_FPS,
    LOOK_FRAMES,
    PREVIEW_SIDE,
    STAGE,
    FaceSearch,
    preview_of,
)
from studio.services.face_tracking import track
from studio.services.face_values import BuiltInAvatar, FaceChoice, Looked
from studio.video.pictures import MAX_SIDE, fitted, note_of, picture_size, read_picture
from studio.video.reading import is_video, probe_video, video_frames
from studio.video.types import Face, Picture, frame_count

#: Videos are about this high unless another height is asked for; a look judges a face's size by it.
_USUAL_HEIGHT = 720
_BY_HAND = (
    "Set the eyes and the mouth on the picture by hand, or choose one that shows a face from the front."
)


class FaceService:
    """Thread-safe. What was found in a file is kept by its content."""

    def __init__(self, cache: Path) -> None:
        """`cache` is a folder that can be removed at any time."""
        self._search = FaceSearch(cache)

    def built_in(self) -> tuple[BuiltInAvatar, ...]:
        """The avatars that come with the studio, the default first."""
        return built_in_avatars.built_in()

    def look(self, file: Path, control: Control) -> Looked:
        """What a picture, or the first seconds of a video, show. No face, or one that cannot speak, is
        told in `notes`. Raises BadInput for what is neither, Cancelled."""
        glance = self._search.glance(file, control)
        moving = is_video(file)
        faces = tuple(face_of(values) for values in glance.faces)
        chosen = _largest(glance.faces)
        notes = list(() if moving else note_of(file))
        if glance.turned:
            notes.append(_lies(shown(file), glance.turned))
        elif chosen is None:
            notes.append(f"No face was found. {_BY_HAND}")
        else:
            if len(faces) > 1:
                notes.append(
                    f"{len(faces)} faces were found: the largest one is taken unless you choose."
                )
            notes += told_of(faces[chosen], glance.size)
        seconds: float | None = None
        if moving:
            facts = probe_video(file)
            seconds, whole = facts.seconds, (facts.width, facts.height)
        else:
            whole = _as_turned(picture_size(file), glance.size)
        preview = preview_of(file, glance)
        return Looked(glance.still, glance.size, whole, preview, faces, chosen, tuple(notes), seconds)

    def scene(
        self, choice: FaceChoice, max_height: int, fps: int, seconds: float, control: Control
    ) -> StillScene | VideoScene:
        """The chosen face as it will be seen for `seconds` at `fps` frames a second, at most `max_height`
        pixels high. A video is searched as far as it is needed, and what is found is kept. The scene's
        `notes` say what a person should know.

        Raises BadInput with the remedy: no face, one that is too small, turned away or lies on its side, one
        that is not seen for over a second (from when to when); NotFound for an avatar or a face that is not
        there; Cancelled.
        """
        control.progress(STAGE)
        if choice.file is None:
            avatar = built_in_avatars.find(choice.avatar)
            if choice.face not in (None, 0):
                raise _no_such_face(avatar.label, choice.face, 1)
            picture = read_picture(avatar.picture)
            size = (picture.shape[1], picture.shape[0])
            face = face_by_hand(choice.landmarks, size) if choice.landmarks else avatar.face
            return _still(picture, values_of(face), size, max_height)
        file, name = choice.file, shown(choice.name or choice.file)
        glance = self._search.glance(file, control)
        if choice.landmarks is not None:
            chosen = values_of(face_by_hand(choice.landmarks, glance.size))
        else:
            chosen = _chosen(glance, name, choice.face)
        if not is_video(file):
            # No larger than it is needed: half of the time for a photo goes into reading it.
            needed = round(max_height * max(1.0, glance.size[0] / glance.size[1]))
            picture = read_picture(file, max(PREVIEW_SIDE, min(needed, MAX_SIDE)))
            return _still(picture, chosen, glance.size, max_height)
        first = next(video_frames(file, fps, max_height))
        if glance.still:
            return _still(first, chosen, glance.size, max_height)
        size = (first.shape[1], first.shape[0])
        if choice.landmarks is not None:
            faces = scaled(chosen[None], glance.size, size)
            notes: tuple[str, ...] = (
                "The face is taken to stay where it was set by hand, through all of the video.",
            )
        else:
            count = frame_count(seconds, fps)
            tracked = self._search.tracked(file, chosen, fps, count, control)
            start = round(glance.index * fps / LOOK_FPS)
            chosen = scaled(chosen, glance.size, tracked.size)
            faces = track(tracked.frames[:count], start, chosen, fps, name)
            faces, notes = scaled(faces, tracked.size, size), ()
        notes += notes_on(face_of(np.median(faces, axis=0)), size)
        content = self._search.content(file, control)
        return VideoScene(file, max_height, fps, size, faces, notes, content)


def _as_turned(size: tuple[int, int], seen: tuple[int, int]) -> tuple[int, int]:
    """A header's `size` with its sides as they lie in what is `seen`, which EXIF may have turned."""
    lies_across = (size[0] - size[1]) * (seen[0] - seen[1]) < 0
    return size[::-1] if lies_across else size


def _largest(faces: Values) -> int | None:
    if not len(faces):
        return None
    return int(((faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1])).argmax())


def _chosen(glance: Glance, name: str, wanted: int | None) -> Values:
    """The face `wanted` of the file `name`, or the largest; raises BadInput and NotFound."""
    if glance.turned:
        raise BadInput(_lies(name, glance.turned), f"Then choose it again. {_BY_HAND}")
    largest = _largest(glance.faces)
    if largest is None:
        where = "" if glance.still else f" the first {LOOK_FRAMES / LOOK_FPS:.0f} s of"
        raise BadInput(f"No face was found in{where} {name}.", _BY_HAND)
    count = len(glance.faces)
    if wanted is not None and not 0 <= wanted < count:
        raise _no_such_face(name, wanted, count)
    return np.asarray(glance.faces[largest if wanted is None else wanted])


def _no_such_face(name: str, wanted: int, count: int) -> NotFound:
    found = "1 face was found" if count == 1 else f"{count} faces were found"
    return NotFound(f"{name} has no face {wanted + 1}.", f"{found}, counted from the left.")


def _still(picture: Picture, face: Values, found_on: tuple[int, int], max_height: int) -> StillScene:
    seen = np.ascontiguousarray(fitted(picture, max_height))
    size = (seen.shape[1], seen.shape[0])
    there = face_of(scaled(face, found_on, size))
    return StillScene(seen, there, notes_on(there, size))


def told_of(face: Face, size: tuple[int, int]) -> tuple[str, ...]:
    """What is to be said of a face in a video of the usual height, also where it cannot speak."""
    scale = min(1.0, _USUAL_HEIGHT / size[1])
    usual = (round(size[0] * scale), round(size[1] * scale))
    try:
        return notes_on(face_of(scaled(values_of(face), size, usual)), usual)
    except BadInput as error:
        return (str(error),)


def _lies(name: str, quarters: int) -> str:
    how = {1: "by a quarter to the right", 2: "upside down", 3: "by a quarter to the left"}[quarters]
    return f"{name} does not stand upright: turn it {how}."
