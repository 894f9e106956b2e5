"""The models that were trained on this machine: each checkpoint of a run is one, found where it lies.

What a checkpoint's folder holds besides meta.json is said in training.families: of a LoRA run an adapter,
which is used over its base model; of a run of every weight a whole model.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from studio.errors import Damaged, NotFound
from studio.library_config import CONFIG, Config, read_config
from studio.models.entries import ModelEntry, ModelFile
from studio.models.xtts import TRAINING_FILES
from studio.runs.config import KIND, VERSION
from studio.runs.run_folder import RunFolder
from studio.runs.values import Checkpoint, Family, Method

log = logging.getLogger(__name__)

#: How the keys of trained models begin; no other key does.
TRAINED = "trained-"
_KEY = re.compile(TRAINED + r"([a-z0-9-]+)-[0-9]+")

ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
WEIGHTS = "model.safetensors"
#: The voice that was trained, by family.
VOICES: Mapping[Family, str] = {Family.XTTS: "speakers_xtts.pth", Family.QWEN: "voice.safetensors"}

#: What a checkpoint need not have, for speech does without.
_OF_BASE = (*VOICES.values(), *TRAINING_FILES)

_ADAPTER_FILES = (
    ModelFile(ADAPTER, "It holds what was trained."),
    ModelFile(ADAPTER_CONFIG, "It says how the adapter is used."),
)


@dataclass(frozen=True)
class TrainedModel:
    """A checkpoint as a model."""

    entry: ModelEntry
    folder: Path
    checkpoint: Checkpoint

    @property
    def is_adapter(self) -> bool:
        """Whether it is used over its base model, and is none by itself."""
        return self.checkpoint.method is Method.LORA

    @property
    def has_voice(self) -> bool:
        """Whether it can speak in the voice that it was trained on, without a recording."""
        return (self.folder / VOICES[self.checkpoint.family]).is_file()


def stamp(folder: Path) -> str:
    """Size and time of the weights in a checkpoint's folder: a run can be made anew under its old name.
    "" where they are gone."""
    for name in (ADAPTER, WEIGHTS):
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        return f"{stat.st_size}:{stat.st_mtime_ns}"
    return ""


class TrainedModels:
    """Those below a folder of runs, found anew each time; thread-safe. Runs and checkpoints that cannot
    be read are left out: whoever lists the runs tells of them."""

    def __init__(self, checkpoints: Path, published: Mapping[str, ModelEntry]) -> None:
        """`published`: the models that can be a base."""
        self._root, self._published = checkpoints, published
        self._lock = threading.Lock()
        #: By the run's folder: what it looked like, and what was found then.
        self._seen: dict[str, tuple[object, tuple[TrainedModel, ...]]] = {}

    def all(self) -> dict[str, TrainedModel]:
        """By key: the newest run first, and its last checkpoint."""
        try:
            folders = [path for path in self._root.iterdir() if path.is_dir() and path.name[0] != "."]
        except FileNotFoundError:
            return {}
        found = [model for folder in sorted(folders) for model in self._of_run(folder)]
        found.sort(key=lambda model: (-model.checkpoint.created, model.entry.key))
        return {model.entry.key: model for model in found}

    def get(self, key: str) -> TrainedModel | None:
        """The one with that key; None where there is none."""
        match = _KEY.fullmatch(key)
        models = self._of_run(self._root / match[1]) if match else ()
        return next((model for model in models if model.entry.key == key), None)

    def _of_run(self, folder: Path) -> tuple[TrainedModel, ...]:
        run = RunFolder(folder)
        try:
            epochs, stat = run.epochs(), (folder / CONFIG).stat()
        except OSError:  # it is being deleted, or no run
            return ()
        look = (stat.st_mtime_ns, stat.st_size, *epochs)
        with self._lock:
            seen = self._seen.get(folder.name)
        if seen is not None and seen[0] == look:
            return seen[1]
        models = tuple(self._read(run, epochs))
        with self._lock:
            self._seen[folder.name] = (look, models)
        return models

    def _read(self, run: RunFolder, epochs: list[int]) -> list[TrainedModel]:
        found = []
        for epoch in reversed(epochs):
            try:
                config = read_config(run.root / CONFIG, KIND, VERSION)
                model = self._model(run, config, run.read_checkpoint(epoch))
            except (Damaged, NotFound) as error:
                log.info("a checkpoint is left out: %s", error.message)
                continue
            if model is not None:
                found.append(model)
        return found

    def _model(self, run: RunFolder, config: Config, checkpoint: Checkpoint) -> TrainedModel | None:
        base = self._published.get(checkpoint.base)
        if base is None or base.engine != checkpoint.family:
            log.info("%s was trained on %s, which is not known", run.root.name, checkpoint.base)
            return None
        folder = run.checkpoint(checkpoint.epoch)
        speaks = (folder / VOICES[checkpoint.family]).is_file()
        entry = replace(
            base,
            key=f"{TRAINED}{run.root.name}-{checkpoint.epoch}",
            label=f"{config['name']}, epoch {checkpoint.epoch}",
            folder=folder.name,
            hugging_face="",
            modelscope="",
            url="",
            files=_ADAPTER_FILES if checkpoint.method is Method.LORA else _whole_files(base),
            serves="Speech: the voice that it was trained on, and cloning",
            modes=base.modes | {"preset"} if speaks else base.modes,
            consent="",
            legacy=(),
            practice=False,
            base=base.key,
            owner=config["owner"],
        )
        return TrainedModel(entry, folder, checkpoint)


def _whole_files(base: ModelEntry) -> tuple[ModelFile, ...]:
    """Those of a model like `base`, with its weights as safetensors and of no known size."""
    files = []
    for file in base.files:
        name = WEIGHTS if file.name == "model.pth" else file.name
        required = file.required and file.name not in _OF_BASE
        files.append(ModelFile(name, file.why, None, required))
    return tuple(files)
