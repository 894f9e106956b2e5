"""What is trained of XTTS, and a checkpoint's files besides its meta.json:

adapter_model.safetensors, adapter_config.json   of a LoRA run, as peft itself reads them (training.families.weights)
model.safetensors, config.json, vocab.json       of a run of every weight: a whole model, its weights by the
                                                 names of a published model.pth
speakers_xtts.pth                                the voices of the data set, as XTTS keeps its own: whoever is
                                                 heard most is the first
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.errors import BadInput
from studio.runs.values import LORA_TARGETS, Family, LoraOptions
from training.families.weights import MODEL, copied

VOICES = "speakers_xtts.pth"

#: A speaker without a name is called so.
_NAMELESS = "voice"


def keep_in(gpt: Any, dtype: torch.dtype) -> None:
    """Keep the matrices of the transformer's layers, which are most of the model, in `dtype`. What is
    little, and suffers from 16 bits, stays in float32."""
    for weight in gpt.gpt.h.parameters():
        if weight.ndim > 1:
            weight.data = weight.data.to(dtype)


def add_lora(gpt: Any, options: LoraOptions) -> Any:
    """Put adapters into `gpt`, a TTS.tts.layers.xtts.gpt.GPT, and freeze all else but the heads that
    `options` names; returns the peft.PeftModel around it.

    Raises BadInput where it has no layer of a name."""
    from peft import LoraConfig, get_peft_model
    from transformers.pytorch_utils import Conv1D

    targets = options.targets or LORA_TARGETS[Family.XTTS]
    transposed = {
        name.rpartition(".")[2]: isinstance(module, Conv1D)
        for name, module in gpt.named_modules()
        if isinstance(module, (Conv1D, torch.nn.Linear))
    }
    for target in targets:
        if target not in transposed:
            raise BadInput(
                f"XTTS has no layer “{target[:80]}” that an adapter could be put into.",
                "Choose of: " + ", ".join(LORA_TARGETS[Family.XTTS]) + ".",
            )
    return get_peft_model(
        gpt,
        LoraConfig(
            r=options.rank,
            lora_alpha=options.alpha,
            lora_dropout=options.dropout,
            target_modules=list(targets),
            modules_to_save=list(options.heads) or None,
            # GPT-2 keeps its weights the other way round; peft corrects it for each other layer.
            fan_in_fan_out=any(transposed[target] for target in targets),
        ),
    )


def write_model(folder: Path, model: Any, base: Path) -> None:
    """Write all weights of `model`, an Xtts, and what says how it is built and reads."""
    from safetensors.torch import save_file

    save_file(copied(model.state_dict()), folder / MODEL, metadata={"format": "pt"})
    for name in ("config.json", "vocab.json"):
        shutil.copyfile(base / name, folder / name)


def write_voices(folder: Path, voices: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Write manner and timbre of each speaker; torch.load reads it as weights only."""
    made = {
        speaker or _NAMELESS: {"gpt_cond_latent": manner, "speaker_embedding": timbre}
        for speaker, (manner, timbre) in voices.items()
    }
    with (folder / VOICES).open("wb") as file:
        torch.save(made, file)
