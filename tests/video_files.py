"""Pictures and videos that the video tests make for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from studio.video.types import Picture
from tests.audio_files import tone

RED, GREEN, BLUE, GREY = (220, 40, 40), (40, 180, 60), (40, 60, 220), (128, 128, 128)
FLAT = (RED, GREEN, BLUE, GREY)


def flat(color: tuple[int, int, int], width: int = 96, height: int = 64) -> Picture:
    return np.full((height, width, 3), color, np.uint8)


def halves(width: int = 96, height: int = 64) -> Picture:
    """Red above, blue below, with a green corner at the top left."""
    picture = flat(RED, width, height)
    picture[height // 2 :] = BLUE
    picture[: height // 2, : width // 3] = GREEN
    return picture


def near(found: object, color: tuple[int, int, int], within: int = 12) -> bool:
    return bool(np.abs(np.asarray(found, int) - color).max() <= within)


def sound(path: Path, seconds: float, rate: int = 22_050) -> Path:
    soundfile.write(path, tone(seconds, rate), rate, format="WAV")
    return path


def video(
    path: Path, pictures: Sequence[Picture], fps: int = 25, codec: str = "libx264", container: str = "mp4",
    times: Sequence[int] | None = None, matrix: tuple[int, ...] | None = None, pixels: str = "yuv420p",
    options: dict[str, str] | None = None, ordered: bool = False,
) -> Path:  # fmt: skip
    """A video that PyAV writes; `times` are those of the pictures in thousandths of a second;
    `ordered`: stored in the order in which they are shown, as telephones do."""
    with av.open(str(path), "w", format=container, options=options or {}) as target:
        stream = target.add_stream(codec, rate=fps)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        if ordered:
            stream.codec_context.max_b_frames = 0
        if matrix is not None:
            stream.set_display_matrix(matrix)
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index if times is None else times[index]
            frame.time_base = Fraction(1, fps) if times is None else Fraction(1, 1000)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path
