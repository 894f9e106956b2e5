"""Checkpoints that were uploaded: their files are brought together for the job that reads them."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from studio.errors import BadInput
from studio.files import link_or_copy, make_folder, storage_errors
from studio.models.checkpoints import ENDINGS
from studio.models.trained import ADAPTER_CONFIG, VOICES

#: After so long nobody reads what a killed job has left, seconds.
_OLD_S = 2 * 24 * 3600

#: Of a model of Qwen, says where its voice lies.
CONFIG = "config.json"
_BESIDE = (ADAPTER_CONFIG, CONFIG, *VOICES.values())


def gather(files: Sequence[Path], uploads: Path) -> Path:
    """The one checkpoint among `files` in a folder of its own below `uploads`, beside it what belongs to
    it. Raises BadInput for none, for several and for other files; StorageFailed."""
    weights = [path for path in files if path.name not in _BESIDE and path.suffix in ENDINGS]
    strange = next((path for path in files if path not in weights and path.name not in _BESIDE), None)
    if strange is not None:
        raise BadInput(
            f"“{strange.name}” is not part of a checkpoint.",
            f"Give a file that ends with {', '.join(ENDINGS)}; with an adapter its {ADAPTER_CONFIG}.",
        )
    if len(weights) != 1:
        names = ", ".join(path.name for path in weights)
        raise BadInput(
            f"These are several checkpoints: {names}."
            if weights
            else "There is no checkpoint among them.",
            f"Give one at a time; with an adapter its {ADAPTER_CONFIG}.",
        )
    _sweep(uploads)
    folder = uploads / secrets.token_hex(8)
    make_folder(folder)
    try:
        for path in files:
            with storage_errors(folder):
                link_or_copy(path, folder / path.name)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, FileExistsError):
            raise BadInput("Two of the files have one name.", "Give each of them once.") from error
        raise
    return folder / weights[0].name


def _sweep(uploads: Path) -> None:
    for folder in uploads.iterdir() if uploads.is_dir() else ():
        with suppress(FileNotFoundError):  # it was read meanwhile
            if time.time() - folder.stat().st_mtime > _OLD_S:
                shutil.rmtree(folder, ignore_errors=True)
