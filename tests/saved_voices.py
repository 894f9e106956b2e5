"""A shared studio for saved voices, whose voice is saved there, and takes to save as voices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from engines.base import Capability
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder, TakeRecord
from studio.services.voice_values import Basis, Consent
from studio.settings import load_settings

ZOE = Consent("Zoë", Basis.PERMISSION, 1_700_000_000.0)


def shared_studio(folder: Path, measure_once: Callable[[Path], None]) -> Iterator[Studio]:
    """A studio that others may come into."""
    measure_once(folder / "shared")
    settings = load_settings(home=folder / "shared", models_dir=folder / "models", host="0.0.0.0")
    with Studio(settings) as opened:
        yield opened


def spoken(studio: Studio, owner: str = "ann", **order: object) -> TakeRecord:
    values: dict[str, object] = {
        "mode": Capability.PRESET,
        "text": "Good morning to all of you.",
        "engine": "espeak",
    }
    return studio.speech.speak(SpeechOrder(**(values | order)), owner)  # type: ignore[arg-type]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
