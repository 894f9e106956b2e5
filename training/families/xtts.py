"""XTTS in training: its language model, which turns a text and a voice into codes.

What encodes sound and what makes sound of codes stays as it is published. Coqui's own trainer is not
used: its masks give NaN for batches of one clip, and it drops and repeats clips in silence.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engines.base import SamplingParams
from engines.saving import weights_being_saved
from engines.xtts.conditioning import manner_of, timbre_of
from engines.xtts.facts import CONDITIONING_RATE, SAMPLE_RATE, language_code
from engines.xtts.loading import load_model
from engines.xtts.speaking import sampling_of
from engines.xtts.texts import token_ids
from engines.xtts.tokens import TokenLoop
from engines.xtts.vocoder import StreamingVocoder
from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.metadata import Row
from studio.errors import EngineFailed
from studio.runs.values import Method, RunSettings
from training.families import weights, xtts_weights
from training.families.xtts_clips import clip_of, encode, samples_of, sound_of
from training.families.xtts_losses import XttsLosses, batch_of, padding
from training.family import Encoded, Example
from training.together import kept_modes

#: A voice is heard in so much of another clip, in seconds (Coqui's recipe: 66,150 to 132,300 samples).
_HEARD_S = (3.0, 6.0)
#: So much of a speaker is what speaks: in seconds, from the longest clips.
_REFERENCE_S = 15.0

_LABEL = "XTTS"


class XttsFamily:
    """See training.family.TrainingFamily."""

    def __init__(
        self, base_folder: Path, settings: RunSettings, device: str, dtype: torch.dtype
    ) -> None:
        self._base, self._settings = base_folder, settings
        self._device = device
        self._dtype = torch.float32 if settings.method is Method.FULL else dtype
        self._model: Any = None  # TTS.tts.models.xtts.Xtts
        self._adapted: Any = None  # peft.PeftModel around its gpt
        self._module: XttsLosses | None = None
        self._references: dict[str, tuple[Example, ...]] = {}  # by speaker, who is heard most first
        self._timbres: dict[str, Tensor] = {}  # by speaker; what hears them is not trained

    def encode(self, rows: Sequence[Row], cache: Path, control: Control) -> Encoded:
        return encode(rows, self._base, self._device, cache, control)

    def build(self, examples: Sequence[Example]) -> nn.Module:
        """Raises EngineFailed for a model that cannot be loaded, BadInput for adapters in modules that it
        does not have."""
        model = load_model(self._base)
        if self._settings.method is Method.LORA:
            xtts_weights.keep_in(model.gpt, self._dtype)
            self._adapted = xtts_weights.add_lora(model.gpt, self._settings.lora)
        else:
            model.gpt.requires_grad_(True)
        if self._settings.gradient_checkpointing:
            # The other form wants inputs that require a gradient, which frozen embeddings do not give.
            model.gpt.gpt.gradient_checkpointing_enable({"use_reentrant": False})
        weights.train_in_float32(model.gpt)
        model.to(self._device)
        self._model, self._references, self._timbres = model, _references(examples), {}
        self._module = XttsLosses(model.gpt, model.mel_stats, self._dtype)
        return self._module.train()

    def collate(
        self,
        examples: Sequence[Example],
        others: Mapping[str, Sequence[Example]],
        generator: random.Random,
    ) -> dict[str, Any]:
        """The voice is heard in as many seconds for all clips of a batch."""
        samples = round(generator.uniform(*_HEARD_S) * CONDITIONING_RATE)
        sounds = [
            _other_sound(example, others.get(example.speaker, ()), samples, generator)
            for example in examples
        ]
        return dict(batch_of([clip_of(example) for example in examples], sounds))

    def padding(self, batch: Mapping[str, Any]) -> float:
        return padding(batch)

    def trainable_state(self) -> dict[str, Tensor]:
        return weights.copied(self._trained)

    def load_trainable(self, folder: Path) -> None:
        settings = self._settings
        weights.load_into(self._trained, folder, settings.method, settings.lora, _LABEL)

    def write_checkpoint(self, folder: Path) -> None:
        """See training.families.xtts_weights for the files."""
        with self._for_speaking():
            voices = {speaker: self._voice(speaker, Control()) for speaker in self._references}
        with weights_being_saved(folder):
            if self._adapted is not None:
                config = self._adapted.peft_config["default"]
                weights.write_adapter(folder, self.trainable_state(), config, self._settings.base)
            else:
                xtts_weights.write_model(folder, self._model, self._base)
            xtts_weights.write_voices(folder, voices)

    def speak(self, text: str, language: str, seed: int, control: Control) -> Audio:
        """24 kHz, in the voice of who is heard most. Raises BadInput, NotFound as the engine does;
        Cancelled within a token."""
        speaker = next(iter(self._references))
        with self._for_speaking() as model:
            ids = torch.tensor([token_ids(model, text, language_code(language))], device=model.device)
            sampling = sampling_of(SamplingParams(seed=seed), model.config, text)
            manner, timbre = self._voice(speaker, control)
            manner = manner.to(model.device)
            loop, vocoder = TokenLoop(model.gpt), StreamingVocoder(model.hifigan_decoder)
            states = list(loop.latents(manner, ids, sampling, lambda: control.cancelled))
            control.check()
            vocoder.begin(timbre)
            return Audio(vocoder.push([state.float() for state in states], last=True), SAMPLE_RATE)

    def _voice(self, speaker: str, control: Control) -> tuple[Tensor, Tensor]:
        """The manner [1, 32, dim], which training changes, and the timbre [1, 512, 1], which is heard once."""
        references = self._references[speaker]
        sounds = [Audio(sound_of(example).numpy(), CONDITIONING_RATE) for example in references]
        if speaker not in self._timbres:
            self._timbres[speaker] = timbre_of(self._model, sounds, control)
        return manner_of(self._model, sounds, control), self._timbres[speaker]

    @contextmanager
    def _for_speaking(self) -> Iterator[Any]:
        """The model, without dropout."""
        module = self._built
        with kept_modes(module), module.precision():
            module.eval()
            yield self._model

    @property
    def _built(self) -> XttsLosses:
        if self._module is None:
            raise EngineFailed("No model of XTTS is being trained.", "Start the run again.")
        return self._module

    @property
    def _trained(self) -> dict[str, nn.Parameter]:
        if self._settings.method is Method.LORA:
            return weights.trained(self._built.gpt, Method.LORA)
        return weights.trained(self._built, Method.FULL)


def _references(examples: Sequence[Example]) -> dict[str, tuple[Example, ...]]:
    """The clips that each speaker is known by; whoever is heard most comes first."""
    clips = Counter(example.speaker for example in examples)
    found = {}
    for speaker, _ in clips.most_common():
        mine = [example for example in examples if example.speaker == speaker]
        mine.sort(key=lambda example: (-example.seconds, example.id))
        count, seconds = 0, 0.0
        while count < len(mine) and seconds < _REFERENCE_S:
            seconds += mine[count].seconds
            count += 1
        found[speaker] = tuple(mine[:count])
    return found


def _other_sound(
    example: Example, of_speaker: Sequence[Example], samples: int, generator: random.Random
) -> Tensor:
    """[samples] of other clips of the speaker, one after another until they suffice; of the clip itself
    where there is no other. From its own sound the model would learn what is said as well."""
    others = [each for each in of_speaker if each.id != example.id] or [example]
    parts: list[Tensor] = []
    lacking = samples
    while lacking > 0:
        other = generator.choice(others)
        first = generator.randint(0, max(0, samples_of(other) - lacking))
        parts.append(sound_of(other, first, first + lacking))
        lacking -= len(parts[-1])
    return torch.cat(parts)
