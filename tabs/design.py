"""Design: describe a voice in words; what they stand for is shown and can be adjusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from tabs.edge import bind
from tabs.speech.events import fill
from tabs.speech.form import option_field
from tabs.speech.layout import SpeechTab, lay_out


def build(studio: Studio) -> SpeechTab:
    panel = lay_out(studio, Capability.DESIGN, "Design", _voice)
    names = [name for name in panel.fields if name.startswith("option:")]
    panel.fields["description"].change(
        bind(on_description, studio, names),
        [panel.fields["engine"], panel.fields["description"]],
        [panel.fields[name] for name in names],
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return panel


def _voice(engine: EngineInfo) -> Mapping[str, Component]:
    description = gr.Textbox(
        label="The voice in words",
        placeholder="an old man, deep and slow",
        info="Words such as old, young, man, woman, child, deep, high, slow, lively, calm, whisper, breathy.",
        lines=2,
        elem_id="design-description",
    )
    return {"description": description}


def on_description(
    studio: Studio, names: Sequence[str], engine: str, description: str
) -> list[Any] | Any:
    """Move the sliders to what the words stand for."""
    if not (description or "").strip():
        return fill(names, {})
    options = studio.engines.registry.get(engine).design(description)
    updates = fill(names, {option_field(engine, key): value for key, value in options.items()})
    return updates if len(updates) > 1 else updates[0]
