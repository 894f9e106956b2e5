"""Preset: choose a voice that the engine brings."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import gradio as gr
from gradio.components import Component

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from tabs.speech.events import voice_choices
from tabs.speech.layout import SpeechTab, lay_out

LABEL = "Preset"


def build(studio: Studio, blocks: gr.Blocks) -> SpeechTab:
    return lay_out(studio, Capability.PRESET, LABEL, functools.partial(_voice, studio))


def _voice(studio: Studio, engine: EngineInfo) -> Mapping[str, Component]:
    choices = voice_choices(studio, engine.id, AUTO_LANGUAGE)
    speaker = gr.Dropdown(
        choices, value=choices[0][1], label="Voice", filterable=True, elem_id="preset-speaker"
    )
    instruct = gr.Textbox(
        label="How to speak (optional)",
        placeholder="calm and friendly",
        visible=Capability.INSTRUCT in engine.capabilities,
        elem_id="preset-instruct",
    )
    return {"speaker": speaker, "description": instruct}
