"""What somebody chooses: the face, the engine that speaks, and all at once as in an earlier video."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import BadInput, NotFound
from studio.services.avatar_values import GivenSound
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from tabs.avatar import form, portrait, portrait_view, voice
from tabs.avatar.portrait import Portrait
from tabs.avatar.tab import RECORDING, TEXT
from tabs.edge import owner_of
from tabs.speech import choices


def shown(studio: Studio, chosen: Portrait) -> list[Any]:
    """In the order of `AvatarTab.portrayed`."""
    gallery = portrait_view.gallery(chosen, studio.faces.built_in())
    return [chosen, portrait_view.face(chosen), gallery]


def on_picked(studio: Studio, request: gr.Request, chosen: Portrait, picked: str) -> list[Any]:
    """What was pressed of the face; the number of presses follows its words."""
    return shown(studio, portrait.pressed(studio, chosen, (picked or "").split()[:-1]))


def on_file(studio: Studio, request: gr.Request, file: str | None) -> list[Any]:
    """A picture or a video was given. What becomes of it is told beside it, so the box is free again."""
    if not file:
        return [gr.skip()] * 4
    return [*shown(studio, portrait.of_file(studio, Path(file))), None]


def on_speech_engine(
    studio: Studio, request: gr.Request, engine: str, language: str, chosen: str | None
) -> tuple[Any, Any]:
    """Another engine that speaks: its languages and its voices, what was chosen kept where it has that."""
    known = choices.languages(studio.engines.registry.get(engine).info)
    kept = language if language in {code for _, code in known} else AUTO_LANGUAGE
    return gr.Dropdown(choices=known, value=kept), on_voices(studio, request, engine, kept, chosen)


def on_voices(
    studio: Studio, request: gr.Request, engine: str, language: str, chosen: str | None
) -> Any:
    """The voices as they are now, the person's own among them."""
    known = voice.offered(studio, engine, language, owner_of(request))
    values = [value for _, value in known]
    return gr.Dropdown(choices=known, value=chosen if chosen in values else values[0])


def on_reuse(studio: Studio, names: Sequence[str], request: gr.Request, wanted: str) -> list[Any]:
    """The face and the fields of a video that was kept, then TEXT or RECORDING. The number of presses
    follows its id."""
    owner = owner_of(request)
    record = studio.avatars.get((wanted or "").partition(" ")[0], owner)
    try:
        order = studio.avatars.order(record)
        face = portrait.of_choice(studio, order.face)
    except NotFound as error:
        raise BadInput(error.message, error.hint) from error
    values = form.from_order(order, {info.id: info for info in studio.avatars.engines()})
    told = choices.fill(names, _consistent(studio, owner, values))
    if isinstance(order.says, GivenSound):
        gr.Info(escape(f"Give the recording again: “{order.says.name}” was not kept."))
    elif "voice" not in values:
        gr.Info("The voice of that video is none of this list. Choose one.")
    return [
        *shown(studio, face),
        *told,
        RECORDING if isinstance(order.says, GivenSound) else TEXT,
    ]


def _consistent(studio: Studio, owner: str, values: dict[str, Any]) -> dict[str, Any]:
    """`values` as updates: where what can be chosen depends on the engine, the choices come with it, and
    what is not there any more is left out."""
    updates = dict(values)
    if values["engine"] not in studio.engines.registry.avatar_ids:
        updates = {name: value for name, value in updates.items() if name not in ("engine", "model")}
    else:
        moving = choices.models(studio.avatars.models(values["engine"], owner))
        updates["model"] = _chosen(moving, values["model"])
    if "text" not in values:
        return updates
    engine = values.get("speech_engine") or studio.settings.default_engine
    try:
        known = studio.engines.registry.get(engine).info
    except NotFound:  # of an engine that was there once
        return {name: value for name, value in updates.items() if not name.startswith("speech_")}
    wanted = values.get("voice", "")
    models = choices.models_of(studio, engine, voice.mode_of(wanted), owner)
    return updates | {
        "speech_engine": engine,
        "language": _chosen(choices.languages(known), values["language"]),
        "voice": _chosen(voice.offered(studio, engine, values["language"], owner), wanted),
        "speech_model": _chosen(choices.models(models), values.get("speech_model", "")),
    }


def _chosen(known: choices.Choices, value: str) -> Any:
    return gr.Dropdown(
        choices=known, value=value if value in {each for _, each in known} else known[0][1]
    )
