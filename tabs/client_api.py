"""The page's public events, for gradio_client: speak a text and get the file, and write a recording down."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from engines.base import Capability
from studio.errors import BadInput, unknown
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, MODES, Reference, SpeechOrder
from studio.services.transcripts import TranscribeOrder
from tabs.edge import bind, for_the_page, owner_of


def build(studio: Studio) -> None:
    """Lay out what a client fills in; nobody sees it."""
    with gr.Group(visible=False):
        text = gr.Textbox(label="text")
        mode = gr.Textbox(str(Capability.PRESET), label="mode")
        voice = gr.Textbox("", label="voice")
        description = gr.Textbox("", label="description")
        reference = gr.File(label="reference", type="filepath")
        reference_text = gr.Textbox("", label="reference_text")
        language = gr.Textbox(AUTO_LANGUAGE, label="language")
        speed = gr.Number(1.0, label="speed")
        seed = gr.Number(None, label="seed", precision=0)
        result = gr.File(label="sound")
        button = gr.Button("speak")
        recording = gr.File(label="recording", type="filepath")
        context = gr.Textbox("", label="context")
        written = gr.Textbox(label="transcript")
        transcribe = gr.Button("transcribe")
    button.click(
        bind(on_speak, studio),
        [text, mode, voice, description, reference, reference_text, language, speed, seed],
        result,
        api_name="speak",
        api_description="Speak a text (mode preset, clone or design) and get a WAV file.",
        concurrency_limit=None,
    )
    transcribe.click(
        bind(on_transcribe, studio),
        [recording, language, context],
        written,
        api_name="transcribe",
        api_description="What is said in a recording; context has names and words that are likely to occur.",
        concurrency_limit=None,
    )


def on_speak(
    studio: Studio,
    request: gr.Request,
    text: str,
    mode: str = str(Capability.PRESET),
    voice: str = "",
    description: str = "",
    reference: str | None = None,
    reference_text: str = "",
    language: str = AUTO_LANGUAGE,
    speed: float = 1.0,
    seed: int | None = None,
) -> str:
    """Speak and wait for the finished file."""
    if mode not in [str(known) for known in MODES]:
        raise unknown("mode", mode, [str(known) for known in MODES])
    order = SpeechOrder(
        Capability(mode),
        text,
        studio.settings.default_engine,
        language=language or AUTO_LANGUAGE,
        speaker=voice,
        reference=Reference(Path(reference), reference_text) if reference else None,
        description=description,
        speed=speed,
        seed=seed,
    )
    record = studio.speech.speak(order, owner_of(request))
    return for_the_page(studio, studio.history.path(record))


def on_transcribe(
    studio: Studio,
    request: gr.Request,
    recording: str | None = None,
    language: str = AUTO_LANGUAGE,
    context: str = "",
) -> str:
    """Write the recording down and wait for the text; the transcript is kept."""
    if not recording:
        raise BadInput("There is no recording.", "Give one as “recording”.")
    order = TranscribeOrder(Path(recording), language=language or AUTO_LANGUAGE, prompt=context)
    return studio.transcripts.transcribe(order, owner_of(request)).text
