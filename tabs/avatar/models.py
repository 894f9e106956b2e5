"""What the tab says of the engines that are chosen, and how to get a model where one of them lacks it."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from engines.base import ModelChoice
from studio.services.studio import Studio
from tabs import model_view
from tabs.avatar import said_layout, view, voice
from tabs.edge import owner_of
from tabs.speech import choices, missing
from tabs.speech.choices import model_note
from tabs.speech.view import line


def on_models(
    studio: Studio,
    request: gr.Request,
    shown: bool,
    engine: str,
    model: str | None,
    speech_engine: str,
    speech_model: str | None,
    voice_: str | None,
    which: str | None,
) -> list[Any]:
    """The line below the engine that moves the lips, its models and those of the one that speaks as they
    are installed now, and the notice where one of the two cannot work without one."""
    owner = owner_of(request)
    info = studio.engines.registry.avatar(engine).info
    moving = studio.avatars.models(engine, owner)
    speaking = choices.models_of(studio, speech_engine, voice.mode_of(voice_ or ""), owner)
    lips, spoken = _kept(moving, model), _kept(speaking, speech_model)
    form = [
        view.lips(info) + line(model_note(moving, lips)),
        gr.Dropdown(choices=choices.models(moving), value=lips),
        gr.Dropdown(choices=choices.models(speaking), value=spoken),
        said_layout.below_text(studio, owner, voice_ or ""),
    ]
    for known, label in (
        (moving, info.label),
        (speaking, studio.engines.registry.get(speech_engine).info.label),
    ):
        if known and not any(each.installed for each in known):
            text = _told(studio, known, label)
            offered = [each for each in known if not each.practice]
            wanted = which if which in {each.key for each in offered} else None
            return [*form, *missing.offered(studio, request, shown, known, text, wanted)]
    return [*form, *missing.hidden(shown)]


def _kept(known: tuple[ModelChoice, ...], chosen: str | None) -> str:
    return chosen if chosen and chosen in {each.key for each in known} else choices.AUTO_MODEL


def _told(studio: Studio, known: tuple[ModelChoice, ...], label: str) -> str:
    statuses = [studio.models.status(each.key) for each in known]
    return f"<p><b>{escape(label)} needs a model, and none is ready.</b></p>{model_view.incomplete(statuses)}"


def on_group(engines: frozenset[str], engine: str) -> Any:
    """A part of the form is shown while one of its engines is the chosen one."""
    return gr.Column(visible=engine in engines)


def on_speech_models(studio: Studio, engine: str) -> Any:
    """The choice of a model is shown for an engine that has some."""
    return gr.Column(visible=bool(studio.engines.registry.get(engine).info.model_keys))
