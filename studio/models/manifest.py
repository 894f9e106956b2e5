"""What a hub says of a model's files, whether ours are the same, and the note of it beside them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.files import write_json
from studio.models.registry import ModelEntry

#: In every folder that was downloaded: where it came from, and each file's SHA-256.
MANIFEST = "timbre-model.json"

_PIECE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class RemoteFile:
    """A file as a hub describes it. Large files have a SHA-256 there, small ones git's SHA-1."""

    name: str
    size: int | None = None  # bytes
    sha256: str = ""
    git_sha1: str = ""  # of "blob <size>\0" and the content


@dataclass(frozen=True)
class Listing:
    """The files of one revision of a repository, as far as the model needs them."""

    revision: str
    files: tuple[RemoteFile, ...]

    @property
    def total_bytes(self) -> int:
        return sum(file.size or 0 for file in self.files)


class WrongFile(ValueError):
    """A file is not what the hub says it should be; the text says how."""


def examined(path: Path, file: RemoteFile, on_bytes: Callable[[int], None]) -> str:
    """Read `path` through and return its SHA-256 (hex) when it is `file`.

    `on_bytes` hears of each piece read and may raise to stop. Raises WrongFile when size or hash
    differ, FileNotFoundError.
    """
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise WrongFile(f"it has {size:,} instead of {file.size:,} bytes")
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as opened:
        while piece := opened.read(_PIECE_BYTES):
            sha256.update(piece)
            if file.git_sha1 and not file.sha256:
                git.update(piece)
            on_bytes(len(piece))
    if file.sha256:
        if sha256.hexdigest() != file.sha256.lower():
            raise WrongFile("its SHA-256 is not the published one")
    elif file.git_sha1 and git.hexdigest() != file.git_sha1.lower():
        raise WrongFile("its git hash is not the published one")
    return sha256.hexdigest()


def write_manifest(
    folder: Path,
    entry: ModelEntry,
    provider: str,
    repository: str,
    listing: Listing,
    hashes: Mapping[str, str],
) -> None:
    """Note in `folder` where its files came from. Raises StorageFailed."""
    write_json(
        folder / MANIFEST,
        {
            "model": entry.key,
            "license": entry.license,
            "provider": provider,
            "repository": repository,
            "revision": listing.revision,
            "downloaded": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "files": {
                name: {"size": (folder / name).stat().st_size, "sha256": sha256}
                for name, sha256 in sorted(hashes.items())
            },
        },
    )
