"""What the Samples tab looks like: the runs, and three ways to hear the chosen one."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tabs.samples import view
from tabs.samples.place import Place, Seen
from tabs.samples.tab import ID, SamplesTab


def lay_out() -> SamplesTab:
    """Lay the tab out in the current panel."""
    tab = SamplesTab()
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=250):
            tab.entries = _html("list", view.EMPTY)
        with gr.Column(scale=4, min_width=300):
            tab.head = _html("head")
            _html("views", view.views())
            for name, lay in (("by-epoch", _epochs), ("by-sentence", _sentence), ("blind", _blind)):
                with gr.Column(elem_id=f"{ID}-view-{name}", elem_classes="timbre-view"):
                    lay(tab)
    _states(tab)
    return tab


def _epochs(tab: SamplesTab) -> None:
    with gr.Row():
        tab.pages = _html("pages")
        tab.newer, tab.older = (
            gr.Button(
                label,
                size="sm",
                scale=0,
                min_width=90,
                interactive=False,
                elem_id=f"{ID}-{label.lower()}",
            )
            for label in ("Newer", "Older")
        )
    tab.epochs = _html("epochs")


def _sentence(tab: SamplesTab) -> None:
    tab.across = _html("across")


def _blind(tab: SamplesTab) -> None:
    tab.pair, tab.trial, tab.tally = _html("pair"), _html("trial"), _html("tally")


def _html(name: str, value: str = "") -> gr.HTML:
    return gr.HTML(value, elem_id=f"{ID}-{name}", padding=False)


def _states(tab: SamplesTab) -> None:
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen"}
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", size="sm", **unseen)
    tab.picked = gr.Textbox("", label="Picked", elem_id=f"{ID}-picked", **unseen)
    tab.pressed = gr.Textbox("", label="Pressed", elem_id=f"{ID}-pressed", **unseen)
    tab.remembered = gr.Textbox("", visible=False, label="Remembered")
    tab.place, tab.seen = gr.State(Place()), gr.State(Seen())
    tab.timer = gr.Timer(2.0, active=False)
