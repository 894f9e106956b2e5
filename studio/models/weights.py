"""What the header of a safetensors file says, checked without reading any weights.

Format: https://huggingface.co/docs/safetensors - eight bytes with the header's length, the header as
JSON with each tensor's dtype, shape and place, then the tensors, one after another, to the end.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TypeGuard

#: Of a header, in bytes; the real ones have some 100 kB. A longer one is refused unread.
MAX_HEADER_BYTES = 10_000_000

_LENGTH_BYTES = 8
_MAX_DIMENSIONS = 16
_MAX_NUMBER = 2**53  # more than any file has bytes; keeps hostile products small

_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}


class WrongWeights(ValueError):
    """The file is no whole safetensors file; the text says why, for people."""


def declared_bytes(path: Path) -> int:
    """How many bytes the file must have by its own header.

    Raises WrongWeights for a header that is broken or contradicts itself, OSError for a file that
    cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(_LENGTH_BYTES)
        if len(first) < _LENGTH_BYTES:
            raise WrongWeights("it is too short to hold weights")
        length = int.from_bytes(first, "little")
        if length > MAX_HEADER_BYTES:
            raise WrongWeights("it does not begin as a safetensors file does")
        header = file.read(length)
    if len(header) < length:
        raise WrongWeights("it breaks off in its header")
    return _LENGTH_BYTES + length + _tensor_bytes(_parsed(header))


def _parsed(header: bytes) -> dict[str, Any]:
    try:
        tensors = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise WrongWeights("its header cannot be read") from error
    if not isinstance(tensors, dict):
        raise WrongWeights("its header is no table of tensors")
    tensors.pop("__metadata__", None)
    if not tensors:
        raise WrongWeights("it holds no weights")
    return tensors


def _tensor_bytes(tensors: dict[str, Any]) -> int:
    """Where the last tensor ends; all must lie side by side, none over another."""
    expected = 0
    for begin, end in sorted(_place(name, tensor) for name, tensor in tensors.items()):
        if begin != expected:
            raise WrongWeights("its header places tensors over one another or leaves gaps")
        expected = end
    return expected


def _place(name: str, tensor: Any) -> tuple[int, int]:
    """Begin and end of one tensor, in bytes after the header."""
    wrong = WrongWeights(f"its header describes the tensor “{name[:60]}” wrongly")
    if not isinstance(tensor, dict):
        raise wrong
    shape, offsets, dtype = tensor.get("shape"), tensor.get("data_offsets"), tensor.get("dtype")
    if not (_are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2):
        raise wrong
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise wrong
    begin, end = offsets
    if (end - begin) * 8 != math.prod(shape) * _BITS[dtype]:
        raise wrong
    return begin, end


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and len(value) <= _MAX_DIMENSIONS
        and all(type(number) is int and 0 <= number <= _MAX_NUMBER for number in value)
    )
