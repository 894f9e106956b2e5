"""Importing qwen_tts without what only its unreleased 25 Hz tokenizer needs."""

from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import Any

from engines import transformers_import
from engines.devices import torch_module

_lock = threading.Lock()

#: Modules of the 25 Hz tokenizer and the names that are imported from them. They would import
#: torchaudio, onnxruntime and sox (which starts a shell) and print a banner about flash-attn.
#: Every published model has the 12 Hz tokenizer, which uses none of it.
_UNUSED = {
    "qwen_tts.core.tokenizer_25hz.vq.speech_vq": ("WhisperEncoderVQ", "XVectorExtractor"),
    "qwen_tts.core.tokenizer_25hz.vq.whisper_encoder": ("get_mel_audio", "get_T_after_cnn"),
}


def qwen_tts_package() -> Any:
    """The package qwen_tts, imported once, quietly; takes about 5 s the first time.

    Raises ImportError where it is not installed.
    """
    with _lock:
        if "qwen_tts" not in sys.modules:
            torch_module()
            transformers_import.prepare()
            for name, names in _UNUSED.items():
                sys.modules[name] = _stand_in(name, names)
        import qwen_tts

        return qwen_tts


def _stand_in(name: str, names: tuple[str, ...]) -> ModuleType:
    module = ModuleType(name, "Stand-in: belongs to the 25 Hz tokenizer, which no published model has.")
    for each in names:
        setattr(module, each, _unavailable)
    return module


def _unavailable(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("Models with the 25 Hz tokenizer are not supported.")
