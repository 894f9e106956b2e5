"""Whether a model's folder is whole. Reads JSON and the headers of weights, never the weights."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from studio.models.checkpoints import WrongCheckpoint, check_checkpoint
from studio.models.folders import ModelFolders
from studio.models.registry import ModelEntry, ModelFile, entry_of
from studio.models.weights import WrongWeights, declared_bytes

#: Of a JSON file, in bytes; the longest real one is the vocabulary with 3 MB.
_MAX_JSON_BYTES = 64_000_000

#: What stands in the place of a large file when a repository was cloned without Git LFS.
_LFS_POINTER = b"version https://git-lfs"


class ModelState(str, Enum):
    """How whole a model is."""

    ABSENT = "absent"  # no folder
    PARTIAL = "partial"  # files are missing
    INVALID = "invalid"  # a file is wrong
    VALID = "valid"


@dataclass(frozen=True)
class Problem:
    """What is wrong with one file and why that matters, in plain sentences."""

    file: str  # below the folder, with "/"
    message: str


@dataclass(frozen=True)
class ModelReport:
    """What lies on the disk of one model."""

    key: str
    state: ModelState
    folder: Path | None
    problems: tuple[Problem, ...] = ()
    size_bytes: int = 0  # all files in the folder

    @property
    def valid(self) -> bool:
        return self.state is ModelState.VALID


def report(folders: ModelFolders, key: str) -> ModelReport:
    """The report on `key`, wherever it lies. Raises NotFound for an unknown key."""
    trained = folders.trained(key)
    if trained is None:
        return validate(entry_of(key, folders.table), folders.find(key))
    found = validate(trained.entry, trained.folder)
    if not (trained.is_adapter and found.valid):
        return found
    base = report(folders, trained.entry.base)
    return found if base.valid else replace(base, key=key)


def validate(entry: ModelEntry, folder: Path | None) -> ModelReport:
    """What is missing or wrong in `folder`; a matter of milliseconds, whatever the weights' size.

    Weights are compared with their own header, not with the published size, so that a fine-tuned
    or a tiny model of the same kind is as good. Raises nothing for what lies in the folder.
    """
    if folder is None or not folder.is_dir():
        return ModelReport(entry.key, ModelState.ABSENT, None)
    missing, wrong = [], []
    for file in entry.files:
        try:
            path = file.path(folder)
            if path is not None:
                _check(entry, file, path)
            elif file.required:
                missing.append(Problem(file.name, f"{file.name} is missing. {file.why}"))
        except _Wrong as error:
            wrong.append(Problem(file.name, f"{file.name} is not right: {error}. {file.why}"))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            wrong.append(Problem(file.name, f"{file.name} cannot be read ({reason}). {file.why}"))
    state = ModelState.INVALID if wrong else ModelState.PARTIAL if missing else ModelState.VALID
    return ModelReport(entry.key, state, folder, (*wrong, *missing), size_of(folder))


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`; links to folders are not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except OSError:  # removed meanwhile, or a link to nowhere: no bytes here
                continue
    return total


class _Wrong(ValueError):
    """Why a file is not what it should be, as the end of a sentence."""


def _check(entry: ModelEntry, file: ModelFile, path: Path) -> None:
    """Raise _Wrong when the content of `path` is not that of `file`."""
    size = path.stat().st_size
    if size == 0:
        raise _Wrong("it is empty")
    with path.open("rb") as opened:
        if opened.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise _Wrong("it only points to the real file (run `git lfs pull`, or download it)")
    if path.suffix == ".safetensors":
        _check_weights(path, size)
    elif path.suffix in (".pt", ".pth"):
        try:
            check_checkpoint(path)
        except WrongCheckpoint as error:
            raise _Wrong(str(error)) from error
    elif path.suffix == ".json":
        content = _json(path, size)
        if file.name == "config.json":
            _check_identity(entry, content)


def _check_weights(path: Path, size: int) -> None:
    try:
        declared = declared_bytes(path)
    except WrongWeights as error:
        raise _Wrong(str(error)) from error
    if size < declared:
        raise _Wrong(f"it breaks off, {size:,} of {declared:,} bytes are there")
    if size > declared:
        raise _Wrong(f"it is too long, {size:,} instead of {declared:,} bytes")


def _json(path: Path, size: int) -> dict[str, Any]:
    if size > _MAX_JSON_BYTES:
        raise _Wrong(f"it is too large for what it should hold, {size:,} bytes")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _Wrong("it is no JSON that can be read") from error
    if not isinstance(content, dict):
        raise _Wrong("it holds no table of values")
    return content


def _check_identity(entry: ModelEntry, config: dict[str, Any]) -> None:
    for name, expected in entry.identity.items():
        if config.get(name) != expected:
            said = str(config.get(name, "nothing"))[:40]
            raise _Wrong(f"this is another model, its {name} is {said} instead of {expected}")
