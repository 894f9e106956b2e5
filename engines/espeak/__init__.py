"""The embedded voices: eSpeak NG in a child process, with an approximate voice match and voice
design made by the WORLD vocoder. Importing this package loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.espeak.engine import EspeakEngine

__all__ = ["EspeakEngine"]


def __getattr__(name: str) -> Any:
    if name == "EspeakEngine":
        from engines.espeak.engine import EspeakEngine

        return EspeakEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
