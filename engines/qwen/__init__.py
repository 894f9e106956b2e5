"""Qwen3-TTS: neural voices that clone, speak as told and are designed from words. Importing this
package loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.qwen.engine import QwenEngine

__all__ = ["QwenEngine"]


def __getattr__(name: str) -> Any:
    if name == "QwenEngine":
        from engines.qwen.engine import QwenEngine

        return QwenEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
