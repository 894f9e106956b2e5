"""Between the form's fields and an order; plain data, no Gradio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engines.base import Capability, EngineInfo, Sampling, SamplingParams
from studio.errors import BadInput
from studio.services.takes import AUTO_LANGUAGE, Loudness, Reference, SpeechOrder

#: Prefix of the fields that hold an engine's options: "option:espeak:pitch".
_OPTION = "option"
#: The same for how an engine samples: "sampling:qwen:top_p"; "sampling:qwen" is the choice of a preset.
_SAMPLING = "sampling"
#: Values of that choice besides the names of the engine's presets.
OWN_SAMPLING, CUSTOM_SAMPLING = "own", "custom"

_WHOLE_NUMBERS = {"top_k", "sub_top_k", "max_new_tokens"}

MAX_TAKES = 8


def option_field(engine: str, key: str) -> str:
    return f"{_OPTION}:{engine}:{key}"


def sampling_choice(engine: str) -> str:
    return f"{_SAMPLING}:{engine}"


def sampling_field(engine: str, key: str) -> str:
    return f"{_SAMPLING}:{engine}:{key}"


def to_order(mode: Capability, values: Mapping[str, Any], engine: EngineInfo) -> SpeechOrder:
    """The order that the form's `values` (field name -> what Gradio gives) stand for. `engine` is
    the chosen one: what it cannot do is left out, for the form does not show it either."""
    wordless = mode is Capability.PRESET and Capability.INSTRUCT not in engine.capabilities
    return SpeechOrder(
        mode=mode,
        text=values["text"] or "",
        engine=engine.id,
        model=(values.get("model") or "") if engine.model_keys else "",
        language=values["language"] or AUTO_LANGUAGE,
        speaker=values.get("speaker") or "",
        reference=_reference(values),
        description="" if wordless else values.get("description") or "",
        speed=float(values["speed"]) if Capability.SPEED in engine.capabilities else 1.0,
        seed=seed_of(values["seed"]),
        loudness=Loudness.STANDARD if values["loudness"] else Loudness.AS_MADE,
        sampling=_sampling(values, engine),
        options={
            name.split(":", 2)[2]: float(value)
            for name, value in values.items()
            if name.startswith(f"{_OPTION}:{engine.id}:") and value is not None
        },
    )


def from_order(order: SpeechOrder, engine: EngineInfo) -> dict[str, Any]:
    """The fields' values that make `order` again; the inverse of `to_order`."""
    values: dict[str, Any] = {
        "text": order.text,
        "engine": order.engine,
        "model": order.model,
        "language": order.language,
        "speed": order.speed,
        "seed": "" if order.seed is None else str(order.seed),
        "loudness": order.loudness is Loudness.STANDARD,
    }
    if order.mode is Capability.PRESET:
        values["speaker"] = order.speaker
    if order.mode in (Capability.DESIGN, Capability.PRESET):
        values["description"] = order.description
    if order.mode is Capability.DESIGN:
        # Without options the sliders have yet to follow the words.
        values["followed"] = order.description if order.options else ""
    if order.reference is not None:
        values |= {
            "ref_audio": str(order.reference.audio),
            "ref_text": order.reference.text,
            "ref_start": order.reference.start or 0,
            "ref_end": order.reference.end or 0,
            "x_vector_only": order.reference.x_vector_only,
            "ref_more": [str(other.audio) for other in order.reference.more],
            "ref_voice": order.reference.voice,
        }
    for key, value in order.options.items():
        values[option_field(order.engine, key)] = value
    if engine.sampling is not None:
        chosen = _sampling_choice_of(order.sampling, engine.sampling)
        values[sampling_choice(engine.id)] = chosen
        values |= sampling_values(engine, order.sampling)
    return values


def sampling_values(engine: EngineInfo, params: SamplingParams) -> dict[str, float]:
    """The sliders' values for `params`; the published default where one is left to the model."""
    given = asdict(params)
    return {
        sampling_field(engine.id, field.key): field.default
        if given[field.key] is None
        else given[field.key]
        for field in (engine.sampling.fields if engine.sampling else ())
    }


def _sampling(values: Mapping[str, Any], engine: EngineInfo) -> SamplingParams:
    choice = values.get(sampling_choice(engine.id)) or OWN_SAMPLING
    if engine.sampling is None or choice == OWN_SAMPLING:
        return SamplingParams()
    if choice in engine.sampling.presets:
        return engine.sampling.presets[choice]
    given = {
        field.key: values.get(sampling_field(engine.id, field.key)) for field in engine.sampling.fields
    }
    return SamplingParams(**{key: _number(key, value) for key, value in given.items()})


def _sampling_choice_of(params: SamplingParams, sampling: Sampling) -> str:
    params = replace(params, seed=0)
    if params == SamplingParams():
        return OWN_SAMPLING
    for name, preset in sampling.presets.items():
        if params == replace(preset, seed=0):
            return name
    return CUSTOM_SAMPLING


def _number(key: str, value: float | None) -> Any:
    if value is None:
        return None
    return round(value) if key in _WHOLE_NUMBERS else float(value)


def _reference(values: Mapping[str, Any]) -> Reference | None:
    path = values.get("ref_audio")
    if not path:
        return None
    return Reference(
        audio=Path(path),
        text=values.get("ref_text") or "",
        # 0 in the form is no limit: Gradio's number boxes cannot be left empty.
        start=values.get("ref_start") or None,
        end=values.get("ref_end") or None,
        x_vector_only=bool(values.get("x_vector_only")),
        more=tuple(Reference(Path(more)) for more in values.get("ref_more") or ()),
        voice=values.get("ref_voice") or "",
    )


def seed_of(value: Any) -> int | None:
    """The seed as typed; settings saved by an older studio hold numbers."""
    text = "" if value is None else f"{value:.0f}" if isinstance(value, float) else str(value).strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadInput(
            f"The seed “{text[:40]}” is no whole number.", "Use a whole number, or leave it empty."
        ) from None
