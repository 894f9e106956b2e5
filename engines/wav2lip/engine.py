"""Wav2Lip behind engines.avatar.AvatarEngine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engines.avatar import AnimationRequest, AvatarInfo
from engines.base import EngineFolders, ModelChoice, Placement
from engines.choosing import keys_of, model_choice, whole_folder
from engines.wav2lip.options import OPTIONS
from studio.control import Control
from studio.models.registry import entry_of
from studio.models.wav2lip import SERVES
from studio.video.types import Picture

if TYPE_CHECKING:
    from engines.wav2lip.loading import Loaded

_ID = "wav2lip"


class Wav2LipEngine:
    """Our own net with the published weights; it never fetches any itself."""

    def __init__(self, folders: EngineFolders) -> None:
        self._folders = folders.models
        self._loaded: Loaded | None = None

    @property
    def info(self) -> AvatarInfo:
        return AvatarInfo(
            id=_ID,
            label="Wav2Lip",
            license="Apache-2.0; the weights for research and non-commercial use only",
            description=(
                "Draws the mouth anew for every picture, by the sound alone and in any language. It moves as "
                "in life, but it is drawn with 96 pixels: in a large face it is softer than what surrounds it."
            ),
            uses_phonemes=False,
            options=OPTIONS,
            model_keys=keys_of(_ID, self._folders),
            notice=(
                "Wav2Lip's weights, and the videos that are made with them, are for research and personal, "
                "non-commercial use only."
            ),
        )

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    @property
    def loaded_model(self) -> str:
        return self._loaded.key if self._loaded is not None else ""

    @property
    def placement(self) -> Placement | None:
        """Where the net is, and why in these numbers: not each model is true enough in the shorter ones."""
        return self._loaded.placement if self._loaded is not None else None

    def models(self) -> tuple[ModelChoice, ...]:
        entries = (entry_of(key, self._folders.table) for key in keys_of(_ID, self._folders))
        return tuple(
            model_choice(self._folders, entry, entry.serves.removeprefix(SERVES)) for entry in entries
        )

    def load(self, placement: Placement, model: str) -> None:
        """Read the checkpoint; importing torch takes some 2 s the first time."""
        entry = entry_of(model, self._folders.table)
        folder = whole_folder(self._folders, entry)
        self.unload()
        from engines.wav2lip.loading import load

        self._loaded = load(entry, folder, placement)

    def unload(self) -> None:
        if self._loaded is None:
            return
        self._loaded = None
        from engines.memory import give_back

        give_back()

    def animate(self, request: AnimationRequest, control: Control) -> Iterator[Picture]:
        loaded = self._loaded
        assert loaded is not None, "not loaded"
        from engines.wav2lip.animation import animate

        return animate(loaded, request, control)
