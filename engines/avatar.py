"""The interface of an avatar engine, which makes a picture speak: what it is asked, what it gives back, what
it says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engines.base import ModelChoice, Option, PhonemeTiming, Placement
from studio.control import Control
from studio.video.types import Picture, Scene


@dataclass(frozen=True)
class AnimationRequest:
    """A scene and what it is to say."""

    scene: Scene
    sound: Path  # a sound file of `seconds`, any sample rate; read in blocks, for it may be hours long
    seconds: float
    phonemes: tuple[PhonemeTiming, ...] = ()  # IPA, from the sound's start; () where they are not known
    fps: int = 25
    options: Mapping[str, float] = field(default_factory=dict)  # keys of AvatarInfo.options
    model: str = ""  # the key that is loaded, for engines that have models


@dataclass(frozen=True)
class AvatarInfo:
    """What an avatar engine says of itself without being loaded."""

    id: str
    label: str
    license: str  # SPDX where it has one
    description: str  # one honest sentence, shown wherever it is chosen
    uses_phonemes: bool  # it moves the mouth by AnimationRequest.phonemes; else by the sound alone
    options: tuple[Option, ...] = ()  # their `modes` are empty
    model_keys: tuple[str, ...] = ()  # of studio.models.registry; empty: needs no download
    embedded: bool = False  # small and always there: stays loaded beside other engines
    notice: str = ""  # what may not be done with what it makes, shown with each choice of it


class AvatarEngine(Protocol):
    """An avatar engine. Only `engines.manager` calls it; the calls that need it loaded come one at a
    time, `info` and `models` from any thread."""

    @property
    def info(self) -> AvatarInfo: ...

    @property
    def is_loaded(self) -> bool: ...

    @property
    def loaded_model(self) -> str:
        """The key of the model that is loaded; "" when none is, or it has no models."""

    def models(self) -> tuple[ModelChoice, ...]:
        """Its models, the best first, installed or not; empty where it needs none."""

    def load(self, placement: Placement, model: str) -> None:
        """Get `model` ready, in place of what was loaded; raises EngineFailed with a remedy."""

    def unload(self) -> None:
        """Give the memory back, and what was prepared for scenes; harmless when not loaded."""

    def animate(self, request: AnimationRequest, control: Control) -> Iterator[Picture]:
        """The scene, speaking: `frame_count(request.seconds, request.fps)` pictures of its size, in order.
        Each belongs to the caller. Memory does not grow with their number. Raises BadInput for a scene that
        it cannot animate, Cancelled when the control says so, EngineFailed."""
