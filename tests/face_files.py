"""Pictures and videos of faces for tests: the astronaut Eileen Collins (public domain, of scikit-image)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from PIL import Image
from skimage import data

from studio.video.types import Picture

#: Of the astronaut's face in `astronaut()`: the box as MTCNN has it, and the middle of the mouth.
FACE_BOX = (180.0, 57.0, 269.0, 175.0)
MOUTH = (223.0, 140.0)


@cache
def astronaut() -> Picture:
    """512 x 512, the face 89 wide; not to be written to."""
    picture: Picture = data.astronaut()
    picture.setflags(write=False)
    return picture


def portrait() -> Picture:
    """The upper middle of it, 300 x 300: quick to search."""
    return astronaut()[:300, 80:380]


def nobody(height: int = 300, width: int = 300) -> Picture:
    """A landscape at dusk: one colour runs into the other."""
    sky = np.linspace((40, 60, 120), (230, 150, 90), height)
    return np.repeat(sky[:, None], width, axis=1).astype(np.uint8)


def save(picture: Picture, path: Path) -> Path:
    Image.fromarray(picture).save(path)
    return path


def save_video(frames: Iterable[Picture], path: Path, fps: int = 25) -> Path:
    """An MP4 (H.264)."""
    with av.open(str(path), "w") as container:
        stream = None
        for picture in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(fps))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"crf": "18", "preset": "ultrafast"}
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode())
    return path
