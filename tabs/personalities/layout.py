"""What the Personalities tab looks like: the list, and three views of the chosen personality."""

from __future__ import annotations

from typing import Any

import gradio as gr

from engines.base import Capability
from studio.services.performance_values import Unknown
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, MAX_SEED
from tabs import consent
from tabs.personalities import new_layout, view
from tabs.personalities.new_layout import AUDIO, ID, usual_engines
from tabs.personalities.tab import PersonalitiesTab
from tabs.speech import choices
from tabs.voices.view import IMPORT_CONSENT


def lay_out(studio: Studio) -> PersonalitiesTab:
    """Lay the tab out in the current panel. Its content, a fifth of the page, comes into being when
    the tab is shown first, so that a fresh page is not slower for it."""
    tab = PersonalitiesTab()
    with gr.Column(visible=False) as tab.body, gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            _list(tab)
        with gr.Column(scale=5, min_width=300):
            tab.head = gr.HTML(view.NOTHING_CHOSEN, elem_id=f"{ID}-head", padding=False)
            gr.HTML(view.views(ID), elem_id=f"{ID}-views", padding=False)
            with gr.Column(elem_id=f"{ID}-view-speak", elem_classes="timbre-view"):
                _player(studio, tab)
            with gr.Column(elem_id=f"{ID}-view-emotions", elem_classes="timbre-view"):
                _emotions(tab)
            with gr.Column(elem_id=f"{ID}-view-new", elem_classes="timbre-view"):
                tab.new = new_layout.lay_out(studio)
    _states(tab)
    return tab


def _list(tab: PersonalitiesTab) -> None:
    tab.search = gr.Textbox(
        label="Search names, notes and emotions", max_lines=1, elem_id=f"{ID}-search"
    )
    tab.damaged = gr.HTML("", elem_id=f"{ID}-damaged", padding=False)
    tab.entries = gr.HTML("", elem_id=f"{ID}-list", padding=False)
    with gr.Accordion("Import", open=False, elem_id=f"{ID}-import-box"):
        tab.zip = gr.File(
            label="A personality's zip",
            file_types=[".zip"],
            type="filepath",
            height=110,
            elem_id=f"{ID}-zip",
        )
        tab.import_consent = consent.lay_out(f"{ID}-import")
        gr.HTML(IMPORT_CONSENT, padding=False)
        tab.import_ = gr.Button("Import it", size="sm", elem_id=f"{ID}-import")


def _player(studio: Studio, tab: PersonalitiesTab) -> None:
    tab.tags = gr.HTML("", elem_id=f"{ID}-tags", padding=False)
    tab.player["text"] = gr.Textbox(
        label="Text with tags",
        lines=6,
        max_lines=16,
        placeholder="[happy] Hello! [pause 0.5] [sad:0.6] Goodbye.",
        info="[happy:0.6] takes less of the emotion; \\[ is a plain bracket.",
        elem_id=f"{ID}-text",
    )
    tab.player["unknown"] = gr.Radio(
        [("Report them", Unknown.REPORT.value), ("Read them aloud", Unknown.READ.value)],
        value=Unknown.REPORT.value,
        label="Tags that the personality does not know",
        elem_id=f"{ID}-unknown",
    )
    engines, first = usual_engines(studio, Capability.CLONE)
    with gr.Accordion("Engine, speed and seed", open=False, elem_id=f"{ID}-settings"):
        with gr.Row():
            tab.player["engine"] = gr.Dropdown(
                [("Auto", ""), *((info.label, info.id) for info in engines)],
                value="",
                label="Engine",
                min_width=180,
                elem_id=f"{ID}-engine",
            )
            tab.player["model"] = gr.Dropdown(
                [view.AUTO_MODEL], value="", label="Model", min_width=180, elem_id=f"{ID}-model"
            )
            tab.player["language"] = gr.Dropdown(
                choices.languages(first),
                value=AUTO_LANGUAGE,
                label="Language",
                min_width=180,
                elem_id=f"{ID}-language",
            )
        with gr.Row():
            tab.player["speed"] = gr.Slider(
                0.5, 2.0, value=1.0, step=0.05, label="Speed", min_width=180, elem_id=f"{ID}-speed"
            )
            # Not gr.Number: in Gradio 6.17 an empty one turns into 0 when it comes into view.
            tab.player["seed"] = gr.Textbox(
                "",
                label="Seed",
                info="Empty: parts that did not change sound as before.",
                max_lines=1,
                max_length=len(str(MAX_SEED)),
                min_width=140,
                elem_id=f"{ID}-seed",
            )
    with gr.Row():
        tab.speak = gr.Button(
            "Speak (Ctrl+Enter)",
            variant="primary",
            elem_id=f"{ID}-speak",
            elem_classes="timbre-generate",
        )
        tab.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id=f"{ID}-stop")
    tab.status = gr.HTML(view.NOTHING_SPOKEN, elem_id=f"{ID}-status", padding=False)
    tab.parts = gr.HTML("", elem_id=f"{ID}-parts", padding=False)
    tab.pack = gr.Button(
        "Take away the whole, the parts and their times as a zip",
        size="sm",
        interactive=False,
        elem_id=f"{ID}-pack",
    )
    tab.archive = gr.HTML("", elem_id=f"{ID}-archive", padding=False)


