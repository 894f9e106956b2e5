"""Recordings to speak like: from files to what XTTS is given of a voice, kept on disk by content.

Of a voice the language model hears the manner (32 states, from up to 30 s of sound) and the decoder the
timbre (a speaker embedding). Neither needs to know what is said in the recordings.
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
from engines.saving import weights_being_saved
from engines.xtts.checkpoint import read_tensors
from engines.xtts.facts import CONDITIONING_RATE
from studio.audio.processing import trim_silence
from studio.audio.reading import probe, read
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput, EngineFailed
from studio.files import publishing

if TYPE_CHECKING:
    from torch import Tensor

    from engines.xtts.loading import LoadedModel

log = logging.getLogger(__name__)

#: Of a recording without the silence at its ends, in seconds. Below the first the model refuses it
#: (Xtts.get_gpt_cond_latents); below the second the voice is a guess.
MIN_S, GOOD_S = 0.33, 3.0
#: So much of a long recording is read to find what sounds.
_SEARCHED_S = 180.0
#: Below this peak, of full scale (-66 dB), there is nothing to hear.
_SILENT_PEAK = 5e-4
_NORMAL_PEAK = 0.75  # of full scale, where config.json wants references alike

#: The voices of a model, in its folder.
SPEAKERS = "speakers_xtts.pth"

_BETTER = "Give 6-15 s of clean speech."

#: Changes whenever latents are made otherwise, so that old ones are not taken for new.
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Latents:
    """What the model is given of a voice, on the CPU."""

    manner: Tensor  # [1, 32, dim] float32: gpt_cond_latent
    timbre: Tensor  # [1, 512, 1] float32: speaker_embedding
    identity: str = ""  # of the model that made it
    notes: tuple[str, ...] = ()


class LatentStore:
    """Latents in `folder`, by the content of their recordings and the model's identity."""

    def __init__(self, folder: Path) -> None:
        self._cache = PromptCache(folder, _read, _write)

    def prepare(self, prompt: VoicePrompt, model: LoadedModel, control: Control) -> VoicePrompt:
        """`prompt` with its file in the cache, made now unless it is there, and with its notes.

        Raises BadInput for what is no recording, too short or silent; Cancelled, OutOfMemory.
        """
        about = (_FORMAT, model.identity, bool(prompt.ref_text.strip()))
        return self._cache.prepare(prompt, about, lambda: make(prompt, model, control))

    def load(self, prompt: VoicePrompt, model: LoadedModel, control: Control) -> Latents:
        """What `prepare` made; made again where the cache was emptied or `prompt` was prepared for
        another model, for which the recordings must still be there."""
        return self._cache.load(
            prompt, model.identity, lambda asked: self.prepare(asked, model, control)
        )


def make(prompt: VoicePrompt, model: LoadedModel, control: Control) -> Latents:
    """What `model` hears in the recordings of `prompt`. The timbre is their mean; the manner comes of
    all of them, one after the other."""
    recordings = (prompt.ref_audio, *prompt.more)
    notes = []
    if prompt.ref_text.strip():
        notes.append("XTTS learns a voice from its sound alone; the transcript is not used.")
    sounds = []
    for number, recording in enumerate(recordings):
        control.progress("reading the recording")
        name = f"Recording {number + 1}" if prompt.more else "The recording"
        sounds.append(_sound(recording, name, model.config, notes))
    if prompt.more:
        notes.append(f"The voice is made of {len(sounds)} recordings.")
    with memory_limit(
        "There was not enough memory to take in the recording.", "Give a shorter one, 6-15 s."
    ):
        control.progress("listening to the voice")
        manner, timbre = latents_of(model.model, sounds, control)
    return Latents(manner, timbre, model.identity, tuple(notes))


def latents_of(model: Any, sounds: Sequence[Audio], control: Control) -> tuple[Tensor, Tensor]:
    """The manner [1, 32, dim] and the timbre [1, 512, 1] that an Xtts hears in `sounds`, mono at
    22,050 Hz, each at least 0.33 s; float32 on the CPU. Raises Cancelled."""
    timbre = timbre_of(model, sounds, control)
    return manner_of(model, sounds, control), timbre


