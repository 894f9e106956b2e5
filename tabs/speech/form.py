"""Between the form's fields and an order; plain data, no Gradio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engines.base import Capability
from studio.errors import BadInput
from studio.services.takes import AUTO_LANGUAGE, Loudness, Reference, SpeechOrder

#: Prefix of the fields that hold an engine's options: "option:espeak:pitch".
_OPTION = "option"
MAX_TAKES = 8


def option_field(engine: str, key: str) -> str:
    return f"{_OPTION}:{engine}:{key}"


def to_order(mode: Capability, values: Mapping[str, Any]) -> SpeechOrder:
    """The order that the form's `values` (field name -> what Gradio gives) stand for."""
    engine = values["engine"]
    return SpeechOrder(
        mode=mode,
        text=values["text"] or "",
        engine=engine,
        language=values["language"] or AUTO_LANGUAGE,
        speaker=values.get("speaker") or "",
        reference=_reference(values),
        description=values.get("description") or "",
        speed=float(values["speed"]),
        seed=_seed(values["seed"]),
        loudness=Loudness.STANDARD if values["loudness"] else Loudness.AS_MADE,
        options={
            name.split(":", 2)[2]: float(value)
            for name, value in values.items()
            if name.startswith(f"{_OPTION}:{engine}:") and value is not None
        },
    )


def from_order(order: SpeechOrder) -> dict[str, Any]:
    """The fields' values that make `order` again; the inverse of `to_order`."""
    values: dict[str, Any] = {
        "text": order.text,
        "engine": order.engine,
        "language": order.language,
        "speed": order.speed,
        "seed": order.seed,
        "loudness": order.loudness is Loudness.STANDARD,
    }
    if order.mode is Capability.PRESET:
        values["speaker"] = order.speaker
    if order.mode in (Capability.DESIGN, Capability.PRESET):
        values["description"] = order.description
    if order.reference is not None:
        values |= {
            "ref_audio": str(order.reference.audio),
            "ref_text": order.reference.text,
            "ref_start": order.reference.start,
            "ref_end": order.reference.end,
            "x_vector_only": order.reference.x_vector_only,
        }
    for key, value in order.options.items():
        values[option_field(order.engine, key)] = value
    return values


def _reference(values: Mapping[str, Any]) -> Reference | None:
    path = values.get("ref_audio")
    if not path:
        return None
    return Reference(
        audio=Path(path),
        text=values.get("ref_text") or "",
        start=values.get("ref_start"),
        end=values.get("ref_end"),
        x_vector_only=bool(values.get("x_vector_only")),
    )


def _seed(value: float | None) -> int | None:
    if value is None:
        return None
    if value != int(value):
        raise BadInput(
            f"The seed {value:g} is no whole number.", "Use a whole number, or leave it empty."
        )
    return int(value)
