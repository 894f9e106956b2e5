"""Checkpoints of both families as training leaves them, made in a moment on the practice models: the weights
are changed by chance instead of being trained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from studio.files import write_json
from studio.library_config import Head
from studio.models.trained import ADAPTER
from studio.runs.config import KIND, VERSION, new_config
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import Checkpoint, Family, LoraOptions, Method, RunSettings
from training.families.qwen import QwenFamily
from training.families.qwen_weights import write_voice
from training.families.xtts import XttsFamily
from training.families.xtts_weights import write_voices

XTTS_BASE, QWEN_BASE = "xtts-practice", "qwen-practice-base"
BASES = {Family.XTTS: XTTS_BASE, Family.QWEN: QWEN_BASE}


def settings_of(family: Family, method: Method = Method.LORA, **lora: Any) -> RunSettings:
    return RunSettings(
        family, BASES[family], "set", method, lora=LoraOptions(rank=4, alpha=8, dropout=0.0, **lora)
    )


def changed(base: Path, settings: RunSettings, seed: int = 1) -> Any:
    """A family whose weights are not those of `base` any more."""
    make = XttsFamily if settings.family is Family.XTTS else QwenFamily
    family = make(base, settings, "cpu", torch.float32)
    torch.manual_seed(seed)
    module = family.build([])
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.requires_grad and weight.ndim > 1:
                scale = 0.5 if "lora_" in name else 0.05
                weight.add_(torch.randn_like(weight) * scale * weight.shape[-1] ** -0.5)
    return family


def make_run(
    checkpoints: Path, id: str, settings: RunSettings, family: Any, epochs: int = 1
) -> RunFolder:
    """A run called my-voice with a checkpoint of what `family` has learnt; each further one differs."""
    run = RunFolder(checkpoints / id)
    run.root.mkdir(parents=True)
    head = Head(KIND, VERSION, "my-voice", "", 1.0, 1.0)
    write_json(run.root / "config.json", head.over(new_config(settings, "set", "Practice", True)))
    for epoch in range(1, epochs + 1):
        folder = run.root / "partial"
        folder.mkdir()
        family.write_checkpoint(folder)
        _write_voice(folder, settings.family)
        if epoch > 1:
            weights = load_file(folder / ADAPTER)
            save_file({name: each * (1 + epoch) for name, each in weights.items()}, folder / ADAPTER)
        about = Checkpoint(
            run=id,
            epoch=epoch,
            family=settings.family,
            method=settings.method,
            base=settings.base,
            steps=epoch,
            loss=1.0,
            eval_loss=None,
            created=float(epoch),
            size=0,
            speaker="anna",
            language="en",
        )
        write_json(folder / META, asdict(about))
        folder.rename(run.checkpoint(epoch))
    return run


def _write_voice(folder: Path, family: Family) -> None:
    draw = torch.Generator().manual_seed(5)
    if family is Family.QWEN:
        write_voice(folder, torch.randn(64, generator=draw))
        return
    manner = torch.randn(1, 32, 64, generator=draw)
    timbre = torch.randn(1, 512, 1, generator=draw)
    write_voices(folder, {"anna": (manner, timbre / timbre.norm())})
