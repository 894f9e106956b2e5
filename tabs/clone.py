"""Clone: give a recording, and the text is spoken as much like it as the engine can."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr
from gradio.components import Component

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from tabs.speech.layout import SpeechTab, lay_out

LABEL = "Clone"


def build(studio: Studio, blocks: gr.Blocks) -> SpeechTab:
    return lay_out(studio, Capability.CLONE, LABEL, _voice)


def _voice(engine: EngineInfo) -> Mapping[str, Component]:
    audio = gr.Audio(
        label="Reference: 6-15 s of one person speaking clearly",
        sources=["upload", "microphone"],
        type="filepath",  # as uploaded; the audio layer reads it, without the ffmpeg program
        editable=True,
        elem_id="clone-ref-audio",
    )
    text = gr.Textbox(
        label="What the reference says (optional)",
        info="With its words the match is closer.",
        lines=2,
        elem_id="clone-ref-text",
    )
    with gr.Accordion("Part of the reference", open=False, elem_id="clone-region"):
        with gr.Row():
            start = gr.Number(
                None, label="From (s)", minimum=0, elem_id="clone-ref-start", min_width=100
            )
            end = gr.Number(None, label="To (s)", minimum=0, elem_id="clone-ref-end", min_width=100)
        timbre_only = gr.Checkbox(
            False,
            label="Timbre only: ignore how the reference is spoken",
            elem_id="clone-x-vector-only",
        )
    return {
        "ref_audio": audio,
        "ref_text": text,
        "ref_start": start,
        "ref_end": end,
        "x_vector_only": timbre_only,
    }
