"""Clips for Qwen3-TTS, encoded once: codes by its codec, the voice by its speaker encoder, text by its
tokenizer. Only these are loaded of the model, never the talker."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from engines.qwen.facts import SAMPLE_RATE
from engines.qwen.loading import loading_errors, official_codec
from engines.qwen.package import qwen_tts_package
from engines.qwen.prompts import MIN_S
from engines.qwen.texts import speakable
from engines.saving import weights_being_saved
from studio.audio.fingerprint import fingerprint
from studio.audio.reading import probe, read
from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.metadata import Row
from studio.dataset.targets import target_named
from studio.errors import BadInput, Damaged
from studio.files import publishing
from training.families.encoding import encode_with
from training.families.qwen_layout import Tokens, steps
from training.family import Encoded, Example

log = logging.getLogger(__name__)

#: Changes whenever clips are encoded or kept otherwise, so that old ones are not taken for new.
_FORMAT = 1
#: A build may go beyond the limit by so much, in seconds.
_ROUNDING_S = 0.1

_LABEL = "The model to train"


@dataclass(frozen=True, eq=False)
class EncodedClip:
    """What is kept of a clip."""

    text: Tensor  # [3 + n] int64: the role, then what is said
    codes: Tensor  # [T, 16] int64, 12.5 frames a second
    x_vector: Tensor  # [hidden] float32: the voice as the clip itself shows it
    reference: Tensor  # [hidden] float32: the same of the data set's reference for it
    seconds: float


def encode(
    rows: Sequence[Row], base: Path, tokens: Tokens, device: str, cache: Path, control: Control
) -> Encoded:
    """See TrainingFamily.encode. Raises EngineFailed for a model that cannot be loaded."""
    return encode_with(lambda: ClipEncoder(base, tokens, device, cache), rows, control)


class ClipEncoder:
    """Encodes what `cache` does not have; what it takes for that is loaded when it is first needed."""

    def __init__(self, base: Path, tokens: Tokens, device: str, cache: Path) -> None:
        self._base, self._tokens, self._device, self._cache = base, tokens, device, cache
        self._identity = _identity(base)
        self._references: dict[str, Tensor] = {}

    def example(self, row: Row) -> Example:
        """Raises BadInput for a clip that cannot be trained on, saying why."""
        self._check_language(row.language)
        text = speakable(row.text)
        content = fingerprint(Path(row.audio))
        reference = self._reference(row)
        path = self._cache / f"{_digest(content, text, reference, self._identity, _FORMAT)}.safetensors"
        clip = read_clip(path) if path.is_file() else None
        if clip is None:
            clip = self._encoded(Path(row.audio), text, Path(row.ref_audio), reference)
            _write(path, clip)
        return Example(
            id=_digest(content, text, row.language),
            length=steps(len(clip.text), len(clip.codes)),
            path=path,
            speaker=row.speaker,
            text=text,
            language=row.language,
            seconds=clip.seconds,
        )

    def _check_language(self, code: str) -> None:
        try:
            self._tokens.language(code)
        except KeyError as error:
            raise BadInput(f"This model does not speak {error.args[0]}.", "Choose another.") from error

    def _reference(self, row: Row) -> str:
        """The content of the clip's reference; "" where it has none that can be read."""
        if not row.ref_audio:
            return ""
        try:
            return fingerprint(Path(row.ref_audio))
        except BadInput:
            log.warning("a reference is missing, the clip itself serves", extra={"path": row.ref_audio})
            return ""

    def _encoded(self, audio: Path, text: str, ref_audio: Path, reference: str) -> EncodedClip:
        sound = _sound(audio)
        x_vector = self._x_vector(sound)
        if reference and reference not in self._references:
            self._references[reference] = self._x_vector(_sound(ref_audio))
        codes = self._codec.encode(sound.samples, sr=SAMPLE_RATE).audio_codes[0]
        return EncodedClip(
            self._text_ids(text),
            codes.long().cpu(),
            x_vector,
            self._references.get(reference, x_vector),
            sound.duration,
        )

    def _text_ids(self, text: str) -> Tensor:
        """The role and the text, without what closes them in the official prompt."""
        prompt = qwen_tts_package().Qwen3TTSModel._build_assistant_text(None, text)
        ids: Tensor = self._processor(text=prompt, return_tensors="pt")["input_ids"]
        return ids.reshape(-1)[:-5].long()

    def _x_vector(self, sound: Audio) -> Tensor:
        """[hidden] float32, by the official method, which wants nothing of its model but these."""
        method = _official().Qwen3TTSForConditionalGeneration.extract_speaker_embedding
        model = SimpleNamespace(
            speaker_encoder=self._speaker_encoder, device=self._device, dtype=torch.float32
        )
        x_vector: Tensor = method(model, sound.samples, SAMPLE_RATE)
        return x_vector.float().cpu().clone()

    @cached_property
    def _codec(self) -> Any:
        with loading_errors(_LABEL, self._base):
            return official_codec(self._base, self._device)

    @cached_property
    def _processor(self) -> Any:
        with loading_errors(_LABEL, self._base):
            qwen_tts_package()
            from qwen_tts.core.models import Qwen3TTSProcessor

            # With the correction that the package itself loads it with.
            return Qwen3TTSProcessor.from_pretrained(
                str(self._base), fix_mistral_regex=True, local_files_only=True
            )

    @cached_property
    def _speaker_encoder(self) -> Any:
        """In float32, whatever the model's file has."""
        with loading_errors(_LABEL, self._base):
            official = _official()
            config = official.Qwen3TTSConfig.from_pretrained(str(self._base), local_files_only=True)
            encoder = official.Qwen3TTSSpeakerEncoder(config.speaker_encoder_config)
            encoder.load_state_dict(_weights_below(self._base / "model.safetensors", "speaker_encoder."))
            return encoder.float().eval().to(self._device)


