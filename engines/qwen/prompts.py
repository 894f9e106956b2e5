"""Recordings to speak like: from a file to what the model is given, kept on disk by content.

A voice prompt holds the x-vector, which is the speaker's timbre, and, where the recording's words are
known, the recording in codes: an example that the model continues (in-context learning, ICL), with
its manner as well.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.base import VoicePrompt
from engines.memory import memory_limit
from engines.prompt_cache import PromptCache
from engines.qwen.facts import SAMPLE_RATE
from engines.qwen.texts import without_control
from engines.saving import weights_being_saved
from studio.audio.processing import trim_silence
from studio.audio.reading import probe, read
from studio.audio.types import Audio, Samples
from studio.control import Control
from studio.errors import BadInput
from studio.files import publishing

if TYPE_CHECKING:
    from torch import Tensor

    from engines.qwen.loading import LoadedModel

log = logging.getLogger(__name__)

#: Of the recording without the silence at its ends, in seconds. Below the first the speaker encoder
#: fails; below the second the timbre is a guess.
MIN_S, GOOD_S = 0.2, 3.0
#: More of a recording does not make the timbre clearer, and as an example it slows every sentence.
MAX_S = 30.0
#: So much of a long recording is read to find the first MAX_S with sound.
_SEARCHED_S = 180.0
#: Below this peak, of full scale (-66 dB), there is nothing to hear.
_SILENT_PEAK = 5e-4

_BETTER = "Give 6-15 s of clean speech."

#: Changes whenever prompts are made otherwise, so that old ones are not taken for new.
_FORMAT = 1

_TIMBRE_ONLY = "Only the timbre of the recording is used"


@dataclass(frozen=True, eq=False)
class ClonePrompt:
    """What the model is given of a voice, on the CPU."""

    identity: str  # of the model that made it
    x_vector: Tensor  # [hidden] float32
    codes: Tensor | None  # [frames, 16] int64 of the example; None: timbre only
    text: str  # what is said in the example
    notes: tuple[str, ...]

    def items(self) -> list[Any]:
        """As generate_voice_clone takes it."""
        from qwen_tts import VoiceClonePromptItem

        example = self.codes is not None
        return [VoiceClonePromptItem(self.codes, self.x_vector, not example, example, self.text or None)]


class PromptStore:
    """Voice prompts in `folder`, by the content of their recordings and the model's identity."""

    def __init__(self, folder: Path) -> None:
        self._cache = PromptCache(folder, _read, _write)

    def prepare(self, prompt: VoicePrompt, model: LoadedModel, control: Control) -> VoicePrompt:
        """`prompt` with its file in the cache, made now unless it is there, and with its notes.

        Raises BadInput for what is no recording, too short or silent; Cancelled, OutOfMemory.
        """
        about = (_FORMAT, model.identity, _words(prompt), prompt.x_vector_only)
        return self._cache.prepare(prompt, about, lambda: make(prompt, model, control))

    def load(self, prompt: VoicePrompt, model: LoadedModel, control: Control) -> ClonePrompt:
        """What `prepare` made; made again where the cache was emptied or `prompt` was prepared for
        another model, for which the recordings must still be there."""
        return self._cache.load(
            prompt, model.identity, lambda asked: self.prepare(asked, model, control)
        )


def make(prompt: VoicePrompt, model: LoadedModel, control: Control) -> ClonePrompt:
    """Encode the recordings of `prompt` with `model`, a base model.

    Several recordings: the x-vectors' directions are averaged, the example comes from the first.
    """
    notes: list[str] = []
    recordings = (prompt.ref_audio, *prompt.more)
    sounds = []
    for number, recording in enumerate(recordings):
        control.progress("reading the recording")
        sounds.append(
            _sound(recording, f"Recording {number + 1}" if prompt.more else "The recording", notes)
        )
    text = _words(prompt)
    example = bool(text) and not prompt.x_vector_only
    if example and sounds[0].duration >= MAX_S:
        example = False
        notes.append(
            f"{_TIMBRE_ONLY}, not its manner: it is longer than {MAX_S:g} s, and its transcript cannot "
            "be cut to match. Choose 6-15 s of it, with their transcript, to use both."
        )
    elif not text and not prompt.x_vector_only:
        notes.append(
            f"{_TIMBRE_ONLY}, not its manner: there is no transcript. Type what is said in it to use both."
        )
    if prompt.more:
        of_first = "; manner and example are those of the first" if example else ""
        notes.append(f"The timbre is the mean of {len(sounds)} recordings{of_first}.")
    with memory_limit(
        "There was not enough memory to take in the recording.", "Give a shorter one, 6-15 s."
    ):
        x_vectors = []
        for sound in sounds:
            control.progress("listening to the voice")
            x_vectors.append(_x_vector(sound, model))
        control.progress("encoding the example" if example else "listening to the voice")
        codes = _codes(sounds[0], model) if example else None
    return ClonePrompt(model.identity, mean(x_vectors), codes, text if example else "", tuple(notes))


