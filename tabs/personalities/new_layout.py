"""The view that makes a personality: one recording, then emotions by hand or built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from engines.base import Capability, EngineInfo
from studio.audio.joining import (
    MAX_CROSSFADE_MS,
    MAX_STRETCH_S,
    MIN_CROSSFADE_MS,
    MIN_STRETCH_S,
    JoinSettings,
)
from studio.services.studio import Studio
from tabs import consent
from tabs.personalities import view, wanted
from tabs.voices.view import consent_reminder
from tabs.waveform import Boxes

ID = "personalities"

#: What a box for a recording is.
AUDIO: dict[str, Any] = {
    "sources": ["upload", "microphone"],
    "type": "filepath",  # as uploaded; the audio layer reads it, without the ffmpeg program
    "editable": True,
}

#: The part of the recording that goes into every emotion, as its waveform holds it.
BOXES = Boxes(f"{ID}-own-start", f"{ID}-own-end")

_USUAL = JoinSettings()


@dataclass
class NewView:
    """The components of the view; `recording` and `smart` by the names of `making`'s handlers."""

    recording: dict[str, Any] = field(default_factory=dict)
    consent: consent.ConsentFields = field(init=False)
    wave: Any = field(init=False)
    transcribe: Any = field(init=False)
    check: Any = field(init=False)
    report: Any = field(init=False)
    create: Any = field(init=False)
    smart: dict[str, Any] = field(default_factory=dict)
    emotions: Any = field(init=False)  # the table of those that are wanted
    gathered: Any = field(init=False)  # what it says, as the page tells it
    build: Any = field(init=False)
    stop: Any = field(init=False)
    status: Any = field(init=False)

    @property
    def inputs(self) -> list[Any]:
        """What both ways of making one read."""
        return [*self.recording.values(), *self.consent.all]


def lay_out(studio: Studio) -> NewView:
    """Lay the view out in the current column."""
    new = NewView()
    gr.HTML("<h3>1. One recording in a neutral tone</h3>", padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=260):
            _who(new)
        with gr.Column(scale=1, min_width=260):
            _recording(new)
    new.report = gr.HTML("", elem_id=f"{ID}-new-report", padding=False)
    required = studio.personalities.consent_required
    with gr.Accordion("Whose voice it is", open=required, elem_id=f"{ID}-consent"):
        gr.HTML(consent_reminder(required), padding=False)
        new.consent = consent.lay_out(f"{ID}-new")
    gr.HTML("<h3>2. Emotions: by hand, or built from this recording</h3>", padding=False)
    new.create = gr.Button(
        "By hand: make it of this recording, then add the emotions", size="sm", elem_id=f"{ID}-create"
    )
    new.emotions = gr.HTML(wanted.table(wanted.usual("")), elem_id=f"{ID}-wanted-box", padding=False)
    _smart(studio, new)
    with gr.Row():
        new.build = gr.Button(
            "Build the emotions (Ctrl+Enter)",
            variant="primary",
            elem_id=f"{ID}-build",
            elem_classes="timbre-generate",
        )
        new.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id=f"{ID}-build-stop")
    new.status = gr.HTML(view.NOTHING_BUILT, elem_id=f"{ID}-build-status", padding=False)
    new.gathered = gr.Textbox("", visible=False, label="Wanted emotions")
    return new


def usual_engines(studio: Studio, able: Capability) -> tuple[list[EngineInfo], EngineInfo]:
    """Those that can do it, and the usual one of them."""
    found = [info for info in studio.engines.registry.infos() if able in info.capabilities]
    usual = studio.settings.default_engine
    return found, next((info for info in found if info.id == usual), found[0])


def _who(new: NewView) -> None:
    fields = new.recording
    fields["name"] = gr.Textbox(label="Name", max_lines=1, elem_id=f"{ID}-new-name")
    fields["description"] = gr.Textbox(
        label="The voice in words",
        info="Guides the AI's expressive clips: a warm woman of forty, a deep old man …",
        lines=2,
        max_lines=4,
        elem_id=f"{ID}-new-description",
    )
    fields["language"] = gr.Textbox(
        label="Language",
        placeholder="told from what is said; or en, de, pt-br, …",
        max_lines=1,
        elem_id=f"{ID}-new-language",
    )


def _recording(new: NewView) -> None:
    fields = new.recording
    fields["voice"] = gr.Dropdown(
        [view.NO_VOICE], value="", label="A saved voice", elem_id=f"{ID}-new-voice"
    )
    fields["audio"] = gr.Audio(
        label="Or a recording: 5-15 s of one person speaking clearly",
        elem_id=f"{ID}-new-audio",
        **AUDIO,
    )
    fields["transcript"] = gr.Textbox(
        label="What it says", lines=2, max_lines=5, elem_id=f"{ID}-new-transcript"
    )
    with gr.Row():
        new.transcribe = gr.Button(
            "Transcribe", size="sm", min_width=110, elem_id=f"{ID}-new-transcribe"
        )
        new.check = gr.Button("Check the recording", size="sm", min_width=110, elem_id=f"{ID}-new-check")


def _smart(studio: Studio, new: NewView) -> None:
    engines, _ = usual_engines(studio, Capability.DESIGN)
    fields = new.smart
    with gr.Accordion("How they are built", open=False, elem_id=f"{ID}-how"):
        with gr.Row():
            fields["own_s"] = gr.Slider(
                MIN_STRETCH_S,
                MAX_STRETCH_S,
                value=_USUAL.own_s,
                step=0.5,
                label="Of your recording (s)",
                min_width=180,
                elem_id=f"{ID}-own-s",
            )
            fields["expressive_s"] = gr.Slider(
                MIN_STRETCH_S,
                MAX_STRETCH_S,
                value=_USUAL.expressive_s,
                step=0.5,
                label="Of the AI's clip (s)",
                min_width=180,
                elem_id=f"{ID}-expressive-s",
            )
        with gr.Row():
            fields["crossfade_ms"] = gr.Slider(
                MIN_CROSSFADE_MS,
                MAX_CROSSFADE_MS,
                value=_USUAL.crossfade_ms,
                step=5,
                label="Crossfade (ms)",
                min_width=180,
                elem_id=f"{ID}-crossfade",
            )
            fields["temperature"] = gr.Slider(
                0.0,
                1.5,
                value=0.0,
                step=0.05,
                label="Temperature; 0: the model's own",
                info="For engines that draw by chance.",
                min_width=180,
                elem_id=f"{ID}-temperature",
            )
        new.wave = gr.HTML("", elem_id=f"{ID}-wave", padding=False)
        with gr.Row():
            fields["own_start"] = gr.Textbox(
                "",
                label="Your part from (s)",
                info="Empty: around the middle.",
                max_lines=1,
                min_width=140,
                elem_id=BOXES.start,
            )
            fields["own_end"] = gr.Textbox(
                "",
                label="to (s)",
                info="Empty: as long as the slider says.",
                max_lines=1,
                min_width=140,
                elem_id=BOXES.end,
            )
        with gr.Row():
            fields["engine"] = gr.Dropdown(
                [
                    ("Auto", ""),
                    *((info.label, info.id) for info in engines),
                ],
                value="",
                label="Engine of the expressive clips",
                min_width=180,
                elem_id=f"{ID}-build-engine",
            )
            fields["model"] = gr.Dropdown(
                [view.AUTO_MODEL], value="", label="Model", min_width=180, elem_id=f"{ID}-build-model"
            )
            fields["seed"] = gr.Textbox(
                "",
                label="Seed",
                info="Empty: a new one.",
                max_lines=1,
                min_width=110,
                elem_id=f"{ID}-build-seed",
            )
