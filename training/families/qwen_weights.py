"""What is trained of Qwen3-TTS, and the files of a checkpoint.

Besides its meta.json it has

adapter_model.safetensors, adapter_config.json   of a LoRA run, as peft itself reads them, on the talker
voice.safetensors                                x_vector [hidden] float32: the voice it was trained on

or, of a run of every weight, a whole model's folder: model.safetensors with the talker in float32, the
codec's and the tokenizer's files as they are in the base, and voice.safetensors.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from studio.errors import BadInput
from studio.files import link_or_copy, make_folder
from studio.runs.values import LORA_TARGETS, Family, LoraOptions
from training.families.weights import MODEL

VOICE = "voice.safetensors"

#: Where the package's fine-tuning puts the voice of a custom_voice model: the first place in the table of
#: codes that no published voice has. Such a model has no speaker encoder.
SLOT = 3000
CODEC_EMBEDDING = "talker.model.codec_embedding.weight"
SPEAKER_ENCODER = "speaker_encoder."

#: What marks a folder as something that a trained model is not.
_MARKS = ("practice.json", "meta.json")


def add_lora(talker: Any, options: LoraOptions) -> None:
    """Put adapters into `talker` and freeze all else but the heads that `options` names.

    Raises BadInput where it has no module of a name."""
    from peft import LoraConfig, get_peft_model

    targets = options.targets or LORA_TARGETS[Family.QWEN]
    linear = (name for name, module in talker.named_modules() if isinstance(module, nn.Linear))
    there = {name.rpartition(".")[2] for name in linear}
    for target in targets:
        if target not in there:
            raise BadInput(
                f"Qwen3-TTS has no layer “{target[:80]}” that an adapter could be put into.",
                "Choose of: " + ", ".join(LORA_TARGETS[Family.QWEN]) + ".",
            )
    get_peft_model(
        talker,
        LoraConfig(
            r=options.rank,
            lora_alpha=options.alpha,
            lora_dropout=options.dropout,
            target_modules=list(targets),
            modules_to_save=list(options.heads) or None,
        ),
    )


def write_model(folder: Path, state: dict[str, Tensor], base: Path) -> None:
    """Write a whole model: `state` in place of the weights of those names in `base`."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(base / MODEL, "pt") as file:
        rest = {name: file.get_tensor(name) for name in file.keys() if name not in state}  # noqa: SIM118
    save_file({**rest, **state}, folder / MODEL, metadata={"format": "pt"})
    for path in _unchanged(base):
        target = folder / path.relative_to(base)
        make_folder(target.parent)
        # Whoever flushes a file to the disk opens it for writing.
        if path.suffix == ".safetensors" and os.access(path, os.W_OK):
            link_or_copy(path.resolve(), target)
        else:
            shutil.copyfile(path, target)


def _unchanged(base: Path) -> Iterator[Path]:
    """What a model's folder has besides its weights and what marks it as this or that."""
    for path in sorted([*base.glob("*"), *base.glob("speech_tokenizer/*")]):
        known = path.suffix in (".json", ".txt") or (path.parent != base and path.name == MODEL)
        if path.is_file() and known and path.name not in _MARKS:
            yield path


def write_voice(folder: Path, x_vector: Tensor) -> None:
    from safetensors.torch import save_file

    save_file({"x_vector": x_vector.float().cpu().contiguous()}, folder / VOICE)
