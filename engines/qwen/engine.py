"""The speech engine Qwen3-TTS: the official package builds the prompts, the studio's own loop and
codec speak them frame by frame. Importing this module loads nothing heavy."""

from __future__ import annotations

import functools
import json
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
from engines.qwen import facts
from studio.audio.types import Audio, Samples
from studio.control import Control
from studio.errors import BadInput, EngineFailed
from studio.models.registry import ModelEntry

if TYPE_CHECKING:
    from engines.qwen.loading import LoadedModel
    from engines.qwen.prompts import PromptStore

ENGINE = "qwen"

_DESCRIPTION = (
    "Natural speech in ten languages: speaks like a recording of a few seconds, in nine voices that "
    "follow instructions, or in a voice made from a description. Wants a graphics card."
)


class QwenEngine(OverBases["LoadedModel"]):
    """Qwen3-TTS behind engines.base.SpeechEngine.

    base models clone, custom_voice models bring voices, voice_design models make them from words.
    The same seed gives the same sound on the same device.
    """

    def __init__(self, folders: EngineFolders) -> None:
        super().__init__(ENGINE, "engines.qwen.loading", folders, _note)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            id=ENGINE,
            label="Qwen3-TTS",
            license="Apache-2.0",
            description=_DESCRIPTION,
            capabilities=frozenset(
                {
                    Capability.CLONE,
                    Capability.PRESET,
                    Capability.DESIGN,
                    Capability.INSTRUCT,
                    Capability.STREAM,
                    Capability.SEEDED,
                    Capability.SAMPLED,
                }
            ),
            languages=facts.LANGUAGES,
            sample_rate=facts.SAMPLE_RATE,
            sampling=facts.SAMPLING,
            model_keys=keys_of(ENGINE, self._folders.models),
        )

    def speakers(self) -> tuple[Speaker, ...]:
        """The nine published voices, those that were trained here, then those that only an installed
        model's configuration has."""
        known = {speaker.id for speaker in facts.SPEAKERS}
        found = {
            name: facts.found_speaker(name)
            for entry in self._folders.models.table.values()
            if entry.engine == ENGINE and str(Capability.PRESET) in entry.modes
            for name in self._speaker_ids(entry)
            if name not in known
        }
        return (*facts.SPEAKERS, *trained_speakers(ENGINE, self._folders.models), *found.values())

    def create_voice_prompt(
        self,
        ref_audio: Path,
        ref_text: str,
        language: str,
        x_vector_only: bool,
        control: Control,
        more: tuple[Path, ...] = (),
    ) -> VoicePrompt:
        """Prepare `ref_audio`, and `more` of the same voice, with the loaded base model; kept on disk.

        With a transcript the recording is also an example of the manner, unless `x_vector_only`.
        Raises BadInput for what is no recording, too short or silent; Cancelled, OutOfMemory.
        """
        loaded = self._ready()
        if loaded.entry.variant != "base":
            raise BadInput(
                f"{loaded.entry.label} cannot speak like a recording.", "Choose a Base model."
            )
        prompt = VoicePrompt(ENGINE, ref_audio, ref_text, language, x_vector_only, more=more)
        return self._prompts.prepare(prompt, loaded, control)

    def speaker_embedding(self, audio: Audio, control: Control) -> Samples:
        """[hidden] float32: the timbre of the speaker of `audio`, mono at 24 kHz, by the loaded base
        model. Raises BadInput for another model or another rate, Cancelled, OutOfMemory."""
        from engines.qwen.prompts import speaker_embedding

        loaded = self._ready()
        if loaded.entry.variant != "base":
            raise BadInput(f"{loaded.entry.label} has no speaker encoder.", "Choose a Base model.")
        control.check()
        return speaker_embedding(audio, loaded)

    def design(self, description: str) -> Mapping[str, float]:
        """Empty: the model understands the words itself."""
        return {}

    def understood(self, description: str) -> tuple[str, ...]:
        """Empty: what the model makes of each word it does not tell."""
        return ()

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        """Speak one part, 0.24 s of sound first, then up to 0.64 s at once.

        A part that goes on for far too long for its text is cut off (`texts.most_frames`). Raises
        BadInput, NotFound, EngineFailed, OutOfMemory; Cancelled within one frame. After each of them
        the next part can be spoken.
        """
        from engines.qwen import speaking

        loaded = self._ready()
        speaking.check(request, loaded)
        return self._speak(request, loaded, control)

    def _speak(
        self, request: SpeechRequest, loaded: LoadedModel, control: Control
    ) -> Iterator[SpeechChunk]:
        from engines.qwen import speaking

        voice = loaded.voice
        if request.voice_prompt is not None:
            voice = self._prompts.load(request.voice_prompt, loaded, control)
        yield from speaking.speak(request, voice, loaded, control)

    def _ready(self) -> LoadedModel:
        if self._loaded is None:
            raise EngineFailed("No model of Qwen3-TTS is loaded.", "Choose one in the Models tab.")
        return self._loaded

    @functools.cached_property
    def _prompts(self) -> PromptStore:
        from engines.qwen.prompts import PromptStore

        return PromptStore(self._folders.cache / ENGINE)

    def _speaker_ids(self, entry: ModelEntry) -> tuple[str, ...]:
        """The voices in the configuration of an installed model; none where it cannot be read, of
        which the model's report tells."""
        folder = self._folders.models.find(entry.key)
        if folder is None:
            return ()
        try:
            config = json.loads((folder / "config.json").read_bytes())
            return tuple(config["talker_config"]["spk_id"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()


def _note(entry: ModelEntry) -> str:
    """What the person should know before choosing `entry`."""
    if entry.size == "0b6" and entry.variant == "custom_voice":
        return "The 0.6B model ignores instructions on how to speak; the 1.7B model follows them."
    return ""
