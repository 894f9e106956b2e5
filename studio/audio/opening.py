"""What both decoders share: opening files safely, the mix to mono, the words for damage."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from studio.audio.types import Samples
from studio.errors import BadInput


def open_file(path: Path, kind: str = "recording") -> BinaryIO:
    """Open a regular file for reading; BadInput when it is missing, a folder, a pipe or a device.
    `kind` is what messages call it."""
    # O_NONBLOCK: opening a pipe would otherwise wait for whoever writes into it.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be opened"
        raise BadInput(f"The {kind} {shown(path)} {reason}.", "Choose another file.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(f"{shown(path)} is not a file.", f"Choose a {kind}.")
    return os.fdopen(descriptor, "rb")


def shown(path: Path | str) -> str:
    """A file's name as messages show it: without its folder, in quotes, of bounded length."""
    name = Path(path).name
    return f"“{name if len(name) <= 80 else name[:77] + '…'}”"


def damaged(name: str, seconds: float) -> BadInput:
    """The error for a file that cannot be decoded to its end."""
    return BadInput(
        f"{name} is damaged or breaks off after {seconds:.1f} s.",
        "Export it again, for example as 16-bit WAV, and try that file.",
    )


class Tolerant:
    """A file as decoders get it: without its name, and a seek before its beginning, which broken
    headers ask for, fails in the way of C instead of raising in the middle of a callback."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.tell = file.tell
        self._file = file

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)  # type: ignore[attr-defined]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -1


def mixed(block: Samples, name: str, seconds: float) -> Samples:
    """[n, channels] to mono [n], clipped as a player does. NaN and infinity are refused and not
    repaired: they come from a fault in the exporting program that has hurt the rest as well."""
    if not np.isfinite(block).all():
        raise BadInput(
            f"{name} holds values that are not numbers, near {seconds:.1f} s.",
            "Export it again as 16-bit WAV.",
        )
    clipped = np.clip(block, -1.0, 1.0)
    if clipped.shape[1] == 1:
        return np.ascontiguousarray(clipped[:, 0])
    return clipped.mean(axis=1, dtype=np.float32)
