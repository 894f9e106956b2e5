"""Real avatar engines with a weakness each, for the tests of what is around them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from engines.animator import AnimatorEngine
from engines.avatar import AnimationRequest, AvatarInfo
from studio.control import Control
from studio.errors import OutOfMemory
from studio.video.types import Picture

FRAME_S = 0.02


class SlowAvatar(AnimatorEngine):
    """Takes FRAME_S for each picture besides."""

    id = "slow"

    @property
    def info(self) -> AvatarInfo:
        return replace(super().info, id=self.id, label=f"Test avatar {self.id}")

    def animate(self, request: AnimationRequest, control: Control) -> Iterator[Picture]:
        for picture in super().animate(request, control):
            time.sleep(FRAME_S)
            yield picture


class BreakingAvatar(SlowAvatar):
    """Breaks off with a programming error at its eleventh picture."""

    id = "breaking"

    def animate(self, request: AnimationRequest, control: Control) -> Iterator[Picture]:
        for index, picture in enumerate(super().animate(request, control)):
            if index == 10:
                raise RuntimeError("a bug")
            yield picture


class FullAvatar(SlowAvatar):
    """Runs out of memory at its second picture."""

    id = "full"

    def animate(self, request: AnimationRequest, control: Control) -> Iterator[Picture]:
        for picture in super().animate(request, control):
            yield picture
            raise OutOfMemory("The memory is full.", "Choose a smaller height.")


class ShortAvatar(SlowAvatar):
    """Gives three pictures, whatever was asked for."""

    id = "short"

    def animate(self, request: AnimationRequest, control: Control) -> Iterator[Picture]:
        for index, picture in enumerate(super().animate(request, control)):
            if index == 3:
                return
            yield picture


TABLE = {
    cls.id: f"{__name__}:{cls.__name__}" for cls in (SlowAvatar, BreakingAvatar, FullAvatar, ShortAvatar)
}
