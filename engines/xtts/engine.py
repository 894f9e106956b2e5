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
    ModelChoice,
    Placement,
    Speaker,
    SpeechChunk,
    SpeechRequest,
    VoicePrompt,
)
from engines.choosing import entries_of, keys_of, model_choice, trained_speakers
from engines.xtts import facts
from studio.control import Control
from studio.errors import BadInput, EngineFailed
from studio.models.registry import ModelEntry, entry_of
from studio.models.xtts import CHARACTERS

if TYPE_CHECKING:
    from engines.lora import AdapterSlot
    from engines.xtts.conditioning import LatentStore
    from engines.xtts.loading import LoadedModel

ENGINE = "xtts"

_DESCRIPTION = (
    "Natural speech in 17 languages, like a recording of a few seconds or in one of 58 voices; can be "
    "trained. Its weights are for non-commercial use. Wants a graphics card."
)


class XttsEngine:
    """XTTS behind engines.base.SpeechEngine. The same seed gives the same sound on the same device."""

    def __init__(self, folders: EngineFolders) -> None:
        self._folders = folders
        self._loaded: LoadedModel | None = None
        self._base: LoadedModel | None = None  # what `_loaded` is, or lies over
        self._slot: AdapterSlot | None = None  # over `_base`

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

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    @property
    def loaded_model(self) -> str:
        loaded = self._loaded
        return loaded.entry.key if loaded is not None and loaded.is_current else ""

    def models(self, mode: Capability) -> tuple[ModelChoice, ...]:
        return tuple(
            model_choice(self._folders.models, entry, _note(entry))
            for entry in entries_of(ENGINE, self._folders.models)
            if str(mode) in entry.modes
        )

    def load(self, placement: Placement, model: str) -> None:
        """Load `model` where `placement` says, in float32. About 4 s for the packages the first time,
        then as long as the disk takes; an adapter over a base that is loaded already takes a moment.
        Raises NotFound, EngineFailed, OutOfMemory, and BadInput and Damaged for an adapter."""
        from engines.lora import AdapterSlot
        from engines.xtts.loading import load, over_base

        folders = self._folders.models
        entry = entry_of(model, {entry.key: entry for entry in entries_of(ENGINE, folders)})
        trained = folders.trained(model)
        adapter = trained if trained is not None and trained.is_adapter else None
        wanted = folders.table[entry.base] if adapter is not None else entry
        base = self._base
        if base is None or not base.serves(wanted, placement):
            self.unload()
            self._base = self._loaded = base = load(wanted, folders.find(wanted.key), placement)
            self._slot = AdapterSlot(base.model.gpt)
        assert self._slot is not None
        if adapter is not None:
            self._loaded = over_base(base, self._slot, adapter)
        else:
            self._slot.clear()
            self._loaded = base

    def unload(self) -> None:
        if self._loaded is None:
            return
        from engines.memory import give_back

        self._loaded = self._base = self._slot = None
        give_back()

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
    if entry.practice:
        return "Practice model: its weights are random, so it makes noise instead of speech."
    return "Its weights, and what they speak, are for non-commercial use only."
