"""Where a training set is built from: files and folders that lie elsewhere, and what was uploaded."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from studio.dataset.cache import PACKED_SUFFIXES
from studio.dataset.ledger import DatasetFolder
from studio.errors import BadInput, unknown
from studio.files import link_or_copy, make_folder, storage_errors
from studio.library_config import Config
from studio.services.dataset_values import DatasetInput
from studio.text.sentences import clean

#: Below the uploads' folder: sounds with the texts that belong to them. Archives lie above, as each is
#: an input of its own.
_FILES = "files"
_ARCHIVES = (".zip",)
_MAX_NAME_BYTES = 180
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')


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
    files = config["files"] + changes
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
    return config | {"inputs": inputs, "files": config["files"] + 1}, path


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


def is_packed(path: Path) -> bool:
    """Whether builds unpack such a file."""
    return path.suffix.lower() in (*_ARCHIVES, *PACKED_SUFFIXES)


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
    plain = _FORBIDDEN.sub("_", " ".join(clean(name).split())).strip(". ") or "recording"
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
