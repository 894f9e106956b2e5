"""Design: describe a voice in words; what they stand for is shown and can be adjusted."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from tabs.edge import bind
from tabs.speech.events import fill
from tabs.speech.form import option_field
from tabs.speech.layout import SpeechTab, lay_out

LABEL = "Design"

_EMPTY = '<p class="timbre-line">The sliders below follow the words, and can be moved.</p>'


def build(studio: Studio, blocks: gr.Blocks) -> SpeechTab:
    heard = gr.HTML(_EMPTY, render=False, elem_id="design-understood", padding=False)
    panel = lay_out(studio, Capability.DESIGN, LABEL, functools.partial(_voice, heard))
    names = [name for name in panel.fields if name.startswith("option:")]
    panel.fields["description"].change(
        bind(on_description, studio, names),
        [panel.fields["engine"], panel.fields["description"]],
        [heard, *(panel.fields[name] for name in names)],
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return panel


def _voice(heard: gr.HTML, engine: EngineInfo) -> Mapping[str, Component]:
    description = gr.Textbox(
        label="The voice in words",
        placeholder="an old man, deep and slow",
        info="Words such as old, young, man, woman, child, deep, high, slow, lively, calm, whisper, breathy.",
        lines=2,
        elem_id="design-description",
    )
    heard.render()
    return {"description": description}


def on_description(studio: Studio, names: Sequence[str], engine: str, description: str) -> list[Any]:
    """Say which words were understood, and move the sliders to what they stand for."""
    if not (description or "").strip():
        return [_EMPTY, *fill(names, {})]
    chosen = studio.engines.registry.get(engine)
    options = chosen.design(description)
    words = ", ".join(chosen.understood(description)) or "nothing; this is the plain voice"
    line = f'<p class="timbre-line">Understood: {escape(words)}.</p>'
    return [line, *fill(names, {option_field(engine, key): value for key, value in options.items()})]
