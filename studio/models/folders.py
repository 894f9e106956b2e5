"""Where each model lies, or would be put."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.models.registry import QWEN, ModelEntry, entry_of


@dataclass(frozen=True)
class ModelFolders:
    """The folders of models on this machine."""

    models_dir: Path  # <models_dir>/<family>/<model>
    qwen_dir: Path  # <qwen_dir>/<model>, for the family Qwen

    def family(self, entry: ModelEntry) -> Path:
        """The folder that holds the models of `entry`'s family."""
        return self.qwen_dir if entry.family == QWEN else self.models_dir / entry.family

    def target(self, key: str) -> Path:
        """Where a download of `key` goes."""
        entry = entry_of(key)
        return self.family(entry) / entry.folder

    def find(self, key: str) -> Path | None:
        """The folder that holds `key`, whole or not: the one of its name, one with a name that other
        tools give it, or any whose configuration says that it is this model. None when there is
        none. Raises NotFound for an unknown key."""
        entry = entry_of(key)
        family = self.family(entry)
        if (family / entry.folder).is_dir():
            return family / entry.folder
        if entry.practice or not family.is_dir():
            return None
        taken = {other.folder for other in _same_family(entry)}
        named = [family / name for name in entry.legacy if (family / name).is_dir()]
        others = sorted(path for path in family.iterdir() if path.is_dir() and path.name not in taken)
        for folder in (*named, *others):
            if _is(entry, folder):
                return folder
        return None


def _same_family(entry: ModelEntry) -> list[ModelEntry]:
    from studio.models.registry import MODELS

    return [other for other in MODELS.values() if other.family == entry.family]


def _is(entry: ModelEntry, folder: Path) -> bool:
    """Whether the configuration in `folder` is that of `entry`."""
    config = _config(folder)
    if entry.variant:
        return (config.get("tts_model_type"), config.get("tts_model_size")) == (
            entry.variant,
            entry.size,
        )
    return entry.key == "qwen-tokenizer" and config.get("model_type") == "qwen3_tts_tokenizer_12hz"


def _config(folder: Path) -> dict[str, Any]:
    """config.json of `folder`; empty where there is none that can be read, as in a stranger's folder."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
