"""What the model that is to be trained wants of a training set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from studio.errors import unknown
from studio.models import xtts

#: Qwen3-TTS has no such limit; the ten languages of its model card.
_QWEN_LANGUAGES = ("zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it")


@dataclass(frozen=True)
class Target:
    """A family of models."""

    id: str
    label: str
    sample_rate: int  # Hz of the recordings it is trained on
    max_s: float  # what is longer is dropped by its trainer, or not learned from
    max_characters: Mapping[str, int | None]  # by language (BCP 47, lower case); None: no limit
    spells_numbers: bool  # whether numbers have to stand in words


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.id: target
        for target in (
            # XTTS drops clips of more than 11.6 s (255,995 samples at 22,050 Hz).
            Target("xtts", "XTTS", 22_050, 11.6, xtts.CHARACTERS, spells_numbers=True),
            Target(
                "qwen",
                "Qwen3-TTS",
                24_000,
                30.0,
                MappingProxyType(dict.fromkeys(_QWEN_LANGUAGES)),
                spells_numbers=False,
            ),
        )
    }
)


def target_named(id: str) -> Target:
    """Raises NotFound naming the known ones."""
    if id not in TARGETS:
        raise unknown("target", id, TARGETS)
    return TARGETS[id]
