"""Searching pictures and videos for faces; what was found is kept by the file's content."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from engines.mtcnn import BATCH, FaceDetector
from studio.audio.opening import shown
from studio.control import Control
from studio.errors import BadInput
from studio.services.face_cache import FaceCache, Glance, Tracked
from studio.services.face_geometry import SURE, VALUES, Values, values_of
from studio.video.pictures import KINDS, NoPicture, read_picture
from studio.video.reading import is_video, probe_video, video_frames
from studio.video.types import Face, Picture

#: The stage of the work that is reported while a video is searched.
STAGE = "face"
#: The longer side of a picture's preview, and the height at which videos are searched, pixels.
PREVIEW_SIDE, TRACK_HEIGHT = 1280, 720
#: How much of a video a quick look takes in: frames a second, and how many.
LOOK_FPS, LOOK_FRAMES = 4, BATCH
#: A quick look searches for faces that are this part of the height: smaller ones cannot speak.
_USEFUL_FACE = 0.05
#: The narrowest face that is searched for at all, pixels.
_SMALLEST_FACE = 20.0
#: Once it is known how wide the face is, it is searched for down to this part of it.
_SHRINKS = 0.4
#: A face that is found more surely than this, by that much, when the picture is turned means that it lies
#: on its side.
_UPRIGHT, _SURER = 0.99, 0.02


class FaceSearch:
    """Thread-safe: two that want the same of a file search it once."""

    def __init__(self, cache: Path) -> None:
        """`cache` is a folder that can be removed at any time."""
        self._cache = FaceCache(cache)
        self._detector = FaceDetector()

    def content(self, file: Path, control: Control) -> str:
        """64 hex digits for what the file holds. Raises BadInput, Cancelled."""
        return self._cache.content(file, control)

    def glance(self, file: Path, control: Control) -> Glance:
        """The faces of a picture, or of that one among the first frames of a video which shows most.
        Raises BadInput for what is neither, Cancelled."""
        content = self.content(file, control)
        with self._cache.alone(content, control):
            glance = self._cache.glance(content)
            if glance is None:
                pictures = list(islice(_looked_at(file), LOOK_FRAMES))
                control.check()
                glance = self._searched(pictures, not is_video(file) or _is_still(file))
                self._cache.keep_glance(content, glance)
        return glance

    def tracked(self, file: Path, like: Values, fps: int, count: int, control: Control) -> Tracked:
        """The faces in the first `count` frames of a video at `fps`, or in all there are; `like` is one
        that was seen at a glance. Raises BadInput, Cancelled."""
        # In steps, so that another choice in the same video mostly finds what was kept.
        wide = max(1.0, (like[2] - like[0]) * _SHRINKS / _SMALLEST_FACE)
        smallest = float(_SMALLEST_FACE * 2 ** (np.floor(2 * np.log2(wide)) / 2))
        settings = f"{fps}-{smallest:.0f}"
        content = self.content(file, control)
        with self._cache.alone(content, control):
            kept = self._cache.tracked(content, settings)
            if kept is not None and (kept.whole or len(kept.frames) >= count):
                return kept
            found = list(kept.frames) if kept is not None else []
            size = self._search(file, fps, count, smallest, found, control)
            tracked = Tracked(size, tuple(found), len(found) < count)
            self._cache.keep_tracked(content, settings, tracked)
        return tracked

    def _searched(self, pictures: list[Picture], still: bool) -> Glance:
        height, width = pictures[0].shape[:2]
        useful = max(_SMALLEST_FACE, _USEFUL_FACE * height)
        found = self._detector.detect(pictures, useful)
        if not any(found):
            # A face that is too small is told from none at all.
            found[0] = self._detector.detect(pictures[:1], _SMALLEST_FACE)[0]
        sure = [sum(face.confidence >= SURE for face in faces) for faces in found]
        index = max(range(len(found)), key=lambda at: (sure[at], bool(found[at]), -at))
        turned = self._quarters(pictures[0], found[0], useful) if still else 0
        # Rounded as it is kept, so that it is the same when it is found again.
        return Glance(still, (width, height), _rows(found[index]).round(3), index, turned)

    def _quarters(self, picture: Picture, faces: tuple[Face, ...], useful: float) -> int:
        """By how many quarters to the right a picture that lies on its side must be turned; 0: it does
        not."""
        best = max((face.confidence for face in faces), default=0.0)
        if best >= _UPRIGHT:
            return 0
        for quarters in (1, 3, 2):
            upright = np.ascontiguousarray(np.rot90(picture, -quarters))
            for face in self._detector.detect([upright], useful)[0]:
                if face.confidence >= max(_UPRIGHT, best + _SURER):
                    return quarters
        return 0

    def _search(
        self, file: Path, fps: int, count: int, smallest: float, found: list[Values], control: Control
    ) -> tuple[int, int]:
        """Append the faces of the frames after those in `found`; returns the frames' size."""
        expected = min(count, max(1, round(probe_video(file).seconds * fps)))
        first = next(video_frames(file, fps, TRACK_HEIGHT))
        frames = islice(video_frames(file, fps, TRACK_HEIGHT), len(found), count)
        for batch in _batches(frames):
            control.progress(STAGE, min(1.0, len(found) / expected))
            detected = self._detector.detect([picture for picture, _ in batch], smallest)
            for (_, times), faces in zip(batch, detected, strict=True):
                found += [_rows(faces)] * times
        return first.shape[1], first.shape[0]


def preview_of(file: Path, glance: Glance) -> Picture:
    """The picture that `glance` counts faces on."""
    return next(islice(_looked_at(file), glance.index, None))


def _looked_at(file: Path) -> Iterator[Picture]:
    if is_video(file):
        return video_frames(file, LOOK_FPS, TRACK_HEIGHT)
    try:
        return iter([read_picture(file, PREVIEW_SIDE)])
    except NoPicture as error:
        raise BadInput(
            f"{shown(file)} is neither a picture nor a video that can be read, or it is incomplete.",
            f"Use a picture as {KINDS}, or a video as MP4 (H.264), MOV, WebM, MKV or AVI.",
        ) from error


def _is_still(file: Path) -> bool:
    facts = probe_video(file)
    return facts.frames == 1 or facts.seconds * facts.fps < 1.5


def _batches(pictures: Iterator[Picture]) -> Iterator[list[tuple[Picture, int]]]:
    """Frames in lists of at most BATCH, each with how many times it is shown in succession: a video of few
    frames a second repeats them."""
    batch: list[tuple[Picture, int]] = []
    for picture in pictures:
        if batch and batch[-1][0] is picture:
            batch[-1] = (picture, batch[-1][1] + 1)
            continue
        if len(batch) == BATCH:
            yield batch
            batch = []
        batch.append((picture, 1))
    if batch:
        yield batch


def _rows(faces: tuple[Face, ...]) -> Values:
    return np.array([values_of(face) for face in faces], dtype=np.float64).reshape(-1, VALUES)
