"""From the faces in each frame of a video to the one that speaks, through all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from studio.errors import BadInput
from studio.services.face_geometry import SURE, VALUES, Values

#: Frames over which a face's place is averaged: detection trembles by a pixel or two.
SMOOTHED = 5
#: Longer gaps are not filled, seconds: nobody could tell where the mouth was.
LONGEST_GAP_S = 1.0
#: With a face in fewer frames than this part, it is no video of a face.
_LEAST_SEEN = 0.5
#: How far a face moves at most from one frame to the next where there are several, in its widths; and how
#: much of that again for each frame in which it was not seen.
_REACH, _REACH_GROWS = 0.6, 0.03
#: A jump over this many widths is a cut: places are not averaged across it.
_CUT = 0.5
#: How many gaps a message names.
_NAMED = 4

_Mask: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]


def track(frames: Sequence[Values], start: int, chosen: Values, fps: float, name: str) -> Values:
    """The chosen face in each frame, float64 [frames, 15], smoothed, with short gaps filled.

    `frames` holds the faces [n, 15] of each; `chosen` is the face to follow, as it is about the frame
    `start`. In a video that never shows more than one face for sure it is that one, wherever it jumps; among
    several it is the one nearest to where it was. Raises BadInput that says from when to when it is not seen, where
    that is longer than LONGEST_GAP_S; `name` is the file's.
    """
    alone = max((int(_sure(faces).sum()) for faces in frames), default=0) <= 1
    if alone:
        frames = [faces[_sure(faces)] if _sure(faces).any() else faces for faces in frames]
    start = min(start, len(frames) - 1)
    found = np.full((len(frames), VALUES), np.nan)
    _follow(frames, found, range(start, len(frames)), chosen, alone)
    back = found[start] if not np.isnan(found[start, 0]) else chosen
    _follow(frames, found, range(start - 1, -1, -1), back, alone)
    seen = ~np.isnan(found[:, 0])
    _judge_gaps(seen, fps, name)
    return _smoothed(_filled(found, seen))


def _sure(faces: Values) -> _Mask:
    """Which of `faces` [n, 15] are no mistakes of the detector."""
    return np.asarray(faces[:, -1] >= SURE)


def _follow(frames: Sequence[Values], found: Values, order: range, last: Values, alone: bool) -> None:
    missed = 0
    for index in order:
        faces = frames[index]
        nearest = _nearest(faces, last, None if alone else _REACH + _REACH_GROWS * missed)
        if nearest is None:
            missed += 1
        else:
            found[index] = last = faces[nearest]
            missed = 0


def _nearest(faces: Values, last: Values, reach: float | None) -> int | None:
    """Which of `faces` lies nearest to `last`, within `reach` of its widths and of about its size."""
    if not len(faces):
        return None
    distances = _distances(faces, last)
    nearest = int(distances.argmin())
    if reach is not None:
        growth = (faces[nearest, 2] - faces[nearest, 0]) / (last[2] - last[0])
        if distances[nearest] > reach or not 0.5 < growth < 2.0:
            return None
    return nearest


def _distances(faces: Values, other: Values) -> Values:
    """Of the centres, in widths of `other` [..., 15]."""
    shift = (faces[..., :2] + faces[..., 2:4] - other[..., :2] - other[..., 2:4]) / 2
    width = other[..., 2] - other[..., 0]
    return np.asarray(np.hypot(shift[..., 0], shift[..., 1]) / np.maximum(width, 1.0))


def _judge_gaps(seen: _Mask, fps: float, name: str) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[True], seen, [True]]).astype(np.int8)))
    gaps = [(begin / fps, end / fps) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    long = [gap for gap in gaps if gap[1] - gap[0] > LONGEST_GAP_S + 1e-6]
    if not long and seen.mean() >= _LEAST_SEEN:
        return
    shown = ", ".join(f"{begin:.1f} to {end:.1f} s" for begin, end in (long or gaps)[:_NAMED])
    more = f" and {len(long) - _NAMED} more times" if len(long) > _NAMED else ""
    if seen.mean() < _LEAST_SEEN:
        raise BadInput(
            f"The face is seen in only {seen.mean():.0%} of {name}; it is missing from {shown}{more}.",
            "Choose a video that shows the face throughout, or a single picture of it.",
        )
    raise BadInput(
        f"The face is not seen in {name} from {shown}{more}.",
        f"Cut these parts out, or choose a video in which it is never hidden for over {LONGEST_GAP_S:.0f} s.",
    )


def _filled(found: Values, seen: _Mask) -> Values:
    """Gaps led straight from the face before to the one after; at the ends, held."""
    at, known = np.arange(len(found)), np.flatnonzero(seen)
    return np.stack([np.interp(at, known, found[known, column]) for column in range(VALUES)], axis=1)


def _smoothed(places: Values) -> Values:
    """The mean over SMOOTHED frames, each between two cuts for itself."""
    cuts = np.flatnonzero(_distances(places[1:], places[:-1]) > _CUT) + 1
    window, half = np.ones(SMOOTHED), SMOOTHED // 2
    pieces = []
    for piece in np.split(places, cuts):
        weight = np.convolve(np.ones(len(piece)), window)[half : half + len(piece)]
        sums = [np.convolve(column, window)[half : half + len(piece)] for column in piece.T]
        pieces.append(np.stack(sums, axis=1) / weight[:, None])
    return np.concatenate(pieces)
