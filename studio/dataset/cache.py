"""What builds keep of recordings, by content, so that nothing is done twice.

<key>/                 a recording cut and measured: prepared.json and <source>-0001.wav ... (training.prepare.recording)
unpacked/              archives that were opened (training.prepare.unpacking)
hashes/<set>.json      of the files that a set is built from
texts/<source>.json    what was recognised; voices/<source>.npz: how alike the voices are
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Files of rows, which are unpacked like archives.
PACKED_SUFFIXES = (".parquet", ".arrow")
#: Of the hash of an archive's content, in the name of the folder of what was in it.
CONTENT_DIGITS = 32
_RESULT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class PreparedCache:
    """The folder of all that is kept."""

    root: Path

    @property
    def texts(self) -> Path:
        return self.root / "texts"

    @property
    def voices(self) -> Path:
        return self.root / "voices"

    @property
    def unpacked(self) -> Path:
        return self.root / "unpacked"

    def hashes(self, dataset: str) -> Path:
        return self.root / "hashes" / f"{dataset}.json"

    def results(self) -> Iterator[Path]:
        """The folders of prepared recordings."""
        return (each for each in self.root.glob("*") if _RESULT.fullmatch(each.name))

    def seen(self, archive: Path) -> Path:
        """Where the hash of an archive's content is kept, by its place."""
        place = hashlib.sha256(os.fsencode(archive.resolve())).hexdigest()[:32]
        return self.unpacked / "seen" / f"{place}.json"

    def forget(self, dataset: str, sources: Collection[str], archives: Iterable[Path]) -> None:
        """Remove what is kept of a set: of its recordings with the ids `sources`, and what was unpacked
        from the files `archives`, which are still there. What goes away meanwhile is no fault."""
        self.hashes(dataset).unlink(missing_ok=True)
        for source in sources:
            (self.texts / f"{source}.json").unlink(missing_ok=True)
            (self.voices / f"{source}.npz").unlink(missing_ok=True)
        leaving = [result for result in self.results() if _source_of(result) in sources]
        for archive in archives:
            self.seen(archive).unlink(missing_ok=True)
            leaving += self.unpacked.glob(f"{_content_of(archive)}-*")
        for folder in leaving:
            shutil.rmtree(folder, ignore_errors=True)


def _content_of(archive: Path) -> str:
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:CONTENT_DIGITS]


def _source_of(result: Path) -> str:
    """The id of the recording that a result is of; "" where nothing was cut of it."""
    with suppress(FileNotFoundError), os.scandir(result) as files:
        for file in files:
            if file.name.endswith(".wav"):
                return file.name.rpartition("-")[0]
    return ""
