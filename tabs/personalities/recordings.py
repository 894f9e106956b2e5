"""What is asked of a recording before it becomes an emotion: what it says, and how good it is."""

from __future__ import annotations

from html import escape
from pathlib import Path

import gradio as gr

from studio.audio import quality
from studio.audio.quality import ReferenceReport
from studio.errors import BadInput
from studio.services.studio import Studio
from studio.services.transcripts import TranscribeOrder


def transcribed(studio: Studio, recording: Path) -> str:
    """What is said, by the best recognizer that is installed. Raises BadInput where it is too long."""
    plan = studio.transcripts.plan(TranscribeOrder(recording))
    longest = studio.settings.max_reference_s
    if plan.facts.duration > longest:
        raise BadInput(
            f"The recording lasts {plan.facts.duration:.0f} s, more than {longest:.0f} s.", "Cut it."
        )
    text = studio.transcripts.transcribe_reference(recording)
    draft = " It is a draft: correct it before you rely on it." if plan.choice.info.draft else ""
    gr.Info(escape(f"{plan.choice.reason}{draft}") if text else "Nothing is said in it.")
    return text


def measured(studio: Studio, recording: Path, transcript: str, language: str = "") -> ReferenceReport:
    """How good the recording is as a reference."""
    return quality.measure(recording, transcript=transcript, language=language)
