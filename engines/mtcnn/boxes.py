"""Arithmetic on boxes: float32 [n, 4] of left, top, right, bottom in pixels."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Boxes: TypeAlias = npt.NDArray[np.float32]
Scores: TypeAlias = npt.NDArray[np.float32]
Indices: TypeAlias = npt.NDArray[np.intp]


def suppress(boxes: Boxes, scores: Scores, most: float, of_smaller: bool = False) -> Indices:
    """Non-maximum suppression: which boxes stay, the best first, when none may overlap a better one by
    more than `most` of their union, or of the smaller one."""
    areas = (boxes[:, 2] - boxes[:, 0]).clip(0) * (boxes[:, 3] - boxes[:, 1]).clip(0)
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        near = np.maximum(boxes[left, :2], boxes[best, :2])
        far = np.minimum(boxes[left, 2:], boxes[best, 2:])
        common = (far - near).clip(0).prod(axis=1)
        whole = (
            np.minimum(areas[left], areas[best]) if of_smaller else areas[left] + areas[best] - common
        )
        left = left[common <= most * np.maximum(whole, 1e-9)]
    return np.array(kept, dtype=np.intp)


def suppress_each(
    boxes: Boxes, scores: Scores, owners: Indices, most: float, of_smaller: bool = False
) -> Indices:
    """The same among the boxes of each picture; `owners` [n] says whose each is."""
    kept = []
    for owner in np.unique(owners):
        own = np.flatnonzero(owners == owner)
        kept.append(own[suppress(boxes[own], scores[own], most, of_smaller)])
    return np.concatenate(kept) if kept else np.zeros(0, dtype=np.intp)


def moved(boxes: Boxes, offsets: npt.NDArray[np.float32]) -> Boxes:
    """Each side shifted by its offset, which is in parts of the box's width or height."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return boxes + offsets * np.tile(sizes, 2)


def squares(boxes: Boxes) -> Boxes:
    """Squares about the same centres, with the longer side of each, on whole pixels; at least 1."""
    sides = np.round((boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)).clip(1)
    corners = np.round((boxes[:, :2] + boxes[:, 2:] - sides) / 2)
    return np.concatenate([corners, corners + sides], axis=1)
