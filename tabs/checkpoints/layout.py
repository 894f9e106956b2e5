"""What the Checkpoints tab looks like: the runs, and the chosen one with its epochs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.models.checkpoints import ENDINGS
from studio.services.studio import Studio
from tabs.checkpoints import view
from tabs.checkpoints.tab import ID, CheckpointsTab
from tabs.edge import is_shared
from tabs.speech.view import line


def lay_out(studio: Studio) -> CheckpointsTab:
    """Lay the tab out in the current panel."""
    tab = CheckpointsTab()
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            _runs(studio, tab)
        with gr.Column(scale=4, min_width=300, elem_id=f"{ID}-chosen"):
            tab.head = gr.HTML(view.NOTHING_CHOSEN, elem_id=f"{ID}-head", padding=False)
            tab.epochs = gr.HTML("", elem_id=f"{ID}-epochs", padding=False)
            tab.choice = gr.HTML("", elem_id=f"{ID}-choice", padding=False)
            with gr.Row():
                _button(tab, "preset", "Speak with it in Preset", "primary")
                _button(tab, "clone", "Speak with it in Clone")
            tab.compared = gr.Dropdown(
                [view.NO_OTHER], value="", label="Compare its curves with", elem_id=f"{ID}-compared"
            )
            tab.plots = gr.HTML("", elem_id=f"{ID}-plots", padding=False)
            with gr.Accordion("Settings of this run", open=False, elem_id=f"{ID}-details-box"):
                tab.details = gr.HTML("", elem_id=f"{ID}-details", padding=False)
            _make(studio, tab)
            _keep(tab)
    _states(tab)
    return tab


def _runs(studio: Studio, tab: CheckpointsTab) -> None:
    tab.damaged = gr.HTML("", elem_id=f"{ID}-damaged", padding=False)
    tab.entries = gr.HTML("", elem_id=f"{ID}-list", padding=False)
    with gr.Accordion("Import a checkpoint", open=False, elem_id=f"{ID}-import"):
        gr.HTML(line(view.IMPORTING), padding=False)
        tab.given = {
            "files": gr.File(
                label=f"Files, together at most {studio.settings.max_upload_mb:,} MB",
                file_count="multiple",
                file_types=[*ENDINGS, ".json"],
                type="filepath",
                height=130,
                elem_id=f"{ID}-import-files",
            ),
            "path": gr.Textbox(
                label="Or a file or folder on the studio's machine",
                max_lines=1,
                visible=not is_shared(studio),
                elem_id=f"{ID}-import-path",
            ),
            "name": gr.Textbox(
                label="Name; empty: that of the file", max_lines=1, elem_id=f"{ID}-import-name"
            ),
            "base": gr.Dropdown(
                [view.ANY_BASE], value="", label="Its base model", elem_id=f"{ID}-import-base"
            ),
        }
        with gr.Row():
            tab.bring = gr.Button("Import", variant="primary", size="sm", elem_id=f"{ID}-bring")
            _button(tab, "stop-import", "Stop the import", "stop")
        tab.imported = gr.HTML("", elem_id=f"{ID}-imported", padding=False)


def _make(studio: Studio, tab: CheckpointsTab) -> None:
    with gr.Accordion("Merge into a full checkpoint", open=False, elem_id=f"{ID}-merge-box"):
        gr.HTML(line(view.MERGING), padding=False)
        tab.merge_name = gr.Textbox(
            label="Name of the merged run", max_lines=1, elem_id=f"{ID}-merge-name"
        )
        _button(tab, "merge", "Merge")
    with gr.Accordion("Export", open=False, elem_id=f"{ID}-export-box"):
        gr.HTML(line(view.EXPORTING), padding=False)
        tab.target = gr.Textbox(
            label="A new folder on the studio's machine",
            placeholder="/home/me/my-voice",
            max_lines=1,
            visible=not is_shared(studio),
            elem_id=f"{ID}-target",
        )
        with gr.Row():
            _button(tab, "export", "Export as that folder", visible=not is_shared(studio))
            _button(tab, "zip", "Export as a zip to download")
    tab.made = gr.HTML("", elem_id=f"{ID}-made", padding=False)
    _button(tab, "stop", "Stop it", "stop")


def _keep(tab: CheckpointsTab) -> None:
    with gr.Accordion("Name and note", open=False, elem_id=f"{ID}-about-box"):
        tab.name = gr.Textbox(label="Name of the run", max_lines=1, elem_id=f"{ID}-name")
        tab.note = gr.Textbox(label="Note", max_lines=6, elem_id=f"{ID}-note")
        _button(tab, "save", "Save name and note")
    with gr.Accordion("Delete", open=False, elem_id=f"{ID}-delete-box"):
        with gr.Row():
            _button(tab, "delete-epoch", "Delete this epoch", "stop")
            _button(tab, "delete-run", "Delete the run", "stop")
        with gr.Column(visible=False, elem_id=f"{ID}-sure") as tab.sure:
            tab.question = gr.HTML("", elem_id=f"{ID}-question", padding=False)
            with gr.Row():
                _button(tab, "yes", "Yes, delete it", "stop", interactive=True)
                _button(tab, "no", "No, keep it", interactive=True)


def _button(tab: CheckpointsTab, name: str, label: str, variant: Any = "secondary", **more: Any) -> None:
    """One that can be pressed once there is something to do."""
    given = {"interactive": False, **more}
    tab.buttons[name] = gr.Button(
        label, variant=variant, size="sm", min_width=110, elem_id=f"{ID}-{name}", **given
    )


def _states(tab: CheckpointsTab) -> None:
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen"}
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", size="sm", **unseen)
    tab.picked = gr.Textbox("", label="Picked", elem_id=f"{ID}-picked", **unseen)
    tab.picked_epoch = gr.Textbox("", label="Picked epoch", elem_id=f"{ID}-picked-epoch", **unseen)
    tab.remembered = [
        gr.Textbox("", visible=False, label=label) for label in ("Remembered run", "Remembered epoch")
    ]
    tab.chosen, tab.epoch, tab.asked = gr.State(""), gr.State(None), gr.State(None)
    tab.histories, tab.seen = gr.State(()), gr.State(())
    tab.timer = gr.Timer(0.7, active=False)
