"""What the Data sets tab looks like: the list, and four views of the chosen set."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.dataset.judging import REASONS
from studio.services.studio import Studio
from tabs.datasets import limits_form, settings_form, view
from tabs.datasets.exporting import FORMATS
from tabs.datasets.reviewing import ORDERS, SCOPES, STATES
from tabs.datasets.tab import ID, DatasetsTab


def lay_out(studio: Studio) -> DatasetsTab:
    """Lay the tab out in the current panel."""
    tab = DatasetsTab()
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            _list(studio, tab)
        with gr.Column(scale=5, min_width=300, elem_id=f"{ID}-chosen"):
            tab.head = gr.HTML(view.NOTHING_CHOSEN, elem_id=f"{ID}-head", padding=False)
            tab.status = gr.HTML("", elem_id=f"{ID}-status", padding=False)
            with gr.Row():
                tab.build = gr.Button(
                    "Build it", variant="primary", size="md", interactive=False, elem_id=f"{ID}-build"
                )
                tab.stop = gr.Button(
                    "Stop", variant="stop", size="md", interactive=False, elem_id=f"{ID}-stop"
                )
            gr.HTML(view.views(), elem_id=f"{ID}-views", padding=False)
            for name, lay in (
                ("overview", _overview),
                ("segments", _segments),
                ("coverage", _coverage),
                ("settings", _settings),
            ):
                with gr.Column(elem_id=f"{ID}-view-{name}", elem_classes="timbre-view"):
                    lay(studio, tab)
    _states(tab)
    return tab


def _list(studio: Studio, tab: DatasetsTab) -> None:
    tab.damaged = gr.HTML("", elem_id=f"{ID}-damaged", padding=False)
    tab.entries = gr.HTML("", elem_id=f"{ID}-list", padding=False)
    with gr.Accordion("New data set", open=False, elem_id=f"{ID}-new"):
        tab.new["name"] = gr.Textbox(label="Name", max_lines=1, elem_id=f"{ID}-new-name")
        tab.new["files"], tab.new["paths"] = _files(f"{ID}-new")
        tab.new_settings = settings_form.lay_out(studio, f"{ID}-new")
        tab.create = gr.Button("Make and build it", variant="primary", elem_id=f"{ID}-create")


def _files(id_: str) -> tuple[gr.File, gr.Textbox]:
    """Recordings that come from this browser, and those that lie where the studio runs."""
    files = gr.File(
        label="Recordings, their texts, or a zip of them",
        file_count="multiple",
        type="filepath",
        height=130,
        elem_id=f"{id_}-files",
    )
    paths = gr.Textbox(
        label="Or files and folders on the studio's machine, a line each",
        info="They stay where they are. Hours of sound are better named here than uploaded.",
        lines=2,
        max_lines=6,
        elem_id=f"{id_}-paths",
    )
    return files, paths


def _overview(studio: Studio, tab: DatasetsTab) -> None:
    tab.outlook = gr.HTML("", elem_id=f"{ID}-outlook", padding=False)
    tab.limits = limits_form.lay_out()
    with gr.Row():
        tab.apply = gr.Button(
            "Apply these limits", variant="primary", size="sm", interactive=False, elem_id=f"{ID}-apply"
        )
        tab.reset = gr.Button(
            "Back to the saved ones", size="sm", interactive=False, elem_id=f"{ID}-reset"
        )
    tab.charts = gr.HTML("", elem_id=f"{ID}-charts", padding=False)


def _segments(studio: Studio, tab: DatasetsTab) -> None:
    filters = tab.filters
    with gr.Row():
        filters["state"] = _dropdown("state", "Show", STATES, "")
        filters["reason"] = _dropdown(
            "reason",
            "Reason",
            [("Any", ""), *((label, code) for code, label in REASONS.items())],
            "",
        )
        filters["order"] = _dropdown("order", "In order", ORDERS, "worst")
    with gr.Row():
        filters["text"] = gr.Textbox(
            label="Search the texts", max_lines=1, min_width=150, elem_id=f"{ID}-search"
        )
        filters["source"] = _dropdown("source", "Recording", [view.ANY], "")
        filters["speaker"] = _dropdown("speaker", "Speaker", [view.ANY], "")
    with gr.Row():
        tab.scope = gr.Radio(
            SCOPES, value=SCOPES[0][1], label="Several at once", min_width=220, elem_id=f"{ID}-scope"
        )
        for name, label in (
            ("keep", "Keep them"),
            ("drop", "Drop them"),
            ("limits", "Leave to the limits"),
        ):
            tab.bulk[name] = gr.Button(label, size="sm", min_width=80, elem_id=f"{ID}-bulk-{name}")
    with gr.Column(visible=False, elem_id=f"{ID}-many") as column:
        tab.question = gr.HTML("", elem_id=f"{ID}-many-question", padding=False)
        with gr.Row():
            tab.buttons["many-yes"] = gr.Button(
                "Yes, all of them", variant="stop", size="sm", elem_id=f"{ID}-many-yes"
            )
            tab.buttons["many-no"] = gr.Button("No", size="sm", elem_id=f"{ID}-many-no")
    tab.asked["many"] = column, gr.State(None)
    tab.pages = gr.HTML("", elem_id=f"{ID}-pages", padding=False)
    tab.clips = gr.HTML("", elem_id=f"{ID}-clips", padding=False)
    with gr.Row():
        for name, label in (("previous", "Previous page"), ("next", "Next page")):
            button = gr.Button(label, size="sm", min_width=80, interactive=False, elem_id=f"{ID}-{name}")
            setattr(tab, name, button)


def _coverage(studio: Studio, tab: DatasetsTab) -> None:
    gr.HTML(view.COVERAGE_INTRODUCTION, padding=False)
    tab.cover = gr.Button("Look at the kept texts", size="sm", elem_id=f"{ID}-cover")
    tab.coverage = gr.HTML("", elem_id=f"{ID}-coverage", padding=False)


def _settings(studio: Studio, tab: DatasetsTab) -> None:
    tab.inputs = gr.HTML("", elem_id=f"{ID}-inputs", padding=False)
    with gr.Accordion("Add recordings", open=False, elem_id=f"{ID}-more"):
        tab.more_files, tab.more_paths = _files(f"{ID}-more")
        tab.add = gr.Button("Add them", size="sm", elem_id=f"{ID}-add")
    with gr.Accordion("Name, note and settings", open=False, elem_id=f"{ID}-change"):
        with gr.Row():
            tab.name = gr.Textbox(label="Name", max_lines=1, min_width=150, elem_id=f"{ID}-name")
            tab.note = gr.Textbox(label="Note", max_lines=4, min_width=150, elem_id=f"{ID}-note")
        tab.settings = settings_form.lay_out(studio, f"{ID}-set")
        _button(tab, "save", "Save", "primary")
    with gr.Accordion("Export", open=False, elem_id=f"{ID}-export-box"):
        tab.format = gr.Dropdown(FORMATS, value=FORMATS[0][1], label="As", elem_id=f"{ID}-format")
        with gr.Row():
            _button(tab, "export", "Export what is kept")
            _button(tab, "stop-export", "Stop the export", "stop")
        tab.exported = gr.HTML("", elem_id=f"{ID}-exported", padding=False)
    with gr.Accordion("Duplicate or delete", open=False, elem_id=f"{ID}-keep"):
        tab.copy_name = gr.Textbox(label="Name of a copy", max_lines=1, elem_id=f"{ID}-copy-name")
        with gr.Row():
            _button(tab, "duplicate", "Duplicate")
            _button(tab, "delete", "Delete the data set", "stop")
        with gr.Column(visible=False, elem_id=f"{ID}-delete-sure") as column:
            tab.delete_question = gr.HTML("", elem_id=f"{ID}-delete-question", padding=False)
            with gr.Row():
                _button(tab, "delete-yes", "Yes, delete it", "stop")
                _button(tab, "delete-no", "No, keep it")
        tab.asked["delete"] = column, gr.State(None)


def _button(tab: DatasetsTab, name: str, label: str, variant: Any = "secondary") -> None:
    tab.buttons[name] = gr.Button(
        label, variant=variant, size="sm", min_width=110, elem_id=f"{ID}-{name}"
    )


def _dropdown(name: str, label: str, known: list[tuple[str, str]], value: str) -> gr.Dropdown:
    return gr.Dropdown(known, value=value, label=label, min_width=130, elem_id=f"{ID}-{name}")


def _states(tab: DatasetsTab) -> None:
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen"}
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", size="sm", **unseen)
    for name in ("picked", "pressed", "acts"):
        setattr(tab, name, gr.Textbox("", label=name.title(), elem_id=f"{ID}-{name}", **unseen))
    tab.wanted = gr.Textbox("", label="Reason", elem_id=f"{ID}-reason-picked", **unseen)
    tab.receipt = gr.HTML("", elem_id=f"{ID}-receipt", padding=False, **unseen)
    tab.selected = gr.Textbox("", visible=False, label="Selected")
    tab.remembered = gr.Textbox("", visible=False, label="Remembered")
    tab.chosen, tab.offset, tab.seen = gr.State(""), gr.State(0), gr.State("")
    tab.ended = gr.State(0)
    tab.timer = gr.Timer(0.7, active=False)
