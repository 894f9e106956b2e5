"""Where each model lies, or would be put."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import StorageFailed
from studio.models.registry import MODELS, QWEN, ModelEntry, entry_of
from studio.models.trained import TRAINED, TrainedModel, TrainedModels


@dataclass(frozen=True)
class ModelFolders:
    """The folders of models on this machine."""

    models_dir: Path  # <models_dir>/<family>/<model>
    qwen_dir: Path  # <qwen_dir>/<model>, for the family Qwen
    table: Mapping[str, ModelEntry] = field(default_factory=lambda: MODELS, repr=False, compare=False)
    checkpoints: Path | None = None  # of training runs; None: nothing is trained here

    @property
    def all(self) -> dict[str, ModelEntry]:
        """The table, then what was trained here, as it is now."""
        return {**self.table, **{key: model.entry for key, model in self.trained_models.items()}}

    @property
    def trained_models(self) -> dict[str, TrainedModel]:
        """What was trained here, as it is now, by key: the newest first."""
        return self._trained.all() if self._trained else {}

    def trained(self, key: str) -> TrainedModel | None:
        """The model `key` that was trained here; None where it was not, or is gone."""
        return self._trained.get(key) if self._trained else None

    @functools.cached_property
    def _trained(self) -> TrainedModels | None:
        return TrainedModels(self.checkpoints, self.table) if self.checkpoints else None

    def family(self, entry: ModelEntry) -> Path:
        """The folder that holds the models of `entry`'s family."""
        return self.qwen_dir if entry.family == QWEN else self.models_dir / entry.family

    def target(self, key: str) -> Path:
        """Where a download of `key` goes."""
        entry = entry_of(key, self.table)
        return self.family(entry) / entry.folder

    def find(self, key: str) -> Path | None:
        """The folder that holds `key`, whole or not: the one of its name, one with a name that other
        tools give it, or any whose configuration says that it is this model. None when there is
        none. Raises NotFound for an unknown key."""
        trained = self.trained(key)
        if trained is not None:
            return trained.folder
        entry = entry_of(key, self.all if key.startswith(TRAINED) else self.table)
        family = self.family(entry)
        if (family / entry.folder).is_dir():
            return family / entry.folder
        if entry.practice or not family.is_dir():
            return None
        taken = {other.folder for other in self.table.values() if other.family == entry.family}
        named = [family / name for name in entry.legacy if (family / name).is_dir()]
        others = [path for path in _folders(family) if path.name not in taken]
        return next((folder for folder in (*named, *others) if _is(entry, folder)), None)


def _folders(family: Path) -> list[Path]:
    """The folders of models in `family`; what is still being made has a name with a dot in front."""
    try:
        return sorted(path for path in family.iterdir() if path.is_dir() and path.name[0] != ".")
    except PermissionError as error:
        raise StorageFailed(
            f"{family} cannot be read.", "Give yourself access to the folder, or name another one."
        ) from error


def _is(entry: ModelEntry, folder: Path) -> bool:
    """Whether the configuration in `folder` is that of `entry`."""
    config = _config(folder)
    return bool(entry.identity) and all(
        config.get(name) == value for name, value in entry.identity.items()
    )


def _config(folder: Path) -> dict[str, Any]:
    """config.json of `folder`; empty where there is none that can be read, as in a stranger's folder."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
