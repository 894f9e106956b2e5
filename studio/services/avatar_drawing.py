"""Picture by picture from the engine into the file, others getting the engine's device in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from engines.avatar import AnimationRequest, AvatarEngine
from engines.manager import Lease
from studio.control import Control
from studio.errors import EngineFailed
from studio.video.captions import Overlay
from studio.video.pictures import jpeg_bytes
from studio.video.types import Picture, frame_count
from studio.video.writing import VideoWriter

#: How often there is a new preview, seconds, and its longer side, pixels.
_PREVIEW_S = 0.5
_PREVIEW_SIDE = 480


@dataclass(frozen=True)
class Drawing:
    """What is drawn, and where it goes."""

    request: AnimationRequest
    overlay: Overlay
    target: Path
    metadata: Mapping[str, str]

    @property
    def frames(self) -> int:
        return frame_count(self.request.seconds, self.request.fps)


#: Hears of each new preview: frames that are encoded, the newest as JPEG.
Show = Callable[[int, bytes], None]


def draw(lease: Lease[AvatarEngine], drawing: Drawing, control: Control, show: Show) -> None:
    """Write the video, whole or not at all. About once a second of it whoever waits for the engine's
    device gets a turn. Raises what the engine raises, Cancelled, StorageFailed."""
    request, count = drawing.request, drawing.frames
    shown = -_PREVIEW_S
    done = 0
    control.progress("first frame", 0.0)
    # Closed at once, whatever happens: it may hold a file and a good deal of memory.
    frames = cast("Generator[Picture, None, None]", lease.engine.animate(request, control))
    writer = VideoWriter(
        drawing.target, request.scene.size, request.fps, request.sound, drawing.metadata
    )
    with closing(frames), writer:
        for picture in frames:
            picture = drawing.overlay.draw(picture, done)
            writer.write(picture)
            done += 1
            if time.monotonic() - shown >= _PREVIEW_S or done == count:
                shown = time.monotonic()
                show(done, jpeg_bytes(picture, _PREVIEW_SIDE))
            if done % request.fps == 0 and done < count:
                lease.give_way()
            control.progress(f"frame {done} of {count}", done / count)
        if done != count:
            raise EngineFailed(
                f"The video broke off after {done} of {count} pictures.",
                "Try again, or choose another engine.",
            )
