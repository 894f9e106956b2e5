"""Orders for small videos, the studio that makes them, and what is left in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engines.base import Capability
from studio.services.avatar_values import AvatarOrder, GivenSound
from studio.services.studio import Studio
from studio.services.takes import Loudness, SpeechOrder
from studio.settings import load_settings

TEXT = "Pamela and Bob bumped their big maps."
SMALL = 192  # pixels: quick to draw, and the lips are still seen


@contextmanager
def studio_of_videos(
    factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    """One for all tests of a module: each is an owner of its own."""
    home = factory.mktemp("home")
    measure_once(home)
    with Studio(load_settings(home=home, models_dir=home / "models", max_video_s=60)) as opened:
        yield opened


def says(text: str = TEXT, **changes: Any) -> SpeechOrder:
    order = SpeechOrder(Capability.PRESET, text, "espeak", "en-us", loudness=Loudness.AS_MADE)
    return replace(order, **changes)


def order(text: str = TEXT, **changes: Any) -> AvatarOrder:
    plain = AvatarOrder(says(text), max_height=SMALL)
    return replace(plain, **changes)


def given(audio: Path, text: str = "", **changes: Any) -> AvatarOrder:
    return order(says=GivenSound(audio, text), **changes)


def left(studio: Studio) -> list[str]:
    """What lies in the folder of videos, finished or not."""
    folder = studio.workspace.outputs / "video"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
