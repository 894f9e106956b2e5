"""When memory runs out, and giving it back."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from engines.devices import torch_module
from studio.errors import OutOfMemory


@contextmanager
def memory_limit(message: str, hint: str) -> Iterator[None]:
    """Turn a lack of memory inside the block, the card's or the machine's, into OutOfMemory.

    What the block held is given back first, so that the next attempt has it.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_lack_of_memory(error):
            raise
        # The traceback holds the frames, and these hold the tensors.
        failed = OutOfMemory(message, hint).with_traceback(None)
    else:
        return
    give_back()
    raise failed


def is_lack_of_memory(error: Exception) -> bool:
    """Whether `error` says that the card's or the machine's memory did not suffice."""
    torch = torch_module()
    # On the CPU torch raises a plain RuntimeError.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        "can't allocate memory" in str(error)
    )


def give_back() -> None:
    """Give what is no longer used back to the card and to the system."""
    torch = torch_module()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        # glibc keeps freed memory for itself; other C libraries lack the function and the habit.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
