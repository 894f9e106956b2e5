"""What the Voices tab looks like."""

from __future__ import annotations

import gradio as gr

from engines.base import Capability
from studio.services.studio import Studio
from tabs import consent
from tabs.voices import view
from tabs.voices.tab import BOXES, ID, VoicesTab

TRIM, GAIN, DENOISE = "trim", "gain", "denoise"
_CLEANING = [
    ("Trim silence at the ends", TRIM),
    ("Set the level", GAIN),
    ("Reduce noise", DENOISE),
]


def lay_out(studio: Studio) -> VoicesTab:
    """Lay the tab out in the current panel."""
    tab = VoicesTab()
    # assets/timbre.js presses it whenever the tab is shown
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", elem_classes="timbre-unseen", size="sm")
    # Not in the page before it is wanted: a fresh page is quicker without it.
    with gr.Column(visible=False) as tab.body, gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            _library(tab)
            _files(tab)
        with gr.Column(scale=3, min_width=300, elem_id=f"{ID}-form", elem_classes="timbre-enter-scope"):
            _head(tab)
            _recording(tab)
            _cleaning(tab)
            _transcript(tab)
            _about(studio, tab)
            _audition(studio, tab)
    _states(tab)
    return tab


def _library(tab: VoicesTab) -> None:
    tab.search = gr.Textbox(
        label="Search names, notes, tags and transcripts", max_lines=1, elem_id=f"{ID}-search"
    )
    with gr.Row():
        tab.tag = gr.Dropdown([view.ANY_TAG], value="", label="Tag", min_width=140, elem_id=f"{ID}-tag")
        tab.favourites = gr.Checkbox(
            False, label="Favourites only", min_width=140, elem_id=f"{ID}-favourites"
        )
    tab.damaged = gr.HTML("", elem_id=f"{ID}-damaged", padding=False)
    tab.shelf = gr.HTML("", elem_id=f"{ID}-list", padding=False)
    with gr.Row():
        tab.previous = gr.Button(
            "Previous page", size="sm", min_width=80, interactive=False, elem_id=f"{ID}-previous"
        )
        tab.next = gr.Button(
            "Next page", size="sm", min_width=80, interactive=False, elem_id=f"{ID}-next"
        )


def _files(tab: VoicesTab) -> None:
    with gr.Accordion("Import a voice", open=False, elem_id=f"{ID}-files"):
        tab.archive = gr.File(
            label="A voice's zip file",
            file_types=[".zip"],
            type="filepath",
            height=110,
            elem_id=f"{ID}-zip",
        )
        tab.import_consent = consent.lay_out(f"{ID}-import", narrow=True)
        gr.HTML(view.IMPORT_CONSENT, padding=False)
        tab.take_in = gr.Button("Import it", size="sm", elem_id=f"{ID}-import")


def _head(tab: VoicesTab) -> None:
    tab.caption = gr.HTML(view.caption(None), elem_id=f"{ID}-caption", padding=False)
    with gr.Row():
        tab.new = gr.Button("New voice", size="sm", min_width=80, elem_id=f"{ID}-new")
        for name, label in (("favourite", "☆ Favourite"), ("duplicate", "Duplicate")):
            tab.actions[name] = gr.Button(
                label, size="sm", min_width=80, interactive=False, elem_id=f"{ID}-{name}"
            )
        tab.actions["export"] = gr.Button(
            "Export", size="sm", min_width=80, interactive=False, elem_id=f"{ID}-export"
        )
        tab.actions["delete"] = gr.Button(
            "Delete",
            variant="stop",
            size="sm",
            min_width=80,
            interactive=False,
            elem_id=f"{ID}-delete",
        )
    tab.export_link = gr.HTML("", elem_id=f"{ID}-export-link", padding=False)
    with gr.Column(visible=False, elem_id=f"{ID}-sure") as tab.sure:
        tab.question = gr.HTML("", elem_id=f"{ID}-question", padding=False)
        tab.keep_file = gr.Checkbox(
            False, label="Keep its recording as a file", elem_id=f"{ID}-keep-file"
        )
        with gr.Row():
            tab.delete_yes = gr.Button(
                "Yes, delete it", variant="stop", size="sm", elem_id=f"{ID}-delete-yes"
            )
            tab.delete_no = gr.Button("No, keep it", size="sm", elem_id=f"{ID}-delete-no")


def _recording(tab: VoicesTab) -> None:
    tab.audio = gr.Audio(
        label="Recording: 5 to 15 s of one person speaking clearly",
        sources=["upload", "microphone"],
        type="filepath",  # as uploaded; the audio layer reads it, without the ffmpeg program
        editable=False,  # the waveform below does that
        buttons=[],
        elem_id=f"{ID}-audio",
        elem_classes="timbre-source",
    )
    tab.wave = gr.HTML("", elem_id=f"{ID}-wave", padding=False)
    with gr.Row():
        # Not gr.Number: in Gradio 6.17 an empty one turns into 0 when it comes into view.
        tab.start = gr.Textbox("", label="From (s)", max_lines=1, min_width=90, elem_id=BOXES.start)
        tab.end = gr.Textbox("", label="To (s)", max_lines=1, min_width=90, elem_id=BOXES.end)
        tab.cut = gr.Button("Keep only this part", size="sm", min_width=120, elem_id=f"{ID}-cut")


def _cleaning(tab: VoicesTab) -> None:
    tab.cleaning = gr.CheckboxGroup(
        _CLEANING, value=[TRIM, GAIN], label="Clean up", elem_id=f"{ID}-cleaning"
    )
    with gr.Row():
        tab.check = gr.Button("Check it", size="sm", min_width=80, elem_id=f"{ID}-check")
        tab.clean = gr.Button("Clean up", size="sm", min_width=80, elem_id=f"{ID}-clean")
        tab.use_cleaned = gr.Button(
            "Use the cleaned one", size="sm", min_width=120, interactive=False, elem_id=f"{ID}-use"
        )
        tab.stop = gr.Button(
            "Stop", variant="stop", size="sm", min_width=80, interactive=False, elem_id=f"{ID}-stop"
        )
    tab.progress = gr.HTML("", elem_id=f"{ID}-progress", padding=False)
    tab.report = gr.HTML("", elem_id=f"{ID}-report", padding=False)


def _transcript(tab: VoicesTab) -> None:
    tab.transcript = gr.Textbox(
        label="What is said in it, word for word",
        info="Engines that learn from an example come closer with it.",
        lines=2,
        max_lines=8,
        elem_id=f"{ID}-transcript",
    )
    tab.transcribe = gr.Button("Transcribe the part", size="sm", elem_id=f"{ID}-transcribe")


def _about(studio: Studio, tab: VoicesTab) -> None:
    with gr.Row():
        tab.name = gr.Textbox(label="Name", max_lines=1, min_width=150, elem_id=f"{ID}-name")
        tab.language = gr.Textbox(
            label="Language",
            placeholder="en, de, pt-br, …",
            max_lines=1,
            min_width=110,
            elem_id=f"{ID}-language",
        )
    with gr.Row():
        tab.tags = gr.Textbox(
            label="Tags, with commas",
            placeholder="warm, narrator",
            max_lines=1,
            min_width=150,
            elem_id=f"{ID}-tags",
        )
        tab.note = gr.Textbox(label="Note", max_lines=3, min_width=150, elem_id=f"{ID}-note")
    gr.HTML(view.consent_reminder(studio.voices.consent_required), padding=False)
    tab.consent = consent.lay_out(ID)
    tab.save = gr.Button(
        "Save the voice (Ctrl+Enter)",
        variant="primary",
        elem_id=f"{ID}-save",
        elem_classes="timbre-enter",
    )


def _audition(studio: Studio, tab: VoicesTab) -> None:
    infos = [info for info in studio.engines.registry.infos() if Capability.CLONE in info.capabilities]
    wanted = studio.settings.default_engine
    first = next((info for info in infos if info.id == wanted), infos[0])
    gr.HTML("<h3>How it sounds</h3>", padding=False)
    tab.sentence = gr.Textbox(view.sentence(""), label="A sentence", lines=2, elem_id=f"{ID}-sentence")
    tab.engine = gr.Dropdown(
        [(info.label, info.id) for info in infos],
        value=first.id,
        label="Engine",
        elem_id=f"{ID}-engine",
    )
    tab.audition = gr.Button(
        "Speak it in this voice", size="sm", interactive=False, elem_id=f"{ID}-audition"
    )
    tab.audition_status = gr.HTML("", elem_id=f"{ID}-audition-status", padding=False)
    tab.audition_sound = gr.Audio(
        label="Audition",
        type="filepath",
        interactive=False,
        elem_id=f"{ID}-audition-sound",
        buttons=["download"],
    )


def _states(tab: VoicesTab) -> None:
    tab.picked = gr.Textbox("", label="Picked", elem_id=f"{ID}-picked", elem_classes="timbre-unseen")
    tab.chosen, tab.asked, tab.offset = gr.State(""), gr.State(""), gr.State(0)
    tab.body_shown = gr.State(False)
    tab.origin, tab.work = gr.State("upload"), gr.State(None)
    tab.done, tab.cleaned, tab.heard = gr.State(None), gr.State(None), gr.State(None)
