"""Importing coqui-tts (as TTS) where what it asks for besides cannot be had.

Three things stand in the way beside a torch for the processor:

- torchaudio's compiled extension is linked to CUDA: see `engines.torchaudio_stand_in`, which changes
  nothing where it loads.
- `TTS/__init__` refuses to start with torch 2.9 or newer unless a package torchcodec can be found,
  whose wheel is linked to CUDA as well. XTTS would read sound files by it, and here the studio's audio
  layer reads them. While that one module is imported an empty torchcodec stands in for it, and is
  removed before anything else could take it for the real one.
- Some modules of TTS set the number of torch's threads for the whole process when they are imported.
  It is set back.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from engines import transformers_import
from engines.devices import torch_module
from engines.torchaudio_stand_in import provide_torchaudio

_lock = threading.Lock()

_CODEC = "torchcodec"


def coqui(module: str = "TTS.tts.models.xtts") -> Any:
    """A module of the package TTS, imported once; the default takes 3-4 s the first time.

    Raises ImportError where coqui-tts is not installed.
    """
    with _lock:
        found = sys.modules.get(module)
        if found is not None:
            return found
        torch = torch_module()
        provide_torchaudio()
        transformers_import.prepare()
        with _threads_kept(torch):
            if "TTS" not in sys.modules:
                with _found(_CODEC):
                    importlib.import_module("TTS")
            return importlib.import_module(module)


@contextmanager
def _threads_kept(torch: Any) -> Iterator[None]:
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


@contextmanager
def _found(name: str) -> Iterator[None]:
    """Let `name` be found as a package inside the block, if it is not there."""
    if importlib.util.find_spec(name) is not None:
        yield
        return
    stand_in = ModuleType(name, "Stand-in: there is no such package here.")
    stand_in.__spec__ = ModuleSpec(name, None)
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
