"""A folder of weights as a zip, which a browser can take away in one piece."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from studio.files import publishing

_BLOCK = 1 << 20


def pack(folder: Path, target: Path, check: Callable[[], None]) -> None:
    """Write the zip `target`, whole or not at all: the files of `folder` in a folder of the zip's name.
    Weights hardly pack, so they are stored as they are. `check` is called for every MiB and may raise.

    Raises StorageFailed.
    """
    with publishing(target) as partial, zipfile.ZipFile(partial, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            name = f"{target.stem}/{path.relative_to(folder).as_posix()}"
            with (
                path.open("rb") as source,
                archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as sink,
            ):
                while block := source.read(_BLOCK):
                    check()
                    sink.write(block)
