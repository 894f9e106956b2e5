"""The job that makes practice models, small and with random weights: studio.services.practice:run"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from studio.control import Control
from studio.errors import Damaged, unknown
from studio.files import make_folder
from studio.jobs import JobContext
from studio.models import publishing
from studio.models.folders import ModelFolders
from studio.models.registry import ModelEntry
from studio.models.validation import validate

#: Where each family's models are made: module:function(family folder, control).
_MAKERS = {
    "qwen": "engines.qwen.practice:make_all",
    "xtts": "engines.xtts.practice:make_all",
    "whisper": "engines.whisper.practice:make_all",
    "wav2lip": "engines.wav2lip.practice:make_all",
}

#: They are put together in here, beside where they go.
_STAGE = Path("practice")


def entries(family: str, folders: ModelFolders) -> list[ModelEntry]:
    """The practice models of an engine's family; raises NotFound for one that has none."""
    if family not in _MAKERS:
        raise unknown("family of practice models", family, _MAKERS)
    return [entry for entry in folders.table.values() if entry.practice and entry.engine == family]


def run(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Make the practice models of `params["family"]` and put them into its folder, each by a rename. Nothing
    else is left, however it ends.

    Raises StorageFailed, Cancelled, and Damaged where what was made is not whole.
    """
    folders = ModelFolders(context.settings.models_dir, context.settings.qwen_dir)
    made = entries(params["family"], folders)
    stage = publishing.partial_of(folders.family(made[0]) / _STAGE)
    publishing.remove(stage)
    make_folder(stage)
    try:
        _maker(params["family"])(stage, context.control)
        for entry in made:
            found = validate(entry, stage / entry.folder)
            if not found.valid:
                reason = found.problems[0].message if found.problems else "it was not made."
                raise Damaged(f"{entry.label} is not right: {reason}", "Make the models again.")
            publishing.publish(stage / entry.folder, folders.target(entry.key))
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return {"keys": [entry.key for entry in made], "folder": str(folders.family(made[0]))}


def _maker(family: str) -> Callable[[Path, Control], object]:
    module, _, name = _MAKERS[family].partition(":")
    make: Callable[[Path, Control], object] = getattr(import_module(module), name)
    return make
