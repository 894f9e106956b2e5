"""An order as plain data: what the history, the presets and the sidecar keep of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines.base import Capability, SamplingParams
from studio.errors import Damaged
from studio.services.takes import Loudness, Reference, SpeechOrder


def to_settings(order: SpeechOrder) -> dict[str, Any]:
    """Everything of `order` but its text, as JSON can hold it."""
    return {
        "mode": str(order.mode),
        "engine": order.engine,
        "model": order.model,
        "language": order.language,
        "speaker": order.speaker,
        "reference": _reference_to_dict(order.reference),
        "description": order.description,
        "speed": order.speed,
        "seed": order.seed,
        "loudness": order.loudness.value,
        "sampling": asdict(order.sampling),
        "options": dict(order.options),
    }


def from_settings(settings: Mapping[str, Any], text: str = "") -> SpeechOrder:
    """The order that `to_settings` was made from. Fields that an older studio did not know get
    their defaults; Damaged where the settings make no sense."""
    try:
        return SpeechOrder(
            mode=Capability(settings["mode"]),
            text=text,
            engine=str(settings["engine"]),
            model=str(settings.get("model", "")),
            language=str(settings.get("language", "auto")),
            speaker=str(settings.get("speaker", "")),
            reference=_reference_from_dict(settings.get("reference")),
            description=str(settings.get("description", "")),
            speed=float(settings.get("speed", 1.0)),
            seed=settings.get("seed"),
            loudness=Loudness(settings.get("loudness", Loudness.STANDARD.value)),
            sampling=SamplingParams(**settings.get("sampling", {})),
            options={key: float(value) for key, value in settings.get("options", {}).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"These settings cannot be read: {error}.", "Make them anew.") from error


def _reference_to_dict(reference: Reference | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    more = [_reference_to_dict(other) for other in reference.more]
    return asdict(reference) | {"audio": str(reference.audio), "more": more}


def _reference_from_dict(value: Mapping[str, Any] | None) -> Reference | None:
    if value is None:
        return None
    more = tuple(
        other for entry in value.get("more", ()) if (other := _reference_from_dict(entry)) is not None
    )
    return Reference(**(dict(value) | {"audio": Path(value["audio"]), "more": more}))
