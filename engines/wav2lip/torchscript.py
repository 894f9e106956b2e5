"""The weights in a TorchScript archive, read without running the program that comes with them.

torch.jit.load is not for files of unknown origin: it compiles that program and, while loading, runs the
`__setstate__` of its classes. TorchScript has no imports and no system calls, but all operators of torch, and
with torch.from_file one of them writes to any file that its reader may write to. So only the objects are
read here, whose pickle names its classes: tensors are rebuilt by us, modules become containers, and whatever
else it asks for is refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.models.checkpoints import MAX_PICKLE_BYTES

#: Of a module within modules, and of all objects; the nets that are read here have a fraction of them.
_MAX_DEPTH, _MAX_OBJECTS = 16, 20_000

_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
}


def is_torchscript(path: Path) -> bool:
    """Whether the file is an archive of TorchScript, told as torch does; its name may end in any way."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """The parameters and buffers by the names of their modules, on the CPU.

    Raises pickle.UnpicklingError for an archive that asks for anything but tensors and modules, and
    zipfile.BadZipFile, ValueError, KeyError, EOFError, RuntimeError for one that is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        described = archive.getinfo(name)
        if described.file_size > MAX_PICKLE_BYTES or described.compress_type != zipfile.ZIP_STORED:
            raise ValueError("The list of tensors is too long.")
        objects = archive.read(name)
        _check_numbers(objects)
        return dict(_named(_Reader(objects, archive, name[: -len(".pkl")]).load()))


class _Module:
    """Stands for an object of the program: a module with its attributes, or anything else."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {}

    def __new__(cls, *_: object) -> _Module:
        made = super().__new__(cls)
        made.attributes = {}
        return made

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.attributes = state


class _Reader(pickle.Unpickler):
    """Knows by name what may be asked for, and nothing else."""

    def __init__(self, objects: bytes, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(objects))
        self._archive, self._folder = archive, folder
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return _Module
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("collections", "OrderedDict"): OrderedDict,  # of hooks, which are none
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch.jit._pickle":  # lists of numbers, and the types of containers
            return _nothing
        raise pickle.UnpicklingError(f"It asks for {module}.{name}.")

    def persistent_load(self, pid: Any) -> Tensor:
        """The numbers of a storage: ("storage", type, its file, device, how many)."""
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError("It refers to something that is no tensor.")
        if key not in self._storages:
            member = self._archive.getinfo(f"{self._folder}/{key}")
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError("A tensor is packed.")
            content = bytearray(self._archive.read(member))
            if len(content) != count * dtype.itemsize:
                raise ValueError("A tensor has another length than its description.")
            empty = torch.empty(0, dtype=dtype)
            self._storages[key] = torch.frombuffer(content, dtype=dtype) if content else empty
        return self._storages[key]


def _tensor(
    storage: Tensor, offset: int, size: Sequence[int], stride: Sequence[int], *_: object
) -> Tensor:
    """torch checks that it lies within the storage."""
    return storage.as_strided(size, stride, offset)


def _nothing(*_: object) -> None:
    """In the place of what is no weight."""


def _check_numbers(objects: bytes) -> None:
    """Python's reader makes as much room for remembered objects as the highest of their numbers says."""
    for instruction, value, _ in pickletools.genops(objects):
        if instruction.name in ("PUT", "LONG_BINPUT") and int(value or 0) > len(objects):
            raise ValueError("An object has an impossible number.")


def _named(root: object) -> Iterator[tuple[str, Tensor]]:
    seen = 0

    def walk(found: object, name: str, depth: int) -> Iterator[tuple[str, Tensor]]:
        nonlocal seen
        seen += 1
        if depth > _MAX_DEPTH or seen > _MAX_OBJECTS:
            raise ValueError("The modules are nested without end.")
        if isinstance(found, Tensor):
            yield name, found
        elif isinstance(found, _Module):
            for each, value in found.attributes.items():
                yield from walk(value, f"{name}.{each}" if name else str(each), depth + 1)

    return walk(root, "", 0)
