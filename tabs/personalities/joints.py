"""How a built emotion came to be: the person's recording and the AI's clip before, both joined after,
with the joint on the waveform."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from studio.services.personality_values import Emotion, Personality
from studio.services.studio import Studio
from tabs.edge import for_the_page
from tabs.personalities.files import served
from tabs.personalities.view import player
from tabs.speech.view import line
from tabs.waveform import Mark, waveform


def shown(studio: Studio, personality: Personality, emotion: Emotion) -> str:
    """The emotion's waveform; of one that was built, where it is joined and what it was joined of."""
    sound = Path(for_the_page(studio, emotion.audio))
    marks = _marks(emotion)
    drawn = waveform(sound, f"the recording of “{emotion.tag}”", marks=marks)
    if emotion.clip is None or not marks:
        return drawn
    serve = served(studio)
    neutral = personality.emotions[0]
    before = "".join(
        f'<figure class="timbre-before"><figcaption class="timbre-line">{escape(name)}</figcaption>'
        f"{player(serve(path), name)}</figure>"
        for name, path in (
            ("Before: the neutral recording", neutral.audio),
            ("Before: the AI's clip", emotion.clip),
            ("After: both joined", emotion.audio),
        )
    )
    return (
        f'<div class="timbre-befores">{before}</div>{drawn}{line(_how(emotion.made))}{_guessed(emotion)}'
    )


def _marks(emotion: Emotion) -> list[Mark]:
    """Where the two recordings are joined. A config that somebody has edited may say anything."""
    joint = emotion.made.get("joint")
    if not isinstance(joint, list | tuple) or len(joint) != 2:
        return []
    try:
        start, end = (float(edge) for edge in joint)
    except (TypeError, ValueError):
        return []
    inside = 0 <= start <= end <= emotion.duration
    return [Mark("The joint", start, end)] if inside else []


def _how(made: Mapping[str, Any]) -> str:
    facts = [str(made.get("engine") or ""), str(made.get("model") or "")]
    seed = made.get("seed")
    facts.append(f"seed {seed}" if seed is not None else "")
    facts.append(str(made.get("instruct") or ""))
    return " · ".join(fact for fact in facts if fact)


def _guessed(emotion: Emotion) -> str:
    if not emotion.made.get("estimated"):
        return ""
    return (
        '<p class="timbre-note">Where the words were cut is a guess: listen, and correct what it says'
        " below.</p>"
    )
