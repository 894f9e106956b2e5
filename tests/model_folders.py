"""Folders of models with nothing learnt in them, whole in every other way."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

from studio.models.registry import ModelEntry, entry_of

BASE = "qwen-0.6b-base"


def safetensors(values: int = 16, fill: bytes = b"\0") -> bytes:
    """A file with one tensor of `values` 32-bit numbers."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}})
    return packed(header) + fill * (4 * values)


def checkpoint(size: int = 64) -> bytes:
    """A file with the structure of torch.save's, `size` bytes of it weights."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}.")
        archive.writestr("model/data/0", bytes(size))
    return made.getvalue()


def packed(header: str | bytes, length: int | None = None) -> bytes:
    """A safetensors header, with a false `length` if one is given."""
    raw = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(raw) if length is None else length) + raw


def contents(entry: ModelEntry, values: int = 1000) -> dict[str, bytes]:
    """What the files of `entry` hold, by name; the weights have `values` numbers."""
    made: dict[str, bytes] = {}
    for number, file in enumerate(entry.files):
        if file.name.endswith(".safetensors"):
            made[file.name] = safetensors(values, bytes([number + 1]))
        elif file.name.endswith((".pt", ".pth")):
            made[file.name] = checkpoint(4 * values)
        elif file.name.endswith(".json"):
            config: dict[str, Any] = {"file": file.name}
            made[file.name] = json.dumps(
                config | (entry.identity if file.name == "config.json" else {})
            ).encode()
        else:
            made[file.name] = b"#version: 0.2\nh e\n"
    return made


def make_model(folder: Path, key: str = BASE, values: int = 16) -> Path:
    """A whole folder of the model `key`."""
    for name, content in contents(entry_of(key), values).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder
