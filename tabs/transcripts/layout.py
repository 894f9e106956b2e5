"""What the Transcribe tab looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from engines.recognition import AUTO_LANGUAGE, Task
from studio.services.studio import Studio
from studio.services.transcribing import MAX_PROMPT
from studio.services.transcripts import AUTO
from tabs.speech import missing
from tabs.transcripts import choices, view

ID = "transcribe"


@dataclass
class TranscribeTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    missing: missing.MissingNotice = field(init=False)
    form: dict[str, Any] = field(default_factory=dict)  # by the names of `starting.on_transcribe`
    engine_note: gr.HTML = field(init=False)
    models: gr.Column = field(init=False)
    model_note: gr.HTML = field(init=False)
    start: gr.Button = field(init=False)
    stop: gr.Button = field(init=False)
    status: gr.HTML = field(init=False)
    result: gr.Column = field(init=False)
    head: gr.HTML = field(init=False)
    text: gr.Textbox = field(init=False)
    save_text: gr.Button = field(init=False)
    from_segments: gr.Button = field(init=False)
    raw: gr.Textbox = field(init=False)
    downloads: gr.HTML = field(init=False)
    send_to: gr.Row = field(init=False)
    segments: gr.HTML = field(init=False)
    segment: gr.HTML = field(init=False)  # the chosen one: when, and its sound
    segment_text: gr.Textbox = field(init=False)
    buttons: dict[str, gr.Button] = field(default_factory=dict)  # of the chosen segment
    note: gr.Textbox = field(init=False)
    save_note: gr.Button = field(init=False)
    delete: gr.Button = field(init=False)
    sure: gr.Column = field(init=False)
    delete_yes: gr.Button = field(init=False)
    delete_no: gr.Button = field(init=False)
    search: gr.Textbox = field(init=False)
    kept: gr.Radio = field(init=False)
    none_kept: gr.HTML = field(init=False)
    newer: gr.Button = field(init=False)
    older: gr.Button = field(init=False)
    refresh: gr.Button = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    first: gr.Button = field(init=False)  # the same, once in a page
    remembered: gr.Textbox = field(init=False)  # the transcript that the window was showing
    picked: gr.Textbox = field(init=False)  # the segment that was clicked
    cursor: gr.Textbox = field(init=False)  # where the cursor stands in the segment's text
    running: gr.State = field(init=False)  # id of the transcript being made
    finished: gr.State = field(init=False)  # the same once it is in the history
    shown: gr.State = field(init=False)  # id of the transcript below
    place: gr.State = field(init=False)  # number of the chosen segment
    stamp: gr.State = field(init=False)  # of the segments as they are shown
    result_shown: gr.State = field(init=False)
    sure_shown: gr.State = field(init=False)
    offset: gr.State = field(init=False)

    @property
    def opened(self) -> list[Any]:
        """What showing a transcript fills, in the order of `editing.opened`."""
        return [
            self.result,
            self.result_shown,
            self.shown,
            self.head,
            self.raw,
            self.downloads,
            self.note,
            *self.edited,
        ]

    @property
    def edited(self) -> list[Any]:
        """What an edit fills, in the order of `editing.edited`."""
        return [
            self.place,
            self.stamp,
            self.text,
            self.segments,
            self.segment,
            self.segment_text,
            *(self.buttons[name] for name in ("previous", "next", "merge")),
        ]


def lay_out(studio: Studio) -> TranscribeTab:
    """Lay the tab out in the current panel."""
    tab = TranscribeTab()
    tab.missing = missing.lay_out(ID)
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            _recording(tab)
            _form(studio, tab)
            _kept(tab)
        with gr.Column(scale=3, min_width=300):
            _progress(tab)
            with gr.Column(visible=False, elem_id=f"{ID}-result") as tab.result:
                _result(tab)
                _editor(tab)
                _own(tab)
    _states(tab)
    return tab


def _recording(tab: TranscribeTab) -> None:
    tab.form["audio"] = gr.Audio(
        label="Recording",
        sources=["upload", "microphone"],
        type="filepath",  # as uploaded; the audio layer reads it, without the ffmpeg program
        editable=True,
        elem_id=f"{ID}-audio",
    )
    with gr.Accordion("A video, or any other file", open=False, elem_id=f"{ID}-other"):
        tab.form["file"] = gr.File(
            label="Video or recording", type="filepath", height=110, elem_id=f"{ID}-file"
        )


def _form(studio: Studio, tab: TranscribeTab) -> None:
    form = tab.form
    form["engine"] = gr.Dropdown(
        choices.engines(studio), value=AUTO, label="Recognizer", elem_id=f"{ID}-engine"
    )
    tab.engine_note = gr.HTML("", elem_id=f"{ID}-engine-note", padding=False)
    with gr.Column(visible=False, elem_id=f"{ID}-models", elem_classes="timbre-group") as tab.models:
        form["model"] = gr.Dropdown([choices.AUTO_CHOICE], value="", label="Size", elem_id=f"{ID}-model")
        tab.model_note = gr.HTML("", elem_id=f"{ID}-model-note", padding=False)
    form["language"] = gr.Dropdown(
        choices.languages(studio, AUTO),
        value=AUTO_LANGUAGE,
        label="Language",
        elem_id=f"{ID}-language",
    )
    form["task"] = gr.Radio(
        choices.tasks(studio, AUTO), value=str(Task.TRANSCRIBE), label="Task", elem_id=f"{ID}-task"
    )
    correct = studio.language_model.enabled("stt")
    form["process"] = gr.Checkbox(
        correct,
        label="Correct with the language model",
        info=f"The text goes to {studio.language_model.host}; the raw text is kept." if correct else "",
        visible=correct,
        elem_id=f"{ID}-process",
    )
    with gr.Accordion("More", open=False, elem_id=f"{ID}-more"):
        form["prompt"] = gr.Textbox(
            label="Context: names and words that are likely to occur",
            lines=2,
            max_length=MAX_PROMPT,
            elem_id=f"{ID}-prompt",
        )
        form["words"] = gr.Checkbox(
            True, label="Times of single words (better subtitles)", elem_id=f"{ID}-words"
        )


def _progress(tab: TranscribeTab) -> None:
    with gr.Row():
        tab.start = gr.Button(
            "Transcribe (Ctrl+Enter)",
            variant="primary",
            elem_id=f"{ID}-generate",
            elem_classes="timbre-generate",
        )
        tab.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id=f"{ID}-stop")
    tab.status = gr.HTML(view.IDLE, elem_id=f"{ID}-status", padding=False)


def _kept(tab: TranscribeTab) -> None:
    with gr.Accordion("Earlier transcripts", open=False, elem_id=f"{ID}-kept"):
        tab.search = gr.Textbox(
            label="Search text, names and notes", max_lines=1, elem_id=f"{ID}-search"
        )
        tab.none_kept = gr.HTML("", elem_id=f"{ID}-none", padding=False)
        tab.kept = gr.Radio([], label="Transcripts, the newest first", elem_id=f"{ID}-list")
        with gr.Row():
            tab.newer = gr.Button("Newer", size="sm", interactive=False, elem_id=f"{ID}-newer")
            tab.older = gr.Button("Older", size="sm", interactive=False, elem_id=f"{ID}-older")


def _result(tab: TranscribeTab) -> None:
    tab.head = gr.HTML("", elem_id=f"{ID}-head", padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=260, elem_classes="timbre-enter-scope"):
            tab.text = gr.Textbox(
                label="Text", lines=6, max_lines=14, buttons=["copy"], elem_id=f"{ID}-text"
            )
            with gr.Row():
                tab.save_text = gr.Button(
                    "Save (Ctrl+Enter)",
                    size="sm",
                    elem_id=f"{ID}-save-text",
                    elem_classes="timbre-enter",
                )
                tab.from_segments = gr.Button(
                    "Take the segments' text", size="sm", elem_id=f"{ID}-from-segments"
                )
        with gr.Column(scale=1, min_width=260):
            tab.raw = gr.Textbox(
                label="As it was recognised",
                lines=6,
                max_lines=14,
                interactive=False,
                buttons=["copy"],
                elem_id=f"{ID}-raw",
            )
    tab.downloads = gr.HTML("", elem_id=f"{ID}-downloads", padding=False)
    with gr.Row(elem_id=f"{ID}-send") as tab.send_to:
        pass


def _editor(tab: TranscribeTab) -> None:
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=260):
            tab.segments = gr.HTML("", elem_id=f"{ID}-segments", padding=False)
        with gr.Column(
            scale=2, min_width=260, elem_id=f"{ID}-editor", elem_classes="timbre-enter-scope"
        ):
            tab.segment = gr.HTML("", elem_id=f"{ID}-segment", padding=False)
            tab.segment_text = gr.Textbox(
                label="Text of this segment", lines=3, max_lines=8, elem_id=f"{ID}-segment-text"
            )
            for row in _SEGMENT_BUTTONS:
                with gr.Row():
                    for name, label in row.items():
                        tab.buttons[name] = gr.Button(
                            label,
                            size="sm",
                            min_width=70,
                            variant="primary" if name == "save" else "secondary",
                            elem_id=f"{ID}-segment-{name}",
                            elem_classes="timbre-enter" if name == "save" else None,
                        )


_SEGMENT_BUTTONS = (
    {"play": "Play", "previous": "Previous", "next": "Next"},
    {"save": "Save (Ctrl+Enter)"},
    {"split": "Split at the cursor", "merge": "Merge with the next"},
    {"reference": "Use this segment as the reference"},
)


def _own(tab: TranscribeTab) -> None:
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=260):
            tab.note = gr.Textbox(label="Note", lines=1, max_lines=4, elem_id=f"{ID}-note")
        with gr.Column(scale=2, min_width=260):
            with gr.Row():
                tab.save_note = gr.Button(
                    "Save the note", size="sm", min_width=90, elem_id=f"{ID}-save-note"
                )
                tab.delete = gr.Button(
                    "Delete it", variant="stop", size="sm", min_width=90, elem_id=f"{ID}-delete"
                )
            with gr.Column(visible=False, elem_id=f"{ID}-sure") as tab.sure:
                gr.HTML(
                    '<p class="timbre-line">Delete this transcript, its files and its recording for'
                    " good?</p>"
                )
                with gr.Row():
                    tab.delete_yes = gr.Button(
                        "Yes, delete it", variant="stop", size="sm", elem_id=f"{ID}-delete-yes"
                    )
                    tab.delete_no = gr.Button("No, keep it", size="sm", elem_id=f"{ID}-delete-no")


def _states(tab: TranscribeTab) -> None:
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen", "size": "sm"}
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", **unseen)
    tab.first = gr.Button("Begin", elem_id=f"{ID}-first", **unseen)
    tab.remembered = gr.Textbox("", visible=False, label="Remembered transcript")
    tab.picked = gr.Textbox("", label="Picked", elem_id=f"{ID}-picked", elem_classes="timbre-unseen")
    tab.cursor = gr.Textbox("", visible=False, label="Cursor")
    tab.running, tab.finished, tab.shown = gr.State(""), gr.State(""), gr.State("")
    tab.place, tab.stamp, tab.offset = gr.State(0), gr.State(""), gr.State(0)
    tab.result_shown, tab.sure_shown = gr.State(False), gr.State(False)