def timbre_of(model: Any, sounds: Sequence[Audio], control: Control) -> Tensor:
    """The timbre alone, which training leaves as it is; nearly all of the work."""
    import torch

    timbres = []
    for wave in _waves(model, sounds):
        control.check()
        timbres.append(model.get_speaker_embedding(wave, CONDITIONING_RATE))
    return _plain(torch.stack(timbres).mean(0))


def manner_of(model: Any, sounds: Sequence[Audio], control: Control) -> Tensor:
    """The manner alone."""
    import torch

    config, waves = model.config, _waves(model, sounds)
    # The package hears the first gpt_cond_len seconds of all recordings in a row, so that a long
    # first one would be the only one.
    heard = config.gpt_cond_len * CONDITIONING_RATE
    if sum(wave.shape[1] for wave in waves) > heard:
        waves = [wave[:, : heard // len(waves)] for wave in waves]
    control.check()
    manner = model.get_gpt_cond_latents(
        torch.cat(waves, 1), CONDITIONING_RATE, config.gpt_cond_len, config.gpt_cond_chunk_len
    )
    return _plain(manner)


def _waves(model: Any, sounds: Sequence[Audio]) -> list[Tensor]:
    import torch

    return [torch.from_numpy(sound.samples)[None].to(model.device) for sound in sounds]


def read_speakers(path: Path) -> dict[str, Latents]:
    """The built-in voices of a speakers_xtts.pth, by name; none where there is no such file.

    Raises EngineFailed for a file that holds something else.
    """
    if not path.is_file():
        return {}
    voices = read_tensors(path)
    try:
        return {
            str(name): Latents(_plain(voice["gpt_cond_latent"]), _plain(voice["speaker_embedding"]))
            for name, voice in voices.items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise EngineFailed(
            f"{path.name} holds no voices of XTTS.", "Download the model again, or remove the file."
        ) from error


def _plain(tensor: Tensor) -> Tensor:
    """A clone, since what inference mode made cannot be saved or trained with."""
    return tensor.detach().clone().float().cpu().contiguous()


def _sound(recording: Path, name: str, config: Any, notes: list[str]) -> Audio:
    """The first seconds of what sounds in `recording`, mono at 22,050 Hz; `notes` gets what to know."""
    length = probe(recording).duration
    audio = read(recording, CONDITIONING_RATE, end=_SEARCHED_S)
    peak = float(np.abs(audio.samples).max(initial=0.0))
    if peak < _SILENT_PEAK:
        raise BadInput(f"{name} is silent.", _BETTER)
    audio = trim_silence(audio)
    if audio.duration < MIN_S:
        raise BadInput(f"{name} has only {audio.duration:.2f} s of sound.", _BETTER)
    if audio.duration < GOOD_S:
        notes.append(
            f"{name} has only {audio.duration:.1f} s of sound, so the voice may be off. {_BETTER}"
        )
    most: int = config.max_ref_len
    if audio.duration > most:
        notes.append(f"{name} is {length:.0f} s long; its first {most} s of sound are used.")
    samples = audio.samples[: most * CONDITIONING_RATE].copy()
    if config.sound_norm_refs:
        samples *= _NORMAL_PEAK / float(np.abs(samples).max())
    return Audio(samples, CONDITIONING_RATE)


def _write(path: Path, latents: Latents) -> None:
    from safetensors.torch import save_file

    about = {"identity": latents.identity, "notes": json.dumps(latents.notes)}
    with publishing(path) as partial, weights_being_saved(path):
        save_file({"manner": latents.manner, "timbre": latents.timbre}, partial, metadata=about)


def _read(path: Path) -> Latents | None:
    """What `_write` wrote; None where there is nothing that can be read, for it can be made again."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata()
            return Latents(
                file.get_tensor("manner"),
                file.get_tensor("timbre"),
                about["identity"],
                tuple(json.loads(about["notes"])),
            )
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        log.warning("a prepared voice is damaged and made again: %s", error, extra={"path": str(path)})
        return None
