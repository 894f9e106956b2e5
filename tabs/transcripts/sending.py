"""What other tabs take from a transcript: its text, and its recording as a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import BadInput
from studio.files import write_bytes
from studio.services.studio import Studio
from studio.services.transcript_files import file_name, stretch_wav
from studio.services.transcripts import TranscriptRecord
from tabs.edge import bind, owner_of
from tabs.frame import showing
from tabs.speech.layout import SpeechTab
from tabs.transcripts import editing
from tabs.transcripts.layout import ID, TranscribeTab


def wire(studio: Studio, tab: TranscribeTab, speech: Mapping[str, SpeechTab]) -> None:
    """Lay out the buttons, which need the other tabs, and bind them."""
    told: dict[str, Any] = {
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    clone = speech.get(str(Capability.CLONE))
    with tab.send_to:
        if clone is not None:
            taken = [clone.fields[name] for name in ("ref_audio", "ref_text", "ref_voice")]
            button = gr.Button("Use as reference", size="sm", elem_id=f"{ID}-to-ref")
            sent = button.click(bind(on_reference, studio), [tab.shown], taken, **told)
            sent.success(None, None, None, js=showing(clone.id), **told)
            sent = tab.buttons["reference"].click(
                bind(on_segment_reference, studio),
                [tab.shown, tab.place, tab.stamp, tab.segment_text],
                taken,
                **told,
            )
            sent.success(None, None, None, js=showing(clone.id), **told)
        for target in speech.values():
            button = gr.Button(f"Send text to {target.label}", size="sm", elem_id=f"{ID}-to-{target.id}")
            button.click(
                lambda text: text, [tab.text], [target.fields["text"]], js=showing(target.id), **told
            )


def on_reference(studio: Studio, request: gr.Request, transcript_id: str) -> tuple[str, str, str]:
    """The whole recording with its text, for the Clone tab. Raises BadInput where it is too long."""
    record = studio.transcripts.history.get(transcript_id, owner_of(request))
    longest = studio.settings.max_reference_s
    if record.transcript.duration > longest:
        raise BadInput(
            f"The recording is longer than {longest:.0f} s, the most a reference may last.",
            "Choose a segment and use that one as the reference.",
        )
    return _cut(studio, record, 0.0, None), record.text, ""  # no saved voice


def on_segment_reference(
    studio: Studio, request: gr.Request, transcript_id: str, place: int, seen: str, text: str
) -> tuple[str, str, str]:
    """The chosen segment's stretch of the recording with its text as typed."""
    record = studio.transcripts.history.get(transcript_id, owner_of(request))
    known = record.transcript.segments
    if editing.stamp(known) != seen or not 0 <= place < len(known):
        raise BadInput("The segments were changed meanwhile.", "Open the transcript again.")
    return _cut(studio, record, known[place].start, known[place].end), (text or "").strip(), ""


def _cut(studio: Studio, record: TranscriptRecord, start: float, end: float | None) -> str:
    """A stretch of the recording as a WAV where Gradio may serve it from."""
    content = stretch_wav(studio.transcripts.history.recording(record), start, end)
    place = "" if end is None else f"_{start:.2f}-{end:.2f}"
    folder = studio.workspace.gradio_temp / "transcripts" / record.id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(record, f"{place}.wav")
    write_bytes(path, content)
    return str(path)
