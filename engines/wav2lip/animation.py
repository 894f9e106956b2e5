"""Pictures with the lips of a sound: several at once through the net, one by one out of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.avatar import AnimationRequest
from engines.memory import memory_limit
from engines.wav2lip import mel
from engines.wav2lip.crops import Floats, Pads, Region, face_in, put_back, region_of
from engines.wav2lip.loading import Loaded, blank_below
from engines.wav2lip.options import value_of
from studio.control import Control
from studio.video.types import Picture, Scene, Shot, frame_count

#: So many at first, so that there is something to see early.
_FIRST_BATCH = 4
#: Of the pictures of a video that are held at once, in bytes.
_MOST_HELD = 256_000_000
#: Faces that stand still and are kept with what the net sees of them, about 1 MB each.
_MOST_KEPT = 4


def animate(loaded: Loaded, request: AnimationRequest, control: Control) -> Iterator[Picture]:
    """What engines.avatar.AvatarEngine.animate promises."""
    scene, count = request.scene, frame_count(request.seconds, request.fps)
    pads = Pads(
        *(value_of(f"pad_{side}", request.options) for side in ("top", "bottom", "left", "right"))
    )
    feather = value_of("feather", request.options)
    size = _batch_size(loaded, request)
    still: list[Tensor] = []  # what the net sees of a picture that does not move, for a whole batch
    shots = scene.shots(request.fps, count)
    sounds = mel.windows(request.sound, request.fps, count)
    with memory_limit(
        f"There is not enough memory on {loaded.placement.device} for {size} faces at once.",
        "Set a smaller batch size.",
    ):
        for batch in _batches(zip(shots, sounds, strict=True), size):
            control.check()
            regions = [region_of(shot.face, scene.size, pads) for shot, _ in batch]
            heard = _heard(loaded, [sound for _, sound in batch])
            with torch.inference_mode():
                if scene.still:
                    if not still:
                        seen = _looked_at(loaded, scene, batch[0][0], regions[0])
                        still = [_repeated(each, size) for each in seen]
                    now = [each[: len(batch)] for each in still]
                    drawn = loaded.net.draw(heard, now, control.check)
                else:
                    faces = [
                        face_in(shot.picture, region)
                        for (shot, _), region in zip(batch, regions, strict=True)
                    ]
                    drawn = loaded.net(heard, _shown(loaded, faces), control.check)
            for (shot, _), region, face in zip(batch, regions, _pixels(drawn), strict=True):
                control.check()
                yield put_back(shot.picture, region, face, feather)


def _batch_size(loaded: Loaded, request: AnimationRequest) -> int:
    size = int(value_of("batch_size", request.options)) or loaded.batch_size
    if request.scene.still:
        return size
    width, height = request.scene.size
    return max(1, min(size, _MOST_HELD // (3 * width * height)))


def _batches(pairs: Iterator[tuple[Shot, mel.Mels]], size: int) -> Iterator[list[tuple[Shot, mel.Mels]]]:
    for wanted in itertools.chain((min(_FIRST_BATCH, size),), itertools.repeat(size)):
        batch = list(itertools.islice(pairs, wanted))
        if not batch:
            return
        yield batch


def _looked_at(loaded: Loaded, scene: Scene, shot: Shot, region: Region) -> list[Tensor]:
    """What the net sees of a scene that stands still, once, as Wav2Lip.look has it; kept for the next
    request of the same."""
    key = (scene.key, scene.size, region)
    if key not in loaded.kept:
        while len(loaded.kept) >= _MOST_KEPT:
            del loaded.kept[next(iter(loaded.kept))]
        loaded.kept[key] = loaded.net.look(_shown(loaded, [face_in(shot.picture, region)]))
    return loaded.kept[key]


def _repeated(seen: Tensor, count: int) -> Tensor:
    return seen.expand(count, -1, -1, -1).contiguous(memory_format=torch.channels_last)


def _heard(loaded: Loaded, sounds: Sequence[mel.Mels]) -> Tensor:
    """[n, 1, MEL_BANDS, MEL_FRAMES] on the net's device."""
    return torch.from_numpy(np.stack(sounds)).unsqueeze(1).to(loaded.placement.device, loaded.dtype)


def _shown(loaded: Loaded, faces: Sequence[Picture]) -> Tensor:
    """[n, 6, FACE_SIZE, FACE_SIZE] on the net's device: without the lower half, then whole."""
    pixels = torch.from_numpy(np.stack(faces)).to(loaded.placement.device).permute(0, 3, 1, 2)
    whole = pixels.to(loaded.dtype) / 255
    return torch.cat((blank_below(whole), whole), dim=1)


def _pixels(drawn: Tensor) -> Floats:
    """float32 [n, FACE_SIZE, FACE_SIZE, 3], BGR, 0 to 255."""
    pixels: npt.NDArray[np.float32] = (drawn.float() * 255).permute(0, 2, 3, 1).cpu().numpy()
    return pixels