def speaker_embedding(sound: Audio, model: LoadedModel) -> Samples:
    """[hidden] float32: the x-vector of `sound`. Raises BadInput where it is too short or has another
    rate than the model, OutOfMemory."""
    if sound.sample_rate != SAMPLE_RATE or sound.duration < MIN_S:
        raise BadInput(
            f"No voice can be told from {sound.duration:.2f} s at {sound.sample_rate} Hz.",
            f"Give at least {MIN_S:g} s at {SAMPLE_RATE} Hz.",
        )
    with memory_limit(
        "There was not enough memory to listen to a voice.", "Close other programs that use it."
    ):
        vector: Samples = _x_vector(sound, model).numpy()
    return vector


def mean(x_vectors: Sequence[Tensor]) -> Tensor:
    """The mean direction of `x_vectors`, each [hidden], at their mean length.

    Their lengths differ with level and noise, so that a plain mean would favour some of them.
    """
    import torch

    stacked = torch.stack(list(x_vectors))
    lengths = stacked.norm(dim=1, keepdim=True)
    direction = (stacked / lengths).mean(0)
    return direction / direction.norm() * lengths.mean()


def _words(prompt: VoicePrompt) -> str:
    return without_control(prompt.ref_text)


def _sound(recording: Path, name: str, notes: list[str]) -> Audio:
    """The first MAX_S of what sounds in `recording`, mono at 24 kHz; `notes` gets what to know."""
    length = probe(recording).duration
    audio = read(recording, SAMPLE_RATE, end=_SEARCHED_S)
    if float(np.abs(audio.samples).max(initial=0.0)) < _SILENT_PEAK:
        raise BadInput(f"{name} is silent.", _BETTER)
    audio = trim_silence(audio)
    if audio.duration < MIN_S:
        raise BadInput(f"{name} has only {audio.duration:.2f} s of sound.", _BETTER)
    if audio.duration < GOOD_S:
        notes.append(
            f"{name} has only {audio.duration:.1f} s of sound, so the voice may be off. {_BETTER}"
        )
    if audio.duration > MAX_S:
        notes.append(f"{name} is {length:.0f} s long; its first {MAX_S:g} s of sound are used.")
    return Audio(audio.samples[: round(MAX_S * SAMPLE_RATE)].copy(), SAMPLE_RATE)


def _x_vector(sound: Audio, model: LoadedModel) -> Tensor:
    """[hidden] float32: the speaker's timbre."""
    x_vector: Tensor = model.wrapper.model.extract_speaker_embedding(sound.samples, SAMPLE_RATE)
    return x_vector.float().cpu().contiguous()


def _codes(sound: Audio, model: LoadedModel) -> Tensor:
    """[frames, 16] int64: the recording as the codec hears it."""
    encoded = model.wrapper.model.speech_tokenizer.encode(sound.samples, sr=SAMPLE_RATE)
    codes: Tensor = encoded.audio_codes[0]
    return codes.long().cpu().contiguous()


def _write(path: Path, prompt: ClonePrompt) -> None:
    from safetensors.torch import save_file

    tensors = {"x_vector": prompt.x_vector}
    if prompt.codes is not None:
        tensors["codes"] = prompt.codes
    about = {"identity": prompt.identity, "text": prompt.text, "notes": json.dumps(prompt.notes)}
    with publishing(path) as partial, weights_being_saved(path):
        save_file(tensors, partial, metadata=about)


def _read(path: Path) -> ClonePrompt | None:
    """What `_write` wrote; None where there is nothing that can be read, for it can be made again."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata()
            codes = file.get_tensor("codes") if "codes" in file.keys() else None  # noqa: SIM118
            return ClonePrompt(
                about["identity"],
                file.get_tensor("x_vector"),
                codes,
                about["text"],
                tuple(json.loads(about["notes"])),
            )
    except (SafetensorError, KeyError, ValueError) as error:
        log.warning("a prepared voice is damaged and made again: %s", error, extra={"path": str(path)})
        return None