def _emotions(tab: PersonalitiesTab) -> None:
    tab.emotions = gr.HTML("", elem_id=f"{ID}-emotions", padding=False)
    tab.caption = gr.HTML(view.NOTHING_CHOSEN, elem_id=f"{ID}-caption", padding=False)
    tab.joint = gr.HTML("", elem_id=f"{ID}-joint", padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=260):
            tab.emotion["tag"] = gr.Textbox(
                label="Tag: what stands in the brackets", max_lines=1, elem_id=f"{ID}-tag"
            )
            tab.emotion["aliases"] = gr.Textbox(
                label="Further names, with commas",
                info="Common names in many languages are known anyway.",
                max_lines=1,
                elem_id=f"{ID}-aliases",
            )
            tab.emotion["language"] = gr.Textbox(
                label="Language",
                placeholder="the personality's; or de, en-us, …",
                max_lines=1,
                elem_id=f"{ID}-emotion-language",
            )
        with gr.Column(scale=1, min_width=260):
            tab.emotion["audio"] = gr.Audio(
                label="Recording: 5-15 s in this emotion", elem_id=f"{ID}-audio", **AUDIO
            )
    tab.emotion["transcript"] = gr.Textbox(
        label="What it says", lines=2, max_lines=5, elem_id=f"{ID}-transcript"
    )
    tab.report = gr.HTML("", elem_id=f"{ID}-report", padding=False)
    _row(
        tab,
        save=("Add the emotion", "primary"),
        transcribe=("Transcribe", "secondary"),
        check=("Check the recording", "secondary"),
        add=("New emotion", "secondary"),
        remove=("Remove it", "stop"),
    )
    _question(tab, "remove", "Remove this emotion and its recording for good?", "remove it")
    with gr.Accordion("Compare the emotions", open=False, elem_id=f"{ID}-comparison"):
        tab.compare = gr.Button("Measure them", size="sm", elem_id=f"{ID}-compare")
        tab.audit = gr.HTML("", elem_id=f"{ID}-audit", padding=False)
    with gr.Accordion("Rename, duplicate, export, delete", open=False, elem_id=f"{ID}-keep"):
        _keeping(tab)


def _keeping(tab: PersonalitiesTab) -> None:
    with gr.Row():
        tab.facts["name"] = gr.Textbox(label="Name", max_lines=1, elem_id=f"{ID}-name")
        tab.facts["language"] = gr.Textbox(
            label="Language", max_lines=1, min_width=110, elem_id=f"{ID}-own-language"
        )
    tab.facts["description"] = gr.Textbox(
        label="Description of the voice", max_lines=3, elem_id=f"{ID}-description"
    )
    tab.facts["note"] = gr.Textbox(label="Note", lines=2, max_lines=6, elem_id=f"{ID}-note")
    _row(tab, change=("Save", "primary"), export=("Export as a zip", "secondary"))
    tab.exported = gr.HTML("", elem_id=f"{ID}-exported", padding=False)
    with gr.Row():
        tab.copy_name = gr.Textbox(
            label="Name of a copy", max_lines=1, min_width=180, elem_id=f"{ID}-copy-name"
        )
    _row(
        tab,
        duplicate=("Duplicate", "secondary"),
        delete=("Delete the personality", "stop"),
    )
    _question(tab, "delete", "Delete this personality and its recordings for good?", "delete it")


def _row(tab: PersonalitiesTab, **buttons: tuple[str, str]) -> None:
    """A row of buttons by name: label and variant."""
    with gr.Row():
        for name, (label, variant) in buttons.items():
            tab.buttons[name] = gr.Button(
                label,
                variant=variant,  # type: ignore[arg-type]
                size="sm",
                min_width=110,
                elem_id=f"{ID}-{name}",
            )


def _question(tab: PersonalitiesTab, name: str, question: str, yes: str) -> None:
    """What is asked before something is lost; hidden until then."""
    with gr.Column(visible=False, elem_id=f"{ID}-{name}-sure") as column:
        gr.HTML(f'<p class="timbre-line">{question}</p>')
        with gr.Row():
            tab.buttons[f"{name}-yes"] = gr.Button(
                f"Yes, {yes}", variant="stop", size="sm", elem_id=f"{ID}-{name}-yes"
            )
            tab.buttons[f"{name}-no"] = gr.Button("No, keep it", size="sm", elem_id=f"{ID}-{name}-no")
    tab.asked[name] = column, gr.State(None)


def _states(tab: PersonalitiesTab) -> None:
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen"}
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", size="sm", **unseen)
    tab.picked = gr.Textbox("", label="Picked", elem_id=f"{ID}-picked", **unseen)
    tab.picked_emotion = gr.Textbox("", label="Picked", elem_id=f"{ID}-emotion", **unseen)
    tab.acted = gr.Textbox("", label="Pressed", elem_id=f"{ID}-acted", **unseen)
    tab.remembered = gr.Textbox("", visible=False, label="Remembered")
    tab.chosen, tab.tag, tab.performance = gr.State(""), gr.State(""), gr.State("")
    tab.body_shown = gr.State(False)
    tab.building, tab.seen = gr.State(""), gr.State("")
    tab.timer = gr.Timer(0.7, active=False)
