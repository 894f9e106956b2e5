"""Prepared voices on the disk, by the content of their recordings and the model that made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from engines.base import VoicePrompt
from studio.audio.fingerprint import fingerprint
from studio.audio.reading import probe
from studio.errors import EngineFailed


class _Made(Protocol):
    """What is kept of a voice."""

    @property
    def identity(self) -> str:
        """Of the model that made it."""

    @property
    def notes(self) -> tuple[str, ...]: ...


P = TypeVar("P", bound=_Made)


@dataclass(frozen=True)
class PromptCache(Generic[P]):
    """The prepared voices in `folder`. `read` gives None for a file that is gone or damaged."""

    folder: Path
    read: Callable[[Path], P | None]
    write: Callable[[Path, P], None]

    def prepare(
        self, prompt: VoicePrompt, about: tuple[object, ...], make: Callable[[], P]
    ) -> VoicePrompt:
        """`prompt` with its file in the cache, made now unless it is there, and with its notes. `about`
        is whatever else than the recordings shapes what is made.

        Raises BadInput for what is no recording, and what `make` raises.
        """
        for recording in (prompt.ref_audio, *prompt.more):
            probe(recording)  # refuses what is no recording in the words of the audio layer
        others = [fingerprint(recording) for recording in prompt.more]
        path = self.folder / f"{fingerprint(prompt.ref_audio, *about, *others)}.safetensors"
        made = self.read(path)
        if made is None:
            made = make()
            self.write(path, made)
        return replace(prompt, cache=path, notes=made.notes)

    def load(
        self, prompt: VoicePrompt, identity: str, prepare: Callable[[VoicePrompt], VoicePrompt]
    ) -> P:
        """What `prepare` made; made again where the cache was emptied or `prompt` was prepared for
        another model than `identity`, for which the recordings must still be there."""
        made = self.read(prompt.cache) if prompt.cache is not None else None
        if made is None or made.identity != identity:
            prompt = prepare(prompt)
            made = self.read(prompt.cache) if prompt.cache is not None else None
        if made is None:
            raise EngineFailed(
                "The prepared voice is gone again.", "Check the disk of the studio's home."
            )
        return made
