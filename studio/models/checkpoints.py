"""Whether a PyTorch checkpoint is whole, told by its structure: nothing in it is unpickled.

A checkpoint of torch.save is a zip archive, stored without compression, with the objects in
data.pkl and each tensor's bytes in a file of its own. Before PyTorch 1.6 it was a row of pickles.
TorchScript has the same archive, and beside it the program as packed text, which nothing here reads.
Format: https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import pickletools
import struct
import zipfile
from pathlib import Path

#: How the names of files of weights end, in either form.
ENDINGS = (".safetensors", ".pt", ".pth", ".bin")

#: Of data.pkl, in bytes; the largest Whisper's has 200 kB. A longer one is refused unread.
MAX_PICKLE_BYTES = 20_000_000
_MAX_TENSORS = 100_000

#: How the older form begins: the pickle of torch.serialization.MAGIC_NUMBER.
_OLDER = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


class WrongCheckpoint(ValueError):
    """The file is no whole checkpoint; the text says why, for people."""


def check_checkpoint(path: Path) -> None:
    """Raise WrongCheckpoint when `path` is no checkpoint of PyTorch or breaks off.

    Reads the archive's list and data.pkl's instructions, without following them. Of the older form
    only the beginning is looked at. Raises OSError for a file that cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(len(_OLDER))
    if first == _OLDER:
        return
    if not first.startswith(b"PK\x03\x04"):
        raise WrongCheckpoint("it does not begin as a PyTorch checkpoint does")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_archive(archive)
    except (zipfile.BadZipFile, EOFError, struct.error, NotImplementedError, RuntimeError) as error:
        raise WrongCheckpoint("it breaks off or is damaged") from error


def _check_archive(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > _MAX_TENSORS:
        raise WrongCheckpoint(f"it has {len(members):,} parts, more than any model")
    objects = [member for member in members if member.filename.endswith("/data.pkl")]
    if len(objects) != 1:
        raise WrongCheckpoint("it holds no PyTorch objects")
    if objects[0].file_size > MAX_PICKLE_BYTES:
        raise WrongCheckpoint("its list of tensors is too long")
    folder = objects[0].filename[: -len("data.pkl")]
    read = [member for member in members if not member.filename.startswith(f"{folder}code/")]
    if any(member.compress_type != zipfile.ZIP_STORED for member in read):
        raise WrongCheckpoint("it is packed, which PyTorch does not do")
    if not any(member.filename.startswith(f"{folder}data/") for member in members):
        raise WrongCheckpoint("it holds no tensors")
    try:
        for _ in pickletools.genops(archive.read(objects[0])):  # reads, and runs nothing
            pass
    except ValueError as error:
        raise WrongCheckpoint("its list of tensors cannot be read") from error
