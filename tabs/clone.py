"""Clone: give a recording, and the text is spoken as much like it as the engine can."""

from __future__ import annotations

from collections.abc import Collection

import gradio as gr

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from tabs.speech.layout import SpeechTab, lay_out

LABEL = "Clone"


def build(studio: Studio, blocks: gr.Blocks) -> SpeechTab:
    return lay_out(studio, Capability.CLONE, LABEL, _voice)


#: Below the transcript; what is known of it holds for every engine, the terms for Qwen3-TTS.
_TRANSCRIPT = (
    "With its exact words the match is closer: Qwen3-TTS then takes the recording as an example to"
    " carry on (in-context learning). Without them, only the timbre counts (x-vector)."
)


def _voice(panel: SpeechTab, engines: Collection[EngineInfo], chosen: EngineInfo) -> None:
    panel.fields["ref_audio"] = gr.Audio(
        label="Reference: 6-15 s of one person speaking clearly",
        sources=["upload", "microphone"],
        type="filepath",  # as uploaded; the audio layer reads it, without the ffmpeg program
        editable=True,
        elem_id="clone-ref-audio",
    )
    panel.fields["ref_text"] = gr.Textbox(
        label="What the reference says (optional)", info=_TRANSCRIPT, lines=2, elem_id="clone-ref-text"
    )
    with gr.Accordion("Part of the reference, and more recordings", open=False, elem_id="clone-region"):
        with gr.Row():
            panel.fields["ref_start"] = gr.Number(
                0, label="From (s)", minimum=0, elem_id="clone-ref-start", min_width=100
            )
            panel.fields["ref_end"] = gr.Number(
                0, label="To (s); 0: its end", minimum=0, elem_id="clone-ref-end", min_width=100
            )
        panel.fields["x_vector_only"] = gr.Checkbox(
            False,
            label="Timbre only: ignore how the reference is spoken",
            elem_id="clone-x-vector-only",
        )
        panel.fields["ref_more"] = gr.File(
            label="More recordings of the same voice (optional)",
            file_count="multiple",
            file_types=["audio"],
            type="filepath",
            height=130,
            elem_id="clone-ref-more",
        )
