"""The speech engine XTTS: coqui-tts's own model, tokenizer and conditioning, with the studio's loop
and vocoder around them. Importing this module loads nothing heavy."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engines.base import (
    Capability,
    EngineFolders,
    EngineInfo,
    Speaker,
    SpeechChunk,
    SpeechRequest,
    VoicePrompt,
)
from engines.choosing import keys_of, trained_speakers
from engines.over_bases import OverBases
from engines.xtts import facts
from studio.control import Control
from studio.errors import BadInput, EngineFailed
from studio.models.registry import ModelEntry
from studio.models.xtts import CHARACTERS

if TYPE_CHECKING:
    from engines.xtts.conditioning import LatentStore
    from engines.xtts.loading import LoadedModel

ENGINE = "xtts"

_DESCRIPTION = (
    "Natural speech in 17 languages, like a recording of a few seconds or in one of 58 voices; can be "
    "trained. Its weights are for non-commercial use. Wants a graphics card."
)


class XttsEngine(OverBases["LoadedModel"]):
    """XTTS behind engines.base.SpeechEngine. The same seed gives the same sound on the same device."""

    def __init__(self, folders: EngineFolders) -> None:
        super().__init__(ENGINE, "engines.xtts.loading", folders, _note)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            id=ENGINE,
            label="XTTS",
            license="MPL-2.0",
            description=_DESCRIPTION,
            capabilities=frozenset(
                {
                    Capability.CLONE,
                    Capability.PRESET,
                    Capability.STREAM,
                    Capability.SEEDED,
                    Capability.SPEED,
                    Capability.SAMPLED,
                }
            ),
            languages=facts.LANGUAGES,
            sample_rate=facts.SAMPLE_RATE,
            options=facts.OPTIONS,
            sampling=facts.SAMPLING,
            model_keys=keys_of(ENGINE, self._folders.models),
            stress_marks=False,
            part_characters=CHARACTERS,
        )

    def speakers(self) -> tuple[Speaker, ...]:
        """The 58 published voices, those that were trained here, then those that only the loaded model
        has."""
        trained = trained_speakers(ENGINE, self._folders.models)
        known = {speaker.id for speaker in (*facts.SPEAKERS, *trained)}
        own = self._loaded.speakers if self._loaded is not None else {}
        found = [facts.speaker(name) for name in own if facts.speaker_id(name) not in known]
        return (*facts.SPEAKERS, *trained, *found)

    def create_voice_prompt(
        self,
        ref_audio: Path,
        ref_text: str,
        language: str,
        x_vector_only: bool,
        control: Control,
        more: tuple[Path, ...] = (),
    ) -> VoicePrompt:
        """Prepare `ref_audio`, and `more` of the same voice, with the loaded model; kept on disk.

        Raises BadInput for what is no recording, shorter than 0.33 s or silent; Cancelled,
        OutOfMemory.
        """
        prompt = VoicePrompt(ENGINE, ref_audio, ref_text, language, x_vector_only, more=more)
        return self._latents.prepare(prompt, self._ready(), control)

    def design(self, description: str) -> Mapping[str, float]:
        raise BadInput(
            "XTTS cannot make a voice from words.", "Give a recording, or choose one of its voices."
        )

    def understood(self, description: str) -> tuple[str, ...]:
        return ()

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        """Speak one part, 0.3 s of sound first, then up to 0.9 s at once; with beams, all at the end.

        A part that goes on for far too long for its text is cut off. Raises BadInput, NotFound,
        EngineFailed, OutOfMemory; Cancelled within one token. After each of them the next part can be
        spoken.
        """
        from engines.xtts import speaking

        loaded = self._ready()
        speaking.check(request, loaded)
        return self._speak(request, loaded, control)

    def _speak(
        self, request: SpeechRequest, loaded: LoadedModel, control: Control
    ) -> Iterator[SpeechChunk]:
        from engines.xtts import speaking

        if request.voice_prompt is not None:
            voice = self._latents.load(request.voice_prompt, loaded, control)
        else:
            voice = speaking.builtin(request.speaker, loaded)
        yield from speaking.speak(request, voice, loaded, control)

    def _ready(self) -> LoadedModel:
        if self._loaded is None:
            raise EngineFailed("No model of XTTS is loaded.", "Choose one in the Models tab.")
        return self._loaded

    @functools.cached_property
    def _latents(self) -> LatentStore:
        from engines.xtts.conditioning import LatentStore

        return LatentStore(self._folders.cache / ENGINE)


def _note(entry: ModelEntry) -> str:
    """What the person should know before choosing `entry`."""
    return "Its weights, and what they speak, are for non-commercial use only."
