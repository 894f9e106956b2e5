"""Preset: choose a voice that the engine brings."""

from __future__ import annotations

import functools
from collections.abc import Collection

import gradio as gr

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from tabs.edge import bind, owner_of
from tabs.speech import choices, view
from tabs.speech.layout import SpeechTab, engine_group, lay_out

LABEL = "Preset"


def build(studio: Studio) -> SpeechTab:
    note = gr.HTML(render=False, elem_id="preset-speaker-note", padding=False)
    panel = lay_out(studio, Capability.PRESET, LABEL, functools.partial(_voice, studio, note))
    panel.fields["speaker"].change(
        bind(on_speaker, studio),
        [panel.fields["engine"], panel.fields["speaker"]],
        note,
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return panel


def _voice(
    studio: Studio,
    note: gr.HTML,
    panel: SpeechTab,
    engines: Collection[EngineInfo],
    chosen: EngineInfo,
) -> None:
    voices = choices.voices(studio, chosen.id, AUTO_LANGUAGE)
    panel.fields["speaker"] = gr.Dropdown(
        voices, value=voices[0][1], label="Voice", filterable=True, elem_id="preset-speaker"
    )
    note.value = _description(studio, chosen.id, voices[0][1], "")
    note.render()
    following = [info for info in engines if Capability.INSTRUCT in info.capabilities]
    with engine_group(panel, following, chosen, "preset-instruct-group"):
        panel.fields["description"] = gr.Textbox(
            label="How to speak (optional)",
            placeholder="calm and friendly",
            elem_id="preset-instruct",
        )


def on_speaker(studio: Studio, request: gr.Request, engine: str, speaker_id: str | None) -> str:
    """The line below the voice: what it is like."""
    return _description(studio, engine, speaker_id, owner_of(request))


def _description(studio: Studio, engine: str, speaker_id: str | None, owner: str) -> str:
    speaker = choices.speaker_of(studio, engine, speaker_id, owner)
    return view.line(speaker.description if speaker else "")
