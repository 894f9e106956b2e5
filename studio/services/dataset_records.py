"""A training set as its config.json keeps it: where it is built from and with which settings."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from studio.dataset.ledger import DatasetFolder, settings_from
from studio.dataset.values import PrepareSettings
from studio.errors import BadInput, unknown
from studio.files import make_folder, storage_errors
from studio.library_config import Config
from studio.names import clean_name
from studio.services.dataset_values import DatasetInput

KIND = "data set"
VERSION = 1

#: Settings that need no other build: they count when what is kept is settled.
_SETTLED = ("limits", "eval_share", "processes")

#: Below the uploads' folder: sounds with the texts that belong to them. Archives lie above, as each is
#: an input of its own.
_FILES = "files"
_ARCHIVES = (".zip",)
_MAX_NAME_BYTES = 180
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')


def new_config(settings: PrepareSettings) -> Config:
    return {"inputs": [], "settings": asdict(settings), "job": "", "note": "", "built": None}


def inputs_of(config: Config, folder: DatasetFolder) -> tuple[DatasetInput, ...]:
    """Where a set is built from, each uploaded file by itself."""
    found: list[DatasetInput] = []
    for text in config["inputs"]:
        path = folder.root / text
        if text == _files_input(folder):
            found += (_uploaded(folder, file) for file in sorted(path.iterdir()) if path.is_dir())
        elif Path(text).is_absolute():
            found.append(DatasetInput(text, text, uploaded=False, missing=not path.exists()))
        else:
            found.append(_uploaded(folder, path))
    return tuple(found)


def settings_of(config: Config) -> PrepareSettings:
    """Raises BadInput for values out of range, KeyError and the like where there are none."""
    return settings_from(config["settings"])


def stale(config: Config) -> str:
    """What to do where another build would find other segments than the last one; else ""."""
    built = config.get("built")
    if built is None:
        return ""
    if built["inputs"] != config["inputs"] or built["files"] != config.get("files", 0):
        return "Its recordings have changed: build it again."
    if built["settings"] != shaping(settings_of(config)):
        return "Its settings have changed: build it again."
    return ""


def notes_of(config: Config) -> tuple[str, ...]:
    """What the last build had to say, as sentences."""
    built = config.get("built")
    return tuple(str(note) for note in built["notes"]) if built else ()


def shaping(settings: PrepareSettings) -> Config:
    """The settings that need another build when they change, as JSON."""
    return {key: value for key, value in asdict(settings).items() if key not in _SETTLED}


def existing(inputs: Sequence[Path]) -> list[Path]:
    """The inputs as absolute paths, each once. Raises BadInput for one that is not there."""
    found = dict.fromkeys(path.expanduser().resolve() for path in inputs)
    for path in found:
        if not path.exists():
            raise BadInput(f"{path} is not there.", "Check the path, or choose other recordings.")
    return list(found)


def with_paths(config: Config, inputs: Iterable[Path]) -> Config:
    """`config` with `inputs`, which stay where they are."""
    return config | {"inputs": list(dict.fromkeys([*config["inputs"], *map(str, inputs)]))}


def copy_in(inputs: Iterable[Path], scratch: Path) -> list[Path]:
    """Copies of files in `scratch`, under names that any disk can have. Raises BadInput for a folder,
    StorageFailed where the disk is full."""
    copies: list[Path] = []
    for number, path in enumerate(inputs):
        if not path.is_file():
            raise BadInput(f"{path} is a folder.", "Add it where it lies, or put it into a zip.")
        place = scratch / str(number)
        make_folder(place)
        copy = place / _plain(path.name)
        with storage_errors(copy):
            shutil.copyfile(path, copy)
        copies.append(copy)
    return copies


def with_uploads(config: Config, folder: DatasetFolder, copies: Iterable[Path]) -> Config:
    """`config` with `copies`, which are moved to the uploads. One that is there already is left."""
    inputs = list(config["inputs"])
    changes = 0
    for copy in copies:
        archive = copy.suffix.lower() in _ARCHIVES
        place = folder.uploads if archive else folder.uploads / _FILES
        make_folder(place)
        target = _free(place / copy.name, copy)
        if not target.exists():
            copy.rename(target)
            changes += 1
        inputs.append(_relative(folder, target) if archive else _files_input(folder))
    files = config.get("files", 0) + changes
    return config | {"inputs": list(dict.fromkeys(inputs)), "files": files}


def without_input(config: Config, folder: DatasetFolder, input: str) -> tuple[Config, Path | None]:
    """`config` without an input, and the uploaded file that is to be removed once it is saved.

    Raises NotFound naming those there are."""
    known = {each.path: each for each in inputs_of(config, folder)}
    if input not in known:
        raise unknown("recording of that data set", input, [each.name for each in known.values()])
    path = folder.root / input
    inputs = [each for each in config["inputs"] if each != input]
    if path.parent == folder.uploads / _FILES and [*path.parent.iterdir()] == [path]:
        inputs.remove(_files_input(folder))
    if not known[input].uploaded:
        return config | {"inputs": inputs}, None
    return config | {"inputs": inputs, "files": config.get("files", 0) + 1}, path


def copy_tree(source: Path, target: Path, skip: Callable[[Path], bool]) -> None:
    """Files below `source` in `target`: the same on the disk where it can be, since nobody changes
    one in place. Raises StorageFailed."""
    for path in sorted(source.rglob("*")):
        if path.is_symlink() or not path.is_file() or skip(path):
            continue
        copy = target / path.relative_to(source)
        make_folder(copy.parent)
        with storage_errors(copy):
            link_or_copy(path, copy)


def link_or_copy(source: Path, target: Path) -> None:
    """`target` as another name of `source`'s bytes, or a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:  # another disk, too many names, or a file system without links
        shutil.copy2(source, target)


def bytes_in(folder: Path) -> int:
    """Of all files below; what goes away meanwhile does not count."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.lstat().st_size if path.is_file() else 0
    return total


def _uploaded(folder: DatasetFolder, path: Path) -> DatasetInput:
    return DatasetInput(_relative(folder, path), path.name, uploaded=True, missing=not path.exists())


def _files_input(folder: DatasetFolder) -> str:
    return _relative(folder, folder.uploads / _FILES)


def _relative(folder: DatasetFolder, path: Path) -> str:
    return path.relative_to(folder.root).as_posix()


def _plain(name: str) -> str:
    """A file's name without what some disk cannot have, or what importing takes for hidden."""
    plain = _FORBIDDEN.sub("_", clean_name(name)).strip(". ") or "recording"
    stem, suffix = Path(plain).stem, Path(plain).suffix
    room = _MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore") + suffix if room > 0 else "recording"


def _free(target: Path, content: Path) -> Path:
    """`target`, with a number where another content has the name."""
    import filecmp

    free, number = target, 2
    while free.exists() and not filecmp.cmp(free, content, shallow=False):
        free, number = target.with_name(f"{target.stem} ({number}){target.suffix}"), number + 1
    return free
