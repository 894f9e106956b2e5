"""Reading videos: what their headers say, and their frames in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from studio.audio.opening import open_file, shown
from studio.errors import BadInput
from studio.video.pictures import is_picture
from studio.video.types import Picture
from studio.video.video_source import VideoSource, damaged, open_video

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "VideoFacts",
    "is_video",
    "probe_video",
    "video_frames",
    "video_tags",
]


#: A header may round its duration; decoding stops this many seconds past the limit.
_GRACE_S = 1.0
#: Less than that is no time at all, seconds.
_NOTHING_S = 1e-6


@dataclass(frozen=True)
class Limits:
    """What is read at all."""

    max_seconds: float = 1800.0
    max_bytes: int = 1 << 31
    max_pixels: int = 4096 * 2304
    min_side: int = 64  # pixels; no face is found on less
    max_fps: float = 240.0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class VideoFacts:
    """What a video is, as it is shown: turned, with square pixels."""

    width: int
    height: int
    fps: float  # the mean, where it varies
    seconds: float  # of the picture, not of the sound
    frames: int | None  # where the header tells
    has_sound: bool


def probe_video(path: Path, limits: Limits = DEFAULT_LIMITS) -> VideoFacts:
    """What `path` holds. Its first frame is decoded, so that it is known to be readable.

    A browser's recording whose header tells no duration is measured by counting its packets. One frame is
    a video too. Raises BadInput for what is missing, empty, no video, without pictures, damaged, or outside
    `limits`.
    """
    with _opened(path, limits) as source:
        return _facts(source, shown(path), limits)


def is_video(path: Path) -> bool:
    """Whether `path` is a video by its content: it holds moving pictures and is no picture file, not even
    an animated one. Raises BadInput where it cannot be opened at all."""
    if is_picture(path):
        return False
    try:
        with open_file(path, "video") as file, open_video(file, shown(path), DEFAULT_LIMITS.max_pixels):
            return True
    except BadInput:
        return False


def video_frames(
    path: Path, fps: float, max_height: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Picture]:
    """The frames of `path` as they are shown, `fps` a second from the first one on, however irregular their
    own times are; at most `max_height` pixels high, with even sides.

    Memory is that of a few frames. The file is closed when the iteration ends or is given up. A frame that
    is shown for longer comes as the same object again: do not write to it. Raises BadInput as `probe_video`
    does, and where the file is damaged or breaks off.
    """
    name = shown(path)
    with _opened(path, limits) as source:
        _facts(source, name, limits)
    with _opened(path, limits) as source:
        made, last = 0, 0.0
        held: Picture | None = None
        for picture, start, end in source.pictures(max_height):
            if start > limits.max_seconds + _GRACE_S:
                raise _too_long(name, start, limits)
            # The one before was shown until now.
            while held is not None and made / fps < start - _NOTHING_S:
                yield held
                made += 1
            held, last = picture, end
        if held is None:
            raise damaged(name, 0.0)
        claimed = source.track_seconds or 0.0
        if last < claimed - max(1.0, 0.1 * claimed):
            raise damaged(name, last)
        while made == 0 or made / fps < last - _NOTHING_S:
            yield held
            made += 1


def video_tags(path: Path) -> dict[str, str]:
    """What the file says of itself: title, comment, ... in small letters. Raises BadInput as `probe_video`
    does."""
    with _opened(path, DEFAULT_LIMITS) as source:
        return source.tags


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[VideoSource]:
    name = shown(path)
    with open_file(path, "video") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size == 0:
            raise BadInput(f"{name} is empty.", "Choose another video, or record again.")
        if size > limits.max_bytes:
            raise BadInput(
                f"{name} has {size / 1e6:.0f} MB, more than {limits.max_bytes / 1e6:.0f} MB.",
                "Cut it, or export it smaller.",
            )
        with open_video(file, name, limits.max_pixels) as source:
            yield source


def _facts(source: VideoSource, name: str, limits: Limits) -> VideoFacts:
    if source.seconds > limits.max_seconds:
        raise _too_long(name, source.seconds, limits)
    if source.coded_pixels > limits.max_pixels:
        raise BadInput(
            f"{name} has pictures of more than {limits.max_pixels / 1e6:.1f} million pixels.",
            "Export it smaller, for example with a height of 1080.",
        )
    width, height = source.shown_size()
    if min(width, height) < limits.min_side:
        raise BadInput(
            f"{name} has pictures of {width} x {height}: too small for a face to be seen.",
            f"Choose a video of at least {limits.min_side} pixels each way; 512 or more look good.",
        )
    if not source.seconds:
        source.count_seconds(limits.max_seconds)
        if source.seconds > limits.max_seconds:
            raise _too_long(name, source.seconds, limits)
    fps = source.rate
    if not 0 < fps <= limits.max_fps:
        fps = source.frames / source.seconds if source.frames and source.seconds else 25.0
    seconds = max(source.seconds, 1 / fps)
    return VideoFacts(width, height, fps, seconds, source.frames, source.has_sound)


def _too_long(name: str, seconds: float, limits: Limits) -> BadInput:
    return BadInput(
        f"{name} lasts {seconds / 60:.0f} min or more, over the limit of {limits.max_seconds / 60:.0f} min.",
        "Cut it shorter: it is played again from its start where the speech is longer.",
    )
