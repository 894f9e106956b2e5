"""Qwen3-TTS in training: the talker and its code predictor of a base model.

The voice is an x-vector, as in cloning. What comes out clones with adapters over the base model, or
becomes a voice of its own in a custom_voice model.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.base import Placement, SamplingParams, SpeechRequest
from engines.qwen import speaking
from engines.qwen.codec import StreamingCodec
from engines.qwen.cuda_graphs import make_loop
from engines.qwen.facts import SAMPLE_RATE
from engines.qwen.loading import LoadedModel, loading_errors, official_model
from engines.qwen.prompts import ClonePrompt, mean
from engines.saving import weights_being_saved
from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.metadata import Row
from studio.errors import BadInput, EngineFailed
from studio.files import read_json
from studio.models.registry import MODELS, QWEN, ModelEntry
from studio.runs.values import Method, RunSettings
from training.families import qwen_weights, weights
from training.families.qwen_clips import EncodedClip, clip_of, encode
from training.families.qwen_layout import Clip, Tokens, lay_out
from training.families.qwen_talker import TrainedTalker, batch_of
from training.family import Encoded, Example
from training.together import kept_modes

_LABEL = "The model in training"


class QwenFamily:
    """See training.family.TrainingFamily."""

    def __init__(
        self, base_folder: Path, settings: RunSettings, device: str, dtype: torch.dtype
    ) -> None:
        self._base, self._settings = base_folder, settings
        self._device = device
        self._dtype = torch.float32 if settings.method is Method.FULL else dtype
        self._wrapper: Any = None  # qwen_tts.Qwen3TTSModel
        self._module: TrainedTalker | None = None
        self._voice: Tensor | None = None  # [hidden] float32

    def encode(self, rows: Sequence[Row], cache: Path, control: Control) -> Encoded:
        return encode(rows, self._base, self._tokens, self._device, cache, control)

    def build(self, examples: Sequence[Example]) -> nn.Module:
        """Raises EngineFailed for a model that cannot be loaded, BadInput for one that is no base model
        and for adapters in modules that it does not have."""
        with loading_errors(_LABEL, self._base):
            self._check_base()
            self._wrapper = official_model(_LABEL, self._base, self._device, self._dtype)
        self._wrapper.model.requires_grad_(False)
        talker = self._wrapper.model.talker
        if self._settings.method is Method.LORA:
            qwen_weights.add_lora(talker, self._settings.lora)
        else:
            talker.requires_grad_(True)
        if self._settings.gradient_checkpointing:
            # The other form wants inputs that require a gradient, which frozen embeddings do not give.
            talker.gradient_checkpointing_enable({"use_reentrant": False})
        module = TrainedTalker(talker).train()
        weights.train_in_float32(module)
        self._voice = _voice(examples)
        self._module = module
        return module

    def collate(
        self,
        examples: Sequence[Example],
        others: Mapping[str, Sequence[Example]],
        generator: random.Random,
    ) -> dict[str, Any]:
        """One form for the whole batch, for the two differ in length."""
        encoded = [clip_of(example) for example in examples]
        clips = [
            Clip(each.text, each.codes, self._tokens.language(example.language))
            for each, example in zip(encoded, examples, strict=True)
        ]
        beside = generator.random() < 0.5 and all(clip.fits_beside for clip in clips)
        voices = [
            _other_voice(example, each, others.get(example.speaker, ()), generator)
            for each, example in zip(encoded, examples, strict=True)
        ]
        laid_out = [lay_out(clip, self._tokens, beside) for clip in clips]
        return dict(batch_of(laid_out, voices, self._tokens.text_pad))

    def padding(self, batch: Mapping[str, Any]) -> float:
        return 1 - float(batch["lengths"].sum()) / batch["text"].numel()

    def trainable_state(self) -> dict[str, Tensor]:
        return weights.copied(self._trained)

    def load_trainable(self, folder: Path) -> None:
        settings = self._settings
        weights.load_into(self._trained, folder, settings.method, settings.lora, "Qwen3-TTS")

    def write_checkpoint(self, folder: Path) -> None:
        """See training.families.qwen_weights for the files."""
        state = self.trainable_state()
        with weights_being_saved(folder):
            if self._settings.method is Method.LORA:
                config = self._built.talker.peft_config["default"]
                weights.write_adapter(folder, state, config, self._settings.base)
            else:
                qwen_weights.write_model(folder, state, self._base)
            if self._voice is not None:
                qwen_weights.write_voice(folder, self._voice)

    def speak(self, text: str, language: str, seed: int, control: Control) -> Audio:
        """24 kHz. Raises BadInput, NotFound as the engine does; Cancelled within a frame."""
        module = self._built
        request = SpeechRequest(text, language, sampling=SamplingParams(seed=seed))
        voice = None if self._voice is None else ClonePrompt("", self._voice, None, "", ())
        with _for_speaking(module):
            loaded = self._loaded()
            speaking.check(request, loaded)
            chunks = [chunk.audio.samples for chunk in speaking.speak(request, voice, loaded, control)]
        return Audio(np.concatenate([np.zeros(0, np.float32), *chunks]), SAMPLE_RATE)

    def _loaded(self) -> LoadedModel:
        """The model as the engine has it. The loop is made anew for each text, since it keeps norms as
        they are at the moment; a graph would take longer to capture than it saves."""
        return LoadedModel(
            entry=_ENTRY,
            folder=self._base,
            wrapper=self._wrapper,
            loop=make_loop(self._wrapper.model.talker, graphs=False),
            codec=self._codec,
            placement=Placement(self._device, str(self._dtype).removeprefix("torch.")),
            identity="",
        )

    def _check_base(self) -> None:
        variant = self._config.get("tts_model_type")
        if variant != "base":
            raise BadInput(
                f"{self._base.name} is a {variant} model of Qwen3-TTS, which cannot be trained here.",
                "Choose a base model.",
            )

    @property
    def _built(self) -> TrainedTalker:
        if self._module is None:
            raise EngineFailed("No model of Qwen3-TTS is being trained.", "Start the run again.")
        return self._module

    @property
    def _trained(self) -> dict[str, nn.Parameter]:
        lora = self._settings.method is Method.LORA
        return weights.trained(self._built.talker if lora else self._built, self._settings.method)

    @cached_property
    def _config(self) -> dict[str, Any]:
        with loading_errors(_LABEL, self._base):
            config: dict[str, Any] = read_json(self._base / "config.json")
            return config

    @cached_property
    def _tokens(self) -> Tokens:
        with loading_errors(_LABEL, self._base):
            return Tokens.of(self._config)

    @cached_property
    def _codec(self) -> StreamingCodec:
        return StreamingCodec(self._wrapper.model.speech_tokenizer)


def _base_entry() -> ModelEntry:
    """What the engine has to know of any base model."""
    entries = (entry for entry in MODELS.values() if entry.family == QWEN and entry.variant == "base")
    return replace(next(entries), label=_LABEL)


_ENTRY = _base_entry()


def _voice(examples: Sequence[Example]) -> Tensor | None:
    """The voice that most of `examples` is spoken in, as their references have it; None without any."""
    seconds: dict[str, float] = defaultdict(float)
    for example in examples:
        seconds[example.speaker] += example.seconds
    if not seconds:
        return None
    speaker = max(seconds, key=lambda name: (seconds[name], name))
    return mean([clip_of(example).reference for example in examples if example.speaker == speaker])


def _other_voice(
    example: Example, clip: EncodedClip, of_speaker: Sequence[Example], generator: random.Random
) -> Tensor:
    """The x-vector of another clip of the speaker; of its reference where there is no other.

    Of its own it would learn what is said as well."""
    others = [each for each in of_speaker if each.id != example.id]
    return clip_of(generator.choice(others)).x_vector if others else clip.reference


@contextmanager
def _for_speaking(module: nn.Module) -> Iterator[None]:
    """Without dropout, and with the weights where they are afterwards: the loop joins some of them in
    memory of its own, of which training is to know nothing."""
    places = [(weight, weight.data) for weight in module.parameters()]
    with kept_modes(module):
        module.eval()
        try:
            yield
        finally:
            for weight, data in places:
                weight.data = data
