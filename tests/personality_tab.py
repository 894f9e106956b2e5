"""The Personalities tab as its handlers know it: who asks, a personality of hers, and a text for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from studio.services.personality_values import NewEmotion, NewPersonality, Personality
from studio.services.studio import Studio
from studio.settings import load_settings
from tabs.personalities import performing
from tests.spoken import saved, silence, spoken

TEXT = "[happy] Hello there! [neutral] How are you? [pause 0.3] [happy:0.5] Goodbye."


def studio_in(folder: Path, measure_once: Callable[[Path], None]) -> Iterator[Studio]:
    """One for all tests of a module."""
    measure_once(folder / "home")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as opened:
        yield opened


def recorded(folder: Path) -> Path:
    """Two sentences, over two seconds long."""
    said = [spoken(), silence(0.3), spoken("Please bring the tickets with you.")]
    return saved(folder / "me.wav", np.concatenate(said))


def zoe(studio: Studio, recording: Path) -> Iterator[Personality]:
    """One of ann's, with two emotions; at the end of the test all of hers are deleted."""
    new = NewPersonality(
        "Zoë",
        (
            NewEmotion("neutral", recording, start=0, end=2.2, transcript="We will see you."),
            NewEmotion(
                "happy", recording, start=0, end=2, transcript="We will see you.", aliases=("gay",)
            ),
        ),
        note="A note.",
    )
    made = studio.personalities.create(new, "ann")
    yield made
    for each in studio.personalities.list("ann"):
        studio.personalities.delete(each.id, "ann")


def by_name(names: list[str], values: list[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


def speak(studio: Studio, asker: Any, chosen: str, text: str, unknown: str = "report") -> list[Any]:
    return performing.on_speak(studio, asker, chosen, "", text, unknown, "", "", "auto", 1.0, "")
