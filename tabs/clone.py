"""Clone: give a recording, and the text is spoken as much like it as the engine can."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path

import gradio as gr

from engines.base import Capability, EngineInfo
from studio.errors import BadInput
from studio.files import write_bytes
from studio.services.studio import Studio
from studio.services.transcript_files import stretch_wav
from studio.services.transcripts import TranscribeOrder
from tabs.edge import bind
from tabs.speech.layout import SpeechTab, lay_out
from tabs.voices import taking

LABEL = "Clone"
LATE = True


def build(studio: Studio) -> SpeechTab:
    transcribe = gr.Button(
        "Transcribe the reference", size="sm", render=False, elem_id="clone-transcribe"
    )
    saved = gr.Dropdown(
        [taking.NO_VOICE], value="", label="Saved voice", render=False, elem_id="clone-saved-voice"
    )
    panel = lay_out(studio, Capability.CLONE, LABEL, functools.partial(_voice, saved, transcribe))
    taking.wire_choice(studio, panel, saved)
    transcribe.click(
        bind(on_transcribe, studio),
        [panel.fields[name] for name in ("ref_audio", "ref_start", "ref_end")],
        panel.fields["ref_text"],
        concurrency_limit=None,
        api_visibility="private",
    )
    return panel


#: Below the transcript; what is known of it holds for every engine, the terms for Qwen3-TTS.
_TRANSCRIPT = (
    "With its exact words the match is closer: Qwen3-TTS then takes the recording as an example to"
    " carry on (in-context learning). Without them, only the timbre counts (x-vector)."
)


def _voice(
    saved: gr.Dropdown,
    transcribe: gr.Button,
    panel: SpeechTab,
    engines: Collection[EngineInfo],
    chosen: EngineInfo,
) -> None:
    saved.render()
    panel.fields["ref_voice"] = gr.Textbox(
        "", label="Its id", elem_id="clone-ref-voice", elem_classes="timbre-unseen"
    )
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
    transcribe.render()
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


def on_transcribe(studio: Studio, audio: str | None, start: float | None, end: float | None) -> str:
    """What the reference, or the chosen part of it, says: by the best recognizer that is installed."""
    if not audio:
        raise BadInput("There is no reference yet.", "Upload one, or record with the microphone.")
    path, part = Path(audio), None
    if start or end:
        part = path.with_name(f"{path.stem}_part.wav")
        write_bytes(part, stretch_wav(path, start or 0.0, end or None))
    plan = studio.transcripts.plan(TranscribeOrder(part or path))
    longest = studio.settings.max_reference_s
    if plan.facts.duration > longest:
        raise BadInput(
            f"The reference lasts {plan.facts.duration:.0f} s, more than {longest:.0f} s.",
            "Cut it, or choose a part of it below.",
        )
    try:
        text = studio.transcripts.transcribe_reference(part or path)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    draft = " It is a draft: correct it before you rely on it." if plan.choice.info.draft else ""
    gr.Info(f"{plan.choice.reason}{draft}" if text else "Nothing is said in it.")
    return text
