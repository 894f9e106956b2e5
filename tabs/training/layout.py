"""What the Train tab looks like: the form of a new run, and the runs with the chosen one."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.runs.presets import Preset
from studio.runs.values import Family, Method
from tabs.speech.view import line
from tabs.training import form, planning, view
from tabs.training.tab import ID, TrainTab


def lay_out() -> TrainTab:
    """Lay the tab out in the current panel."""
    tab = TrainTab()
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=290):
            _new(tab)
        with gr.Column(scale=3, min_width=300, elem_id=f"{ID}-follow"):
            _follow(tab)
    _states(tab)
    return tab


def _new(tab: TrainTab) -> None:
    tab.choice = {
        "dataset": gr.Dropdown([], value=None, label="Data set", elem_id=f"{ID}-dataset"),
        "family": gr.Radio(
            planning.FAMILIES, value=Family.XTTS.value, label="Family", elem_id=f"{ID}-family"
        ),
        "base": gr.Dropdown([], value=None, label="Begin with", elem_id=f"{ID}-base"),
        "method": gr.Radio(
            planning.METHODS, value=Method.LORA.value, label="Method", elem_id=f"{ID}-method"
        ),
        "preset": gr.Radio(
            planning.PRESETS, value=Preset.BALANCED.value, label="Preset", elem_id=f"{ID}-preset"
        ),
    }
    tab.fields = form.lay_out()
    with gr.Accordion("Why these settings", open=False, elem_id=f"{ID}-why"):
        tab.reasons = gr.HTML("", elem_id=f"{ID}-reasons", padding=False)
    gr.HTML(line("What it would take; memory and time are rough"), padding=False)
    tab.estimate = gr.HTML("", elem_id=f"{ID}-estimate", padding=False)
    tab.name = gr.Textbox(
        label="Name of the run; empty: that of the data set", max_lines=1, elem_id=f"{ID}-name"
    )
    tab.create = gr.Button(
        "Start training", variant="primary", interactive=False, elem_id=f"{ID}-create"
    )


def _follow(tab: TrainTab) -> None:
    tab.damaged = gr.HTML("", elem_id=f"{ID}-damaged", padding=False)
    tab.entries = gr.HTML("", elem_id=f"{ID}-list", padding=False)
    tab.head = gr.HTML(view.NOTHING_CHOSEN, elem_id=f"{ID}-head", padding=False)
    tab.status = gr.HTML("", elem_id=f"{ID}-status", padding=False)
    with gr.Row():
        tab.start = gr.Button("Start", size="md", interactive=False, elem_id=f"{ID}-start")
        tab.stop = gr.Button("Stop", variant="stop", size="md", interactive=False, elem_id=f"{ID}-stop")
    tab.figures = gr.HTML("", elem_id=f"{ID}-figures", padding=False)
    tab.plots = gr.HTML("", elem_id=f"{ID}-plots", padding=False)
    with gr.Accordion("Log", open=False, elem_id=f"{ID}-log-box"):
        tab.log = gr.HTML("", elem_id=f"{ID}-log", padding=False)
    with gr.Accordion("Settings of this run", open=False, elem_id=f"{ID}-details-box"):
        tab.details = gr.HTML("", elem_id=f"{ID}-details", padding=False)


def _states(tab: TrainTab) -> None:
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen"}
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", size="sm", **unseen)
    tab.picked = gr.Textbox("", label="Picked", elem_id=f"{ID}-picked", **unseen)
    tab.remembered = gr.Textbox("", visible=False, label="Remembered")
    tab.chosen, tab.history, tab.seen = gr.State(""), gr.State(None), gr.State(())
    tab.timer = gr.Timer(1.0, active=False)
