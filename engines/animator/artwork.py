"""Whether a face is drawn or photographed."""

from __future__ import annotations

import cv2
import numpy as np

from engines.animator.geometry import FaceFrame, Patch
from studio.video.types import Picture

#: The face is looked at in so many samples across, whatever its size in the picture.
_ACROSS = 96
#: Samples that lie so straight between their neighbours are flat, of 255.
_FLAT = 1.0
#: Drawings score 3.8 and more, photographs up to 1.1, also after JPEG at quality 40, blurred, and from 50 to
#: 500 pixels across.
_LIMIT = 2.0


def is_drawn(picture: Picture, frame: FaceFrame) -> bool:
    """By the share of flat samples, times how much steeper the steep edges are than the usual ones: skin has
    no flat places, and drawings have sharp lines on plain colours."""
    patch = Patch.spanning(
        -1.1, -1.5 * frame.eyes_to_mouth / frame.mouth, 1.1, frame.chin, 2.2 / _ACROSS
    )
    grey = cv2.cvtColor(patch.cut(picture, frame), cv2.COLOR_RGB2GRAY).astype(np.float32)
    flat = float(np.mean(np.abs(cv2.Laplacian(grey, cv2.CV_32F)[1:-1, 1:-1]) <= _FLAT))
    steep = np.hypot(np.diff(grey, axis=1)[1:], np.diff(grey, axis=0)[:, 1:])
    contrast = float(np.percentile(steep, 95)) / max(float(np.median(steep)), 0.2)
    return flat * contrast > _LIMIT
