"""From a checkpoint to a whole model: its base's weights with the adapter's added to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from engines.lora import merged, read_adapter
from engines.saving import weights_being_saved
from engines.xtts.checkpoint import read_weights, weights_of
from studio.errors import Damaged, ModelMissing
from studio.files import write_json
from studio.library import Library
from studio.library_config import Config
from studio.models.folders import ModelFolders
from studio.models.registry import ModelEntry, entry_of
from studio.models.trained import VOICES, WEIGHTS
from studio.models.validation import report
from studio.names import slug
from studio.runs.config import KIND, VERSION, new_config, settings_of
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import Checkpoint, Family, Method, RunSettings
from studio.settings import Settings
from studio.workspace import Workspace
from training.families import qwen_weights

#: Where what is trained lies in a model: adapters are named from there on.
TRAINED_PART: Mapping[Family, str] = {Family.XTTS: "gpt.", Family.QWEN: "talker."}


@dataclass(frozen=True)
class Source:
    """A checkpoint with what it takes to make a model of it."""

    checkpoint: Checkpoint
    folder: Path
    config: Config  # of its run
    base: ModelEntry
    base_folder: Path

    @property
    def label(self) -> str:
        return f"{self.config['name']}, epoch {self.checkpoint.epoch}"

    def weights(self) -> dict[str, Tensor]:
        """All of the model, by the names of a published one. Raises Damaged, BadInput, EngineFailed."""
        if self.checkpoint.method is Method.FULL:
            return model_weights(self.checkpoint.family, self.folder)
        weights = model_weights(self.checkpoint.family, self.base_folder)
        part = TRAINED_PART[self.checkpoint.family]
        return {**weights, **merged(weights, read_adapter(self.folder), part)}


def runs_of(studio: Settings) -> Library:
    return Library(Workspace(studio.home).checkpoints, KIND, VERSION)


def folders_of(studio: Settings) -> ModelFolders:
    return ModelFolders(studio.models_dir, studio.qwen_dir)


def find_source(studio: Settings, run: str, epoch: int) -> Source:
    """The checkpoint of `epoch` of the run with the id `run`. Raises NotFound, Damaged, and ModelMissing
    where its base model is not here."""
    runs = runs_of(studio)
    folder = RunFolder(runs.folder(run))
    checkpoint = folder.read_checkpoint(epoch)
    entry, base = base_model(checkpoint.base, folders_of(studio))
    return Source(checkpoint, folder.checkpoint(epoch), runs.read(run), entry, base)


def base_model(key: str, folders: ModelFolders) -> tuple[ModelEntry, Path]:
    """The model `key` and where it lies. Raises NotFound, and ModelMissing where it is not whole."""
    entry, found = entry_of(key, folders.table), report(folders, key)
    if not found.valid or found.folder is None:
        get = f"practice {entry.engine}" if entry.practice else f"download {key}"
        raise ModelMissing(
            f"{entry.label}, which this was trained on, is not on this machine.",
            f"Get it with: python app.py models {get}",
        )
    return entry, found.folder


def model_weights(family: Family, folder: Path) -> dict[str, Tensor]:
    """All weights of the model in `folder`, on the CPU in the dtypes of its file. Raises EngineFailed,
    Damaged."""
    if family is Family.XTTS:
        return read_weights(weights_of(folder))
    return read_safetensors(folder / WEIGHTS)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Raises Damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise Damaged(
            f"{path.name} is damaged or holds no weights ({str(error)[:80]}).", "Get it again."
        ) from error


def write_whole(folder: Path, family: Family, weights: dict[str, Tensor], base: Path) -> None:
    """Write a checkpoint of every weight as training does; all but the weights is the base's."""
    from safetensors.torch import save_file

    if family is Family.QWEN:
        qwen_weights.write_model(folder, plain(weights), base)
        return
    save_file(plain(weights), folder / WEIGHTS, metadata={"format": "pt"})
    for name in ("config.json", "vocab.json"):
        shutil.copyfile(base / name, folder / name)


def plain(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each with memory of its own, as files of weights want it."""
    seen: set[int] = set()
    result = {}
    for name, weight in weights.items():
        storage = weight.untyped_storage()
        shared = storage.data_ptr() in seen or not weight.is_contiguous()
        seen.add(storage.data_ptr())
        result[name] = weight.clone().contiguous() if shared else weight
    return result


def copy_voice(source: Path, target: Path, family: Family) -> None:
    """The voice that was trained on, where a checkpoint has one."""
    if (source / VOICES[family]).is_file():
        shutil.copyfile(source / VOICES[family], target / VOICES[family])


@dataclass
class MadeRun:
    """A run in the making."""

    folder: Path  # of its checkpoint
    id: str = ""  # once it is made


@contextmanager
def new_run(
    runs: Library, name: str, owner: str, settings: RunSettings, about: Checkpoint, came_from: Config
) -> Iterator[MadeRun]:
    """A run that is no training's, called `name`: its one checkpoint's files go into the `folder` of what
    is given; when the block ends well it is in the library, and has its `id`.

    Raises BadInput for a name that is taken, StorageFailed; then nothing of it is left.
    """
    with runs.scratch() as scratch:
        made = MadeRun(scratch / "checkpoint")
        made.folder.mkdir()
        with weights_being_saved(made.folder):
            yield made
            write_json(made.folder / META, asdict(replace(about, run=slug(name))))

        def into(folder: Path) -> Config:
            made.folder.rename(RunFolder(folder).checkpoint(about.epoch))
            shared = ("dataset_name", "base_label", "practice", "imported")
            return new_config(settings, **{key: came_from[key] for key in shared})

        made.id = runs.create(name, owner, into)
        if made.id != slug(name):  # another owner has one of that name
            meta = RunFolder(runs.folder(made.id)).checkpoint(about.epoch) / META
            write_json(meta, asdict(replace(about, run=made.id)))


def settings_like(config: Config, **changes: Any) -> RunSettings:
    """The settings of a run's config, with `changes`. Raises Damaged."""
    return replace(settings_of(config), **changes)
