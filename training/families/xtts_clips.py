"""Clips for XTTS, encoded once: codes by its DVAE, text by its tokenizer. The DVAE serves nothing else,
so it is dropped afterwards; the speech model itself is not loaded here."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engines.saving import weights_being_saved
from engines.xtts.checkpoint import read_tensors
from engines.xtts.facts import CONDITIONING_RATE, language_code
from engines.xtts.loading import check_trainable, explained
from engines.xtts.package import coqui
from engines.xtts.texts import speakable, token_ids
from studio.audio.fingerprint import fingerprint
from studio.audio.reading import probe, read
from studio.audio.wav import pcm16
from studio.control import Control
from studio.dataset.metadata import Row
from studio.errors import BadInput, Damaged, EngineFailed
from studio.files import publishing
from training.families.encoding import encode_with
from training.family import Encoded, Example

log = logging.getLogger(__name__)

#: Changes whenever clips are encoded or kept otherwise, so that old ones are not taken for new.
_FORMAT = 1

#: What the published model was trained with (Coqui's recipe: max_wav_length; shorter than half a second
#: is refused by its data loader), in samples.
_MOST, _FEWEST = 255_995, CONDITIONING_RATE // 2

_CODE_SAMPLES = 1024


@dataclass(frozen=True, eq=False)
class EncodedClip:
    """What is kept of a clip, besides its sound."""

    text: Tensor  # [n] int64, without start and stop
    codes: Tensor  # [m] int64, 21.5 a second


def encode(rows: Sequence[Row], base: Path, device: str, cache: Path, control: Control) -> Encoded:
    """See TrainingFamily.encode. Raises EngineFailed where `base` lacks what training needs."""
    return encode_with(lambda: ClipEncoder(base, device, cache), rows, control)


class ClipEncoder:
    """Encodes what `cache` does not have; the DVAE is loaded when it is first needed."""

    def __init__(self, base: Path, device: str, cache: Path) -> None:
        _check(base)
        self._base, self._device, self._cache = base, device, cache
        with explained(base):
            config = coqui().XttsConfig()
            config.load_json(str(base / "config.json"))
            tokenizer = coqui().VoiceBpeTokenizer(vocab_file=str(base / "vocab.json"))
        #: As much of the model as turns text into tokens.
        self._reader = SimpleNamespace(tokenizer=tokenizer, args=config.model_args)
        others = [fingerprint(base / name) for name in ("mel_stats.pth", "vocab.json")]
        self._identity = fingerprint(base / "dvae.pth", _FORMAT, *others)

    def example(self, row: Row) -> Example:
        """Raises BadInput for a clip that cannot be trained on, saying why."""
        if not row.language:
            raise BadInput("Its language is not known.", "Set the data set's language.")
        language = language_code(row.language)
        text = self._text(row.text, language)
        id = fingerprint(Path(row.audio), self._identity, language, text.tolist())
        path = self._cache / f"{id}.safetensors"
        sizes = _sizes(path)
        if sizes is None:
            sound = _sound(Path(row.audio))
            codes = self._codes(sound)
            _write(path, text, codes, sound)
            sizes = len(codes), len(sound)
        return Example(
            id=id,
            length=len(text) + sizes[0],
            path=path,
            speaker=row.speaker,
            text=row.text,
            language=row.language,
            seconds=sizes[1] / CONDITIONING_RATE,
        )

    def _text(self, text: str, language: str) -> Tensor:
        ids = token_ids(self._reader, text, language)
        vocabulary = self._reader.tokenizer.tokenizer
        no_token = vocabulary.token_to_id("[UNK]")
        if no_token in ids:
            read = self._reader.tokenizer.preprocess_text(
                speakable(text, language), language.partition("-")[0]
            )
            unread = sorted(char for char in set(read) if no_token in vocabulary.encode(char).ids)
            shown = f" ({' '.join(unread[:8])})" if unread else ""
            raise BadInput(
                f"Its text has characters that this model does not know{shown}.", "Spell them out."
            )
        return torch.tensor(ids)

    def _codes(self, sound: NDArray[np.float32]) -> Tensor:
        """[m] int64, each for 1024 samples, the last one for what is left."""
        wave = torch.from_numpy(sound)[None].to(self._device)
        with torch.no_grad():
            codes: Tensor = self._dvae.get_codebook_indices(self._mel(wave))[0]
        return codes[: math.ceil(len(sound) / _CODE_SAMPLES)].cpu()

    @cached_property
    def _mel(self) -> Any:
        norms = read_tensors(self._base / "mel_stats.pth")
        return spectrogram(norms, filter_length=1024)

    @cached_property
    def _dvae(self) -> Any:
        weights = read_tensors(self._base / "dvae.pth")
        with explained(self._base):
            model = coqui("TTS.tts.layers.xtts.dvae").DiscreteVAE(
                channels=80,
                normalization=None,
                positional_dims=1,
                num_tokens=self._reader.args.gpt_num_audio_tokens - 2,
                codebook_dim=512,
                hidden_dim=512,
                num_resnet_blocks=3,
                kernel_size=3,
                num_layers=2,
                use_transposed_convs=False,
            )
            # Files differ in what serves its own training; what encodes has to be there.
            lacking = model.load_state_dict(weights, strict=False).missing_keys
        if any(name.startswith(("encoder.", "codebook.")) for name in lacking):
            raise EngineFailed(
                f"dvae.pth in {self._base} is not whole.", "Download XTTS v2 again in the Models tab."
            )
        model.decoder = None
        return model.eval().requires_grad_(False).to(self._device)


def spectrogram(norms: Tensor, filter_length: int) -> Any:
    """A TTS.tts.layers.tortoise.arch_utils.TorchMelSpectrogram as XTTS is trained with: from [b, n] at
    22,050 Hz to [b, 80, n // 256 + 1], divided by `norms` [80]."""
    made = coqui("TTS.tts.layers.tortoise.arch_utils").TorchMelSpectrogram(
        filter_length=filter_length,
        hop_length=256,
        win_length=1024,
        normalize=False,
        sampling_rate=CONDITIONING_RATE,
        mel_fmin=0,
        mel_fmax=8000,
        n_mel_channels=80,
        mel_norm_file=None,
    )
    made.mel_norms = norms
    return made


def clip_of(example: Example) -> EncodedClip:
    """Raises Damaged where the cache was emptied meanwhile."""
    from safetensors import safe_open

    with _kept(example), safe_open(example.path, "pt") as file:
        return EncodedClip(file.get_tensor("text").long(), file.get_tensor("codes").long())


def sound_of(example: Example, first: int = 0, last: int | None = None) -> Tensor:
    """[n] float32 at 22,050 Hz: the clip's sound from sample `first` to before `last`. Raises Damaged."""
    from safetensors import safe_open

    with _kept(example), safe_open(example.path, "pt") as file:
        sound: Tensor = file.get_slice("sound")[first:last]
        return sound.float() / 32_768


def samples_of(example: Example) -> int:
    """How long the clip's sound is, in samples."""
    return round(example.seconds * CONDITIONING_RATE)


def _sound(path: Path) -> NDArray[np.float32]:
    """[n] at 22,050 Hz, as 16 bits have it. Raises BadInput for what is no recording, too short or too
    long."""
    seconds = probe(path).duration
    if seconds > _MOST / CONDITIONING_RATE + 1:  # before hours are decoded
        raise _too_long(seconds)
    samples = read(path, CONDITIONING_RATE).samples
    if len(samples) > _MOST:
        raise _too_long(len(samples) / CONDITIONING_RATE)
    if len(samples) < _FEWEST:
        raise BadInput(
            f"It lasts only {len(samples) / CONDITIONING_RATE:.2f} s.", "XTTS learns from 0.5 s on."
        )
    return pcm16(samples).astype(np.float32) / np.float32(32_768)


def _too_long(seconds: float) -> BadInput:
    most = _MOST / CONDITIONING_RATE
    return BadInput(f"It lasts {seconds:.1f} s; XTTS is trained on at most {most:.1f} s.", "Cut it.")


def _write(path: Path, text: Tensor, codes: Tensor, sound: NDArray[np.float32]) -> None:
    from safetensors.torch import save_file

    tensors = {
        "text": text.int(),
        "codes": codes.to(torch.int16).contiguous(),
        "sound": torch.from_numpy(pcm16(sound)),
    }
    with publishing(path) as partial, weights_being_saved(path):
        save_file(tensors, partial)


def _sizes(path: Path) -> tuple[int, int] | None:
    """How many codes and samples a file of `_write` has; None where there is none that can be read, for
    it can be made again."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            codes, sound = (file.get_slice(name).get_shape()[0] for name in ("codes", "sound"))
            return int(codes), int(sound)
    except (OSError, SafetensorError, IndexError) as error:
        log.warning("an encoded clip cannot be read: %s", error, extra={"path": str(path)})
        return None


@contextmanager
def _kept(example: Example) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise Damaged(
            f"What was encoded of a clip (“{example.text[:40]}”) is gone or damaged.",
            "Start the run anew; if this comes again, check the disk of the studio's home.",
        ) from error


def _check(base: Path) -> None:
    missing = [name for name in ("config.json", "vocab.json") if not (base / name).is_file()]
    if missing:
        raise EngineFailed(
            f"{base} is no model of XTTS: {' and '.join(missing)} is missing.",
            "Check it in the Models tab, and download it again.",
        )
    check_trainable(base)
