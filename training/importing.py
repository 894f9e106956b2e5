"""The job that takes over a checkpoint from elsewhere as a run: training.importing:run"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from studio.errors import BadInput
from studio.files import write_json
from studio.jobs import JobContext
from studio.models.folders import ModelFolders
from studio.models.registry import ModelEntry
from studio.models.trained import ADAPTER, ADAPTER_CONFIG
from studio.models.validation import report
from studio.runs.values import Checkpoint, Family, LoraOptions, Method, RunSettings
from studio.workspace import Workspace
from training.families import qwen_weights, xtts_weights
from training.foreign import Foreign, check_fits, read
from training.whole_models import (
    base_model,
    folders_of,
    model_weights,
    new_run,
    plain,
    runs_of,
    write_whole,
)

_EPOCH = re.compile(r"checkpoint_epoch_([0-9]{1,6})")


def run(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Take over the checkpoint at `params["path"]` as a run called `params["name"]`, of
    `params["owner"]`, over the model `params["base"]` ("": the first that it fits). Returns the run's id
    as "run".

    Raises BadInput saying what is wrong with the file or its base, ModelMissing, StorageFailed, Cancelled.
    Then nothing is left of it. What was uploaded for it (`params["uploaded"]`) is removed in any case.
    """
    path = Path(params["path"])
    try:
        return _take_over(path, params, context)
    finally:
        uploads = Workspace(context.settings.home).uploads
        if params.get("uploaded") and path.is_relative_to(uploads):
            shutil.rmtree(path.parent, ignore_errors=True)


def _take_over(path: Path, params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    context.progress(0, 3, "reading the checkpoint")
    found = read(path)
    context.progress(1, 3, "comparing it with its base model")
    entry, folder, weights = _base(found, params["base"], folders_of(context.settings))
    runs = runs_of(context.settings)
    about, settings = _described(found, entry)
    came_from = {
        "imported": path.name,
        "practice": entry.practice,
        "dataset_name": "",
        "base_label": entry.label,
    }
    with new_run(runs, params["name"], params["owner"], settings, about, came_from) as made:
        context.progress(2, 3, "writing it into the library")
        _write(made.folder, found, weights, entry, folder)
    context.progress(3, 3)
    return {"run": made.id, "epoch": about.epoch, "family": str(found.family), "base": entry.key}


def _base(found: Foreign, key: str, folders: ModelFolders) -> tuple[ModelEntry, Path, dict[str, Tensor]]:
    """The model that a foreign checkpoint belongs to, where it lies, and what is to be kept."""
    if key:
        entry, folder = base_model(key, folders)
        if not _is_base(entry, found.family):
            raise BadInput(
                f"{found.path.name} is a checkpoint of {found.family}, and {entry.label} is none of its "
                "base models.",
                "Name a base model of that family, or none.",
            )
        return entry, folder, check_fits(found, model_weights(found.family, folder), entry.label)
    refused: BadInput | None = None
    for entry in folders.table.values():
        there = report(folders, entry.key) if _is_base(entry, found.family) else None
        if there is None or not there.valid or there.folder is None:
            continue
        try:
            kept = check_fits(found, model_weights(found.family, there.folder), entry.label)
        except BadInput as error:
            refused = refused or error
            continue
        return entry, there.folder, kept
    raise refused or BadInput(
        f"{found.path.name} is a checkpoint of {found.family}, of which no base model is here.",
        "Get the model that it was trained on in the Models tab.",
    )


def _is_base(entry: ModelEntry, family: Family) -> bool:
    return entry.engine == family.value and entry.variant in ("", "base")


def _described(found: Foreign, entry: ModelEntry) -> tuple[Checkpoint, RunSettings]:
    match = _EPOCH.fullmatch(found.path.parent.name)
    epoch = int(match[1]) if match else 1
    about = Checkpoint(
        run="",
        epoch=epoch,
        family=found.family,
        method=found.method,
        base=entry.key,
        steps=0,
        loss=None,
        eval_loss=None,
        created=time.time(),
        size=0,
        speaker=next(iter(found.voices), ""),
    )
    lora = LoraOptions()
    if found.method is Method.LORA:
        alpha = max(1, min(1024, round(float(found.config["lora_alpha"]))))
        lora = LoraOptions(rank=min(256, found.rank), alpha=alpha)
    settings = RunSettings(
        found.family, entry.key, "", found.method, epochs=max(1, min(10_000, epoch)), lora=lora
    )
    return about, settings


def _write(
    folder: Path, found: Foreign, weights: Mapping[str, Tensor], entry: ModelEntry, base: Path
) -> None:
    from safetensors.torch import save_file

    if found.method is Method.FULL:
        write_whole(folder, found.family, dict(weights), base)
    else:
        save_file(plain(weights), folder / ADAPTER, metadata={"format": "pt"})
        write_json(folder / ADAPTER_CONFIG, _own_config(found, entry))
    if found.voices:
        voices = {
            name: (manner.float(), timbre.float()) for name, (manner, timbre) in found.voices.items()
        }
        xtts_weights.write_voices(folder, voices)
    if found.x_vector is not None:
        qwen_weights.write_voice(folder, found.x_vector)


def _own_config(found: Foreign, entry: ModelEntry) -> dict[str, Any]:
    """An adapter_config.json with nothing of a stranger's but its numbers and the names of its layers."""
    assert found.adapter is not None
    row = {
        "peft_type": "LORA",
        "base_model_name_or_path": entry.key,
        "inference_mode": True,
        "r": found.rank,
        "lora_alpha": found.config["lora_alpha"],
        "use_rslora": bool(found.config.get("use_rslora")),
        "bias": "none",
        "target_modules": sorted({name.rpartition(".")[2] for name in found.adapter.pairs}),
        "modules_to_save": sorted(found.adapter.heads) or None,
        "fan_in_fan_out": found.family is Family.XTTS,
    }
    return dict(json.loads(json.dumps(row)))
