"""A video made to speak: the mouth of each frame is bent where that frame has it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from engines.animator.bending import Placed, region_of
from engines.animator.geometry import FaceFrame, frame_of
from engines.animator.lips import trace
from engines.animator.mouth import Mouth
from engines.animator.palette import palette_of
from engines.animator.track import MouthState
from studio.errors import BadInput
from studio.video.types import Picture, Shot


class MovingRig:
    """The face of a video. Its seam is that of the first frame, in the coordinates of the mouth."""

    def __init__(self, first: Shot, lip_line: float) -> None:
        frame = frame_of(first.face.landmarks)
        lips = trace(first.picture, frame).moved(lip_line)
        palette = palette_of(first.picture, frame, lips)
        self.mouth = Mouth(frame, lips, palette)

    def draw(self, shot: Shot, state: MouthState) -> Picture:
        """The frame with the mouth in `state`; as it is where the mouth is turned away."""
        picture = shot.picture.copy()
        frame = _seen(shot)
        if frame is None:
            return picture
        height, width = picture.shape[:2]
        region = region_of(self.mouth.patch, frame, (width, height), 1)
        if region.empty:
            return picture
        xs, ys = (
            np.ascontiguousarray(each)
            for each in np.meshgrid(
                np.arange(region.left, region.right, dtype=np.float32),
                np.arange(region.top, region.bottom, dtype=np.float32),
            )
        )
        placed, bent = Placed(self.mouth.patch, frame), self.mouth.bend(state)
        columns, rows = placed.bend(bent, xs, ys)
        part: Any = cv2.remap(shot.picture, xs, ys, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        placed.paint(bent, columns, rows, part, region, 1)
        picture[region.slices] = part
        return picture


def _seen(shot: Shot) -> FaceFrame | None:
    try:
        return frame_of(shot.face.landmarks)
    except BadInput:
        return None
