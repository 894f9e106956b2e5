"""Between the fields of the tab and an order; plain data, no Gradio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engines.avatar import AvatarInfo
from studio.errors import BadInput
from studio.services.avatar_values import AvatarOrder, GivenSound, Subtitles
from studio.services.studio import Studio
from tabs.avatar import voice
from tabs.avatar.portrait import Portrait, choice
from tabs.avatar.tab import RECORDING
from tabs.speech.form import option_field


def to_order(
    studio: Studio, owner: str, portrait: Portrait, view: str, given: Mapping[str, Any]
) -> AvatarOrder:
    """The order that the fields stand for; `view` is TEXT or RECORDING. Raises BadInput for a face that
    cannot speak and for what is missing, NotFound."""
    face = choice(portrait)
    info = studio.engines.registry.avatar(given["engine"]).info
    return AvatarOrder(
        says=_given(given) if view == RECORDING else voice.says(studio, owner, given),
        face=face,
        engine=info.id,
        model=(given["model"] or "") if info.model_keys else "",
        fps=int(given["fps"]),
        max_height=int(given["max_height"]),
        subtitles=Subtitles(given["subtitles"]),
        label=bool(given["label"]),
        options=_options(given, info),
    )


def from_order(order: AvatarOrder, infos: Mapping[str, AvatarInfo]) -> dict[str, Any]:
    """The fields that make `order` again, as far as they are this tab's: a given sound has to be given
    again. `infos`: of the avatar engines by id."""
    values: dict[str, Any] = {
        "engine": order.engine,
        "model": order.model,
        "fps": order.fps,
        "max_height": order.max_height,
        "subtitles": order.subtitles.value,
    }
    if order.label is not None:
        values["label"] = order.label
    info = infos.get(order.engine)
    for option in info.options if info else ():
        values[option_field(order.engine, option.key)] = order.options.get(option.key, option.default)
    if isinstance(order.says, GivenSound):
        return values | {"transcript": order.says.text}
    spoken = order.says
    values |= {
        "text": spoken.text,
        "language": spoken.language,
        "speed": spoken.speed,
        "seed": "" if spoken.seed is None else str(spoken.seed),
    }
    chosen = voice.value_of(spoken)
    if chosen is not None:
        values["voice"] = chosen
    if spoken.engine:
        values |= {"speech_engine": spoken.engine, "speech_model": spoken.model}
    return values


def _given(given: Mapping[str, Any]) -> GivenSound:
    if not given["audio"]:
        raise BadInput("There is no recording.", "Upload one, or record with the microphone.")
    return GivenSound(Path(given["audio"]), (given["transcript"] or "").strip())


def _options(given: Mapping[str, Any], info: AvatarInfo) -> dict[str, float]:
    """Those that were moved: what is left as it was stays the engine's own affair."""
    values = {option.key: given.get(option_field(info.id, option.key)) for option in info.options}
    return {
        option.key: float(value)
        for option in info.options
        if (value := values[option.key]) is not None and value != option.default
    }
