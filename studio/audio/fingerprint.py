"""Recordings are known by their content, not by their names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from studio.errors import BadInput

_BLOCK = 1 << 20


def fingerprint(recording: Path, *about: object) -> str:
    """32 hex digits for the file's content and for `about`, whatever else shapes what is made of it.

    Raises BadInput where there is no such file.
    """
    digest = hashlib.sha256()
    try:
        with recording.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(f"There is no recording {recording.name}.", "Choose the file again.") from error
    digest.update(repr(about).encode())
    return digest.hexdigest()[:32]
