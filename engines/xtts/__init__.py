"""XTTS: a neural voice that speaks like a recording, in 17 languages. Importing this package loads
nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.xtts.engine import XttsEngine

__all__ = ["XttsEngine"]


def __getattr__(name: str) -> Any:
    if name == "XttsEngine":
        from engines.xtts.engine import XttsEngine

        return XttsEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
