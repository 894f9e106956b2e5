"""From pictures to the faces in them: an image pyramid and three nets, each sorting out what the one
before proposed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engines import devices
from engines.mtcnn.boxes import Boxes, Indices, Scores, moved, squares, suppress_each
from studio.video.types import Face, Landmarks, Picture, Point

if TYPE_CHECKING:
    import torch

    from engines.mtcnn.nets import Nets

#: Frames of a video that are best looked at together.
BATCH = 16
#: The width of the smallest face that is looked for where nothing else is said, pixels. The nets were
#: made for 12, at which they find more than there is.
SMALLEST_FACE = 20.0

#: From one level of the pyramid to the next; the square root of one half.
_PYRAMID_STEP = 0.709
#: The scores that a window must reach in P-, R- and O-Net: those of the wheel `mtcnn`.
_PNET_SCORE, _RNET_SCORE, _ONET_SCORE = 0.6, 0.7, 0.8
#: How much of their union two boxes may share: on one level, over all of them, and after O-Net.
_SHARED_ON_LEVEL, _SHARED = 0.5, 0.7
#: Pixels that P-Net looks at in one go, which bounds its memory to some 200 MB.
_PNET_PIXELS = 2_000_000
#: Windows that R- and O-Net look at in one go.
_WINDOWS = 512
#: What is seen outside of a picture.
_GREY = 127


class FaceDetector:
    """Finds faces. Thread-safe; the nets (2 MB) are loaded by the first call and stay."""

    def __init__(self) -> None:
        self._nets: Nets | None = None
        self._lock = threading.Lock()

    def detect(
        self, pictures: Sequence[Picture], smallest: float = SMALLEST_FACE
    ) -> list[tuple[Face, ...]]:
        """The faces of each picture from left to right, with the confidence of O-Net, 0.8 to 1.

        The pictures are of one size; BATCH of them take less time together. Faces much less than `smallest`
        pixels wide are not looked for: the time falls with its square. Raises EngineFailed where the
        weights are missing or damaged.
        """
        if not pictures:
            return []
        if len({picture.shape for picture in pictures}) != 1:
            raise ValueError("the pictures of a batch must be of one size")
        nets = self._loaded()
        import torch

        with torch.inference_mode():
            owners, boxes = _proposed(nets, pictures, smallest)
            owners, boxes = _refined(nets, pictures, owners, boxes)
            return _found(nets, pictures, owners, boxes)

    def _loaded(self) -> Nets:
        with self._lock:
            if self._nets is None:
                devices.torch_module()
                from engines.mtcnn import nets

                self._nets = nets.load()
            return self._nets


def _proposed(nets: Nets, pictures: Sequence[Picture], smallest: float) -> tuple[Indices, Boxes]:
    """What P-Net takes for faces, as squares: whose each is, and where."""
    from engines.mtcnn.nets import PNET_STRIDE, PNET_WINDOW

    all_owners = [np.zeros(0, np.intp)]
    all_boxes = [np.zeros((0, 4), np.float32)]
    all_scores = [np.zeros(0, np.float32)]
    for scale, level in _pyramid(pictures, PNET_WINDOW / max(smallest, PNET_WINDOW), PNET_WINDOW):
        height, width = level.shape[1:3]
        step = max(1, _PNET_PIXELS // (height * width))
        for first in range(0, len(level), step):
            scores, offsets = nets.pnet(_tensor(level[first : first + step]))
            found = (scores > _PNET_SCORE).nonzero(as_tuple=True)
            owners, rows, columns = (index.numpy() for index in found)
            # The + 1 is of the weights: they were learnt where pixels count from one.
            corners = np.stack([columns, rows], axis=1).astype(np.float32) * PNET_STRIDE + 1
            boxes = np.concatenate([corners, corners + (PNET_WINDOW - 1)], axis=1)
            boxes = moved(boxes, offsets.permute(0, 2, 3, 1)[found].numpy()) / scale
            strength = scores[found].numpy()
            kept = suppress_each(boxes, strength, owners, _SHARED_ON_LEVEL)
            all_owners.append(owners[kept] + first)
            all_boxes.append(boxes[kept])
            all_scores.append(strength[kept])
    owners, boxes = np.concatenate(all_owners), np.concatenate(all_boxes)
    scores = np.concatenate(all_scores)
    kept = suppress_each(boxes, scores, owners, _SHARED)
    return owners[kept], squares(boxes[kept])


def _refined(
    nets: Nets, pictures: Sequence[Picture], owners: Indices, boxes: Boxes
) -> tuple[Indices, Boxes]:
    """What R-Net leaves of them."""
    from engines.mtcnn.nets import RNET_SIDE

    scores, offsets = np.zeros(len(boxes), np.float32), np.zeros((len(boxes), 4), np.float32)
    for part, windows in _windows(pictures, owners, boxes, RNET_SIDE):
        of_face, moves = nets.rnet(windows)
        scores[part], offsets[part] = of_face.numpy(), moves.numpy()
    kept = np.flatnonzero(scores > _RNET_SCORE)
    owners, boxes, scores = owners[kept], moved(boxes[kept], offsets[kept]), scores[kept]
    kept = suppress_each(boxes, scores, owners, _SHARED)
    return owners[kept], squares(boxes[kept])


def _found(
    nets: Nets, pictures: Sequence[Picture], owners: Indices, boxes: Boxes
) -> list[tuple[Face, ...]]:
    """What O-Net says of the rest."""
    from engines.mtcnn.nets import ONET_SIDE

    scores, offsets = np.zeros(len(boxes), np.float32), np.zeros((len(boxes), 4), np.float32)
    points = np.zeros((len(boxes), 2, 5), np.float32)
    for part, windows in _windows(pictures, owners, boxes, ONET_SIDE):
        answer = nets.onet(windows)
        scores[part], offsets[part] = answer.scores.numpy(), answer.offsets.numpy()
        points[part] = answer.points.numpy().reshape(-1, 2, 5)
    points = points * (boxes[:, 2:] - boxes[:, :2])[:, :, None] + boxes[:, :2, None]
    boxes = moved(boxes, offsets)
    sure = np.flatnonzero(scores > _ONET_SCORE)
    kept = sure[suppress_each(boxes[sure], scores[sure], owners[sure], _SHARED, of_smaller=True)]
    return [
        tuple(
            _face(boxes[index], points[index], scores[index])
            for index in sorted(kept[owners[kept] == owner], key=lambda index: float(boxes[index, 0]))
        )
        for owner in range(len(pictures))
    ]


def _face(box: Boxes, points: Boxes, score: Scores) -> Face:
    left_eye, right_eye, nose, mouth_left, mouth_right = (Point(float(x), float(y)) for x, y in points.T)
    landmarks = Landmarks(left_eye, right_eye, nose, mouth_left, mouth_right)
    left, top, right, bottom = (float(side) for side in box)
    return Face(left, top, right, bottom, landmarks, float(score))


def _pyramid(
    pictures: Sequence[Picture], largest: float, smallest_side: int
) -> Iterator[tuple[float, Picture]]:
    """The pictures at falling scales from `largest` on, as uint8 [n, height, width, 3]."""
    import cv2

    height, width = pictures[0].shape[:2]
    scale, finest = largest, list(pictures)
    while min(height, width) * scale >= smallest_side:
        size = (round(width * scale), round(height * scale))
        level = [_resized(picture, size, cv2.INTER_AREA) for picture in finest]
        if scale == largest:
            finest = level  # the coarser levels are made of it, for a photo may be large
        yield scale, np.stack(level)
        scale *= _PYRAMID_STEP


def _windows(
    pictures: Sequence[Picture], owners: Indices, boxes: Boxes, side: int
) -> Iterator[tuple[slice, torch.Tensor]]:
    """The contents of the boxes at `side` x `side`, some at a time, each with the slice of `boxes`."""
    for first in range(0, len(boxes), _WINDOWS):
        part = slice(first, first + _WINDOWS)
        cut = [
            _window(pictures[owner], box, side)
            for owner, box in zip(owners[part], boxes[part].astype(int), strict=True)
        ]
        yield part, _tensor(np.stack(cut))


def _window(picture: Picture, box: Indices, side: int) -> Picture:
    import cv2

    left, top, right, bottom = (int(edge) for edge in box)
    inside = picture[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if inside.shape[:2] != (bottom - top, right - left):
        whole = np.full((bottom - top, right - left, 3), _GREY, np.uint8)
        y, x = max(0, -top), max(0, -left)
        whole[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        inside = whole
    method = cv2.INTER_AREA if right - left > side else cv2.INTER_LINEAR
    return _resized(inside, (side, side), method)


def _resized(picture: Picture, size: tuple[int, int], method: int) -> Picture:
    import cv2

    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def _tensor(pictures: Picture) -> torch.Tensor:
    """uint8 [n, height, width, 3] as the nets take it, its channels last in memory, where they are."""
    import torch

    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().sub_(127.5).div_(128.0)
