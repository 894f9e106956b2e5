"""Every model the studio can use, in one table that drives downloads, validation, page and engines."""

from __future__ import annotations

from collections.abc import Mapping

from studio.errors import unknown
from studio.models import qwen, wav2lip, whisper, xtts
from studio.models.entries import ModelEntry, ModelFile
from studio.models.qwen import QWEN
from studio.models.wav2lip import WAV2LIP
from studio.models.whisper import FASTER_WHISPER, TRANSCRIBE, WHISPER
from studio.models.xtts import XTTS

__all__ = [
    "FASTER_WHISPER", "MODELS", "QWEN", "TRANSCRIBE", "WAV2LIP", "WHISPER", "XTTS", "ModelEntry",
    "ModelFile", "entry_of",
]  # fmt: skip

MODELS: Mapping[str, ModelEntry] = {
    entry.key: entry for entry in (*qwen.ENTRIES, *xtts.ENTRIES, *whisper.ENTRIES, *wav2lip.ENTRIES)
}


def entry_of(key: str, table: Mapping[str, ModelEntry] = MODELS) -> ModelEntry:
    """The entry `key`; raises NotFound naming the nearest keys."""
    if key not in table:
        raise unknown("model", key, table)
    return table[key]
