"""Folders of personalities that speak in tones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engines.base import WordTiming
from studio.audio.reading import Limits
from studio.services.personalities import PersonalityService
from studio.services.personality_values import NEUTRAL, NewEmotion, NewPersonality, Personality
from tests.audio_files import tone, wav

RATE = 8_000
WORDS = (WordTiming("Hello.", 0.25, 0.75),)


def opened(root: Path, consent_required: bool = False) -> PersonalityService:
    return PersonalityService(root, Limits(max_seconds=60), consent_required)


def recording(tmp_path: Path, hertz: float = 220, seconds: float = 1.5) -> Path:
    return wav(tmp_path / f"{hertz}-{seconds}.wav", tone(seconds, RATE, hertz), RATE)


def emotion(tmp_path: Path, tag: str, hertz: float = 220, **fields: object) -> NewEmotion:
    return replace(NewEmotion(tag, recording(tmp_path, hertz)), **fields)  # type: ignore[arg-type]


def made(service: PersonalityService, tmp_path: Path, name: str = "Zoë 😀", *tags: str) -> Personality:
    emotions = [emotion(tmp_path, tag, 200 + 20 * n) for n, tag in enumerate((*tags, NEUTRAL))]
    return service.create(NewPersonality(name, tuple(emotions)), "ann")


def tags(personality: Personality) -> list[str]:
    return [each.tag for each in personality.emotions]
