"""The job that makes a folder of a checkpoint which the family's own package loads:
training.exporting:run"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from engines.devices import torch_module
from engines.saving import weights_being_saved
from engines.xtts.checkpoint import read_tensors
from studio.errors import BadInput, Damaged
from studio.files import make_folder, read_json, write_json
from studio.jobs import JobContext
from studio.models import publishing
from studio.models.trained import VOICES, WEIGHTS
from studio.models.validation import size_of
from studio.models.xtts import TRAINING_FILES
from studio.names import readable
from studio.runs.values import Family
from training.families.qwen_weights import CODEC_EMBEDDING, SLOT, SPEAKER_ENCODER
from training.packing import pack
from training.whole_models import Source, find_source, plain, read_safetensors

#: How the names of zips end.
ZIP = ".zip"

#: Says in an exported folder where it comes from.
ABOUT = "timbre.json"


def run(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Export epoch `params["epoch"]` of the run `params["run"]` to `params["target"]`, a folder that is
    not there or empty; where it ends with .zip, to a zip of such a folder. Returns it as "target",
    "speaker", the name of the voice in it, "size", bytes, and "notes".

    Raises BadInput for a target that is taken, NotFound, Damaged, ModelMissing, StorageFailed, Cancelled.
    Then nothing is left of it.
    """
    context.progress(0, 3, "reading the model")
    source = find_source(context.settings, params["run"], int(params["epoch"]))
    target = Path(params["target"])
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BadInput(f"{target} is there already.", "Choose another place.")
    partial = publishing.partial_of(target)
    publishing.remove(partial)
    make_folder(partial)
    try:
        with weights_being_saved(target):
            weights = source.weights()
            context.progress(1, 3, "writing the folder")
            speaker, notes = _WRITERS[source.checkpoint.family](partial, source, weights)
            write_json(partial / ABOUT, _about(source, speaker))
            size = size_of(partial)
            context.progress(2, 3, "putting it in its place")
            if target.suffix == ZIP:
                pack(partial, target, context.control.check)
            else:
                publishing.publish(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    context.progress(3, 3)
    return {"target": str(target), "speaker": speaker, "size": size, "notes": notes}


def _xtts(folder: Path, source: Source, weights: Mapping[str, Tensor]) -> tuple[str, list[str]]:
    """What `Xtts.load_checkpoint(config, checkpoint_dir)` of coqui-tts takes, strictly; with what its
    training needs, where the base has it."""
    with (folder / "model.pth").open("wb") as file:
        torch_module().save({"model": plain(weights)}, file)
    whole = source.folder / "vocab.json"
    origin = source.folder if whole.is_file() else source.base_folder
    for name in ("config.json", "vocab.json"):
        shutil.copyfile(origin / name, folder / name)
    for name in TRAINING_FILES:
        if (source.base_folder / name).is_file():
            shutil.copyfile(source.base_folder / name, folder / name)
    name = VOICES[Family.XTTS]
    own = read_tensors(source.folder / name) if (source.folder / name).is_file() else {}
    there = source.base_folder / name
    voices = {**own, **(read_tensors(there) if there.is_file() else {}), **own}
    if voices:
        with (folder / name).open("wb") as file:
            torch_module().save(voices, file)
    return (str(next(iter(own))), []) if own else ("", ["It has no voice of its own: give a recording."])


def _qwen(folder: Path, source: Source, weights: Mapping[str, Tensor]) -> tuple[str, list[str]]:
    """What `Qwen3TTSModel.from_pretrained` of qwen-tts takes: a custom_voice model with the trained voice
    as its only one; without such a voice a base model, which clones."""
    from safetensors.torch import save_file

    for file in source.base.files:
        path = source.base_folder / file.name
        if file.name != WEIGHTS and path.is_file():
            make_folder((folder / file.name).parent)
            shutil.copyfile(path, folder / file.name)
    config = read_json(folder / "config.json")
    speaker, notes = "", []
    voice = source.folder / VOICES[Family.QWEN]
    if voice.is_file():
        speaker = readable(str(source.config["name"])).replace("-", "_")
        weights = _with_voice(weights, read_safetensors(voice))
        config = _custom_voice(config, speaker)
    else:
        notes.append("It has no voice of its own, so it is a base model: give a recording.")
    write_json(folder / "config.json", config)
    save_file(plain(weights), folder / WEIGHTS, metadata={"format": "pt"})
    return speaker, notes


def _with_voice(weights: Mapping[str, Tensor], voice: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a custom_voice model, the voice's x-vector in its place."""
    embedding = weights[CODEC_EMBEDDING].clone()
    x_vector = voice.get("x_vector")
    if x_vector is None or x_vector.shape != embedding.shape[1:]:
        raise Damaged("The voice of this checkpoint is of another size.", "Export another epoch.")
    embedding[SLOT] = x_vector.to(embedding.dtype)
    kept = {name: each for name, each in weights.items() if not name.startswith(SPEAKER_ENCODER)}
    return kept | {CODEC_EMBEDDING: embedding}


def _custom_voice(config: dict[str, Any], speaker: str) -> dict[str, Any]:
    config = json.loads(json.dumps(config))
    config["tts_model_type"] = "custom_voice"
    config.pop("speaker_encoder_config", None)
    config["talker_config"] |= {"spk_id": {speaker: SLOT}, "spk_is_dialect": {speaker: False}}
    return config


def _about(source: Source, speaker: str) -> dict[str, Any]:
    checkpoint = source.checkpoint
    return {
        "made_with": "Timbre",
        "trained": source.label,
        "method": str(checkpoint.method),
        "base": source.base.label,
        "license": f"{source.base.license} ({source.base.license_url})",
        "speaker": speaker,
        "language": checkpoint.language,
    }


_Writer = Callable[[Path, Source, Mapping[str, Tensor]], tuple[str, list[str]]]

_WRITERS: Mapping[Family, _Writer] = {Family.XTTS: _xtts, Family.QWEN: _qwen}