def read_clip(path: Path) -> EncodedClip | None:
    """What `encode` kept; None for a file that cannot be read, for it can be made again."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return EncodedClip(
                file.get_tensor("text").long(),
                file.get_tensor("codes").long(),
                file.get_tensor("x_vector"),
                file.get_tensor("reference"),
                float(file.metadata()["seconds"]),
            )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        log.warning("an encoded clip cannot be read: %s", error, extra={"path": str(path)})
        return None


def clip_of(example: Example) -> EncodedClip:
    """Raises Damaged where the cache was emptied meanwhile."""
    clip = read_clip(example.path)
    if clip is None:
        raise Damaged(
            f"What was encoded of a clip (“{example.text[:40]}”) is gone or damaged.",
            "Start the run anew; if this comes again, check the disk of the studio's home.",
        )
    return clip


def _sound(path: Path) -> Audio:
    """Raises BadInput for what is no recording, too short or too long."""
    longest, seconds = target_named("qwen").max_s, probe(path).duration
    if seconds > longest + _ROUNDING_S:
        raise BadInput(f"It lasts {seconds:.1f} s; at most {longest:g} s are trained on.", "Cut it.")
    sound = read(path, SAMPLE_RATE)
    if sound.duration < MIN_S:
        raise BadInput(f"It lasts only {sound.duration:.2f} s, in which no voice can be told.")
    return sound


def _write(path: Path, clip: EncodedClip) -> None:
    from safetensors.torch import save_file

    tensors = {
        "text": clip.text.int(),
        "codes": clip.codes.to(torch.int16),
        "x_vector": clip.x_vector,
        "reference": clip.reference.clone(),  # a file has no two names for one tensor
    }
    with publishing(path) as partial, weights_being_saved(path):
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()},
            partial,
            metadata={"seconds": repr(clip.seconds)},
        )


def _weights_below(path: Path, prefix: str) -> dict[str, Tensor]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        return {name.removeprefix(prefix): file.get_tensor(name) for name in names}


def _identity(base: Path) -> str:
    """Of what encodes. Hashing gigabytes takes longer than most runs' encoding."""
    with loading_errors(_LABEL, base):
        files = (base / "model.safetensors", base / "speech_tokenizer/model.safetensors")
        stats = [file.stat() for file in files]
    return " ".join(f"{stat.st_size}:{stat.st_mtime_ns}" for stat in stats)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _official() -> Any:
    qwen_tts_package()
    from qwen_tts.core.models import modeling_qwen3_tts

    return modeling_qwen3_tts
