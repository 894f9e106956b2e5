"""Where eSpeak NG's library and data lie: inside the `espeakng-loader` wheel."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from studio.errors import EngineFailed

#: eSpeak NG keeps the path in 160 bytes and appends to it (N_PATH_HOME in speech.h); longer ones
#: are cut without a word.
MAX_PATH_BYTES = 120

_REMEDY = "Install it: pip install espeakng-loader"


@functools.cache
def wheel_folder() -> Path:
    """The installed wheel; it is found without importing it. Raises EngineFailed without one."""
    spec = importlib.util.find_spec("espeakng_loader")
    if spec is None or spec.origin is None:
        raise EngineFailed("eSpeak NG is not installed.", _REMEDY)
    return Path(spec.origin).parent


def library_path() -> Path:
    """The shared library of this system. Raises EngineFailed where the wheel lacks it."""
    for name in ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll"):
        path = wheel_folder() / name
        if path.is_file():
            return path
    raise EngineFailed("eSpeak NG's library is missing from its package.", _REMEDY)


def data_folder() -> Path:
    """eSpeak NG's dictionaries and voices. Raises EngineFailed where the wheel lacks them."""
    path = wheel_folder() / "espeak-ng-data"
    if not (path / "phontab").is_file():
        raise EngineFailed("eSpeak NG's data are missing from its package.", _REMEDY)
    return path


def short_path(folder: Path) -> Path:
    """`folder` under a path that eSpeak NG can hold: itself, or a link to it in the temp folder (a
    copy, about 19 MB, where links are not allowed), removed when this process ends.

    Raises EngineFailed where the temp folder's own path is too long.
    """
    if _fits(folder):
        return folder
    # A folder of our own with an unguessable name: in a shared temp folder nobody can lay other
    # data in our way.
    place = Path(tempfile.mkdtemp(prefix="timbre-"))
    short = place / "espeak-ng-data"
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    if not _fits(short):
        raise EngineFailed(
            "eSpeak NG's data lie under too long a path.",
            "Set TMPDIR to a folder with a short path, or install Timbre under a shorter one.",
        )
    try:
        short.symlink_to(folder, target_is_directory=True)
    except OSError:  # Windows without the right to make links
        shutil.copytree(folder, short)
    return short


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_PATH_BYTES
