"""Lets `import torchaudio` work where its compiled extension cannot load.

PyPI's torchaudio for Linux is linked to CUDA, so beside a torch for the processor its import ends
with an OSError (libc10_cuda.so). What the engines use of it - resampling, mel spectrograms, Kaldi
features - is plain Python; only forced alignment and a few filters need the extension. Where it
loads, nothing is changed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from engines.devices import torch_module

_lock = threading.Lock()


def provide_torchaudio() -> bool:
    """Import torchaudio, with a stand-in for its extension where that cannot load.

    Returns whether the stand-in is used. Raises ImportError where torchaudio is not installed.
    """
    torch_module()
    with _lock:
        if "torchaudio" not in sys.modules:
            _import()
        return sys.modules["torchaudio._extension"].__spec__ is None


def _import() -> None:
    try:
        import torchaudio
    except OSError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _extension()
        import torchaudio  # noqa: F401


def _extension() -> ModuleType:
    """What torchaudio asks of its `_extension` while it is imported, answered with "not there"."""
    module = ModuleType("torchaudio._extension", "Stand-in: the compiled extension cannot load.")
    answers: dict[str, Any] = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "_load_lib": lambda name: False,
        "fail_if_no_align": _unavailable,
    }
    vars(module).update(answers)
    return module


def _unavailable(function: Callable[..., Any]) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"torchaudio's {function.__name__} needs its compiled extension.")

    return fail
