"""Who says the text: a voice of the engine, a saved voice, or a personality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engines.base import Capability
from studio.errors import NotFound
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import Personality
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from tabs.speech import choices, form

AUTO = ("Auto: one that speaks the text's language", "")

_SPEAKER, _SAVED, _PERSONALITY = "speaker", "voice", "personality"


def offered(studio: Studio, engine: str, language: str, owner: str) -> choices.Choices:
    """All that the engine can speak as, the person's own first; each value says of which kind it is."""
    info = studio.engines.registry.get(engine).info
    found = [AUTO] if Capability.PRESET in info.capabilities else []
    if Capability.CLONE in info.capabilities:
        found += [
            (f"{'★ ' if each.favourite else ''}{each.name} (saved voice)", f"{_SAVED}:{each.id}")
            for each in studio.voices.list(owner)
        ]
        found += [
            (f"{each.name} (personality: takes [tags])", f"{_PERSONALITY}:{each.id}")
            for each in studio.personalities.list(owner)
        ]
    if Capability.PRESET in info.capabilities:
        found += [
            (label, f"{_SPEAKER}:{id_}")
            for label, id_ in choices.voices(studio, engine, language, owner)
        ]
    return found


def mode_of(voice: str) -> Capability:
    """What the engine has to be able to do for it."""
    own = voice.startswith((f"{_SAVED}:", f"{_PERSONALITY}:"))
    return Capability.CLONE if own else Capability.PRESET


def personality_of(studio: Studio, owner: str, voice: str) -> Personality | None:
    """The personality that was chosen; None for any other voice, and for one that was deleted."""
    kind, _, id_ = voice.partition(":")
    try:
        return studio.personalities.get(id_, owner) if kind == _PERSONALITY else None
    except NotFound:
        return None


def says(studio: Studio, owner: str, given: Mapping[str, Any]) -> SpeechOrder | PerformOrder:
    """What `given`, the fields of the form by their names, asks to be spoken. Raises NotFound for a voice
    that was deleted, BadInput for a seed that is none."""
    engine = studio.engines.registry.get(given["speech_engine"]).info
    kind, _, id_ = (given["voice"] or "").partition(":")
    values = {
        "text": given["text"],
        "language": given["language"],
        "model": given["speech_model"],
        "speaker": id_ if kind == _SPEAKER else "",
        "speed": given["speed"],
        "seed": given["seed"],
        "loudness": True,
    }
    order = form.to_order(mode_of(given["voice"] or ""), values, engine)
    if kind == _PERSONALITY:
        return PerformOrder(
            id_, order.text, order.engine, order.model, order.language, order.speed, order.seed
        )
    if kind == _SAVED:
        return replace(order, reference=studio.voices.reference(studio.voices.get(id_, owner)))
    return order  # without a speaker: one of the text's language


def value_of(order: SpeechOrder | PerformOrder) -> str | None:
    """The choice that made `order`; None where there is none such here, as of a voice in words."""
    if isinstance(order, PerformOrder):
        return f"{_PERSONALITY}:{order.personality}"
    if order.mode is Capability.PRESET:
        return f"{_SPEAKER}:{order.speaker}" if order.speaker else ""
    if order.mode is Capability.CLONE and order.reference is not None and order.reference.voice:
        return f"{_SAVED}:{order.reference.voice}"
    return None
