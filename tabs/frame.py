"""The row of tabs and the panels below it.

Not gr.Tabs: since Gradio 6.11 choosing a tab can send the browser into an endless loop (seen here
with 6.17.3 on a page of five tabs and some seventy events). These panels are all in the page, and
assets/timbre.js shows one of them: it changes at once, works by keyboard after the ARIA pattern for
tabs, and follows the address (?tab=history).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

import gradio as gr


def tab_row(labels: Mapping[str, str], first: str) -> gr.HTML:
    """The tabs by id; `first` is shown where the address names none."""
    buttons = "".join(
        f'<button type="button" role="tab" id="tab-{escape(tab_id)}-button" data-tab="{escape(tab_id)}"'
        f' aria-controls="tab-{escape(tab_id)}">{escape(label)}</button>'
        for tab_id, label in labels.items()
    )
    return gr.HTML(
        f'<div role="tablist" aria-label="Timbre" class="timbre-tabs" data-first="{escape(first)}">'
        f"{buttons}</div>",
        elem_id="timbre-tabs",
        padding=False,
    )


def view_row(id_: str, labels: Mapping[str, str]) -> str:
    """The row that chooses what is shown of a tab (assets/personalities.js). `labels`: by the views'
    names, which no other tab has; a view is a gr.Column `<id_>-view-<name>` of class timbre-view."""
    buttons = "".join(
        f'<button type="button" role="tab" id="{id_}-{name}-button" data-view="{name}"'
        f' aria-controls="{id_}-view-{name}">{escape(label)}</button>'
        for name, label in labels.items()
    )
    return (
        f'<div role="tablist" aria-label="Views" class="timbre-views" data-key="{id_}">{buttons}</div>'
    )


@contextmanager
def panel(tab_id: str, late: bool = False) -> Iterator[None]:
    """Lay a tab's content out in this block. `late`: it is put into the page when the tab is first
    shown (assets/timbre.js presses the button), since a fresh page takes its time for every block."""
    with gr.Column(elem_id=f"tab-{tab_id}", elem_classes="timbre-panel"):
        if not late:
            yield
            return
        button = gr.Button("Show", elem_id=f"tab-{tab_id}-late", elem_classes="timbre-unseen", size="sm")
        with gr.Column(visible=False) as body:
            yield
    here: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    there = button.click(lambda: gr.Column(visible=True), None, [body], **here)
    # Only then is there a list to be filled.
    there.success(None, None, None, js=f"() => window.timbreFill({json.dumps(tab_id)}, 300)", **here)


def reveal(shown: bool, wanted: bool) -> tuple[Any, bool]:
    """Updates for a gr.Column that is hidden at first, and for the gr.State(False) which remembers
    whether it is shown; `shown` is the value of the latter.

    Gradio 6.17 can hide a block right after showing it where it was told to hide it before it was
    ever shown, so it is told only when something changes.
    """
    return (gr.skip() if shown == wanted else gr.Column(visible=wanted)), wanted


def on_ask(asked: Any, key: Any) -> tuple[Any, Any]:
    """Ask about the thing `key`, in a gr.Column that is hidden at first; `asked` is the one that is
    asked about already, in a gr.State that begins empty."""
    return reveal(bool(asked), True)[0], key


def on_answered(asked: Any) -> tuple[Any, Any]:
    """The question goes away."""
    return reveal(bool(asked), False)[0], None


def on_other(asked: Any, key: Any) -> tuple[Any, Any]:
    """Another thing is chosen, and the question about the one before goes away. Whoever is quick asks
    about the new one before this is heard; then it stays. Where nothing changes nothing is written, for by then
    it may have been answered, or asked."""
    return on_answered(asked) if asked and asked != key else (gr.skip(), gr.skip())


def anew(html: str) -> str:
    """`html` so that a gr.HTML puts it in place of what was there. Gradio 6.17 patches that instead, node
    by node, and what a script has made of one thing would stay with another."""
    if not html:
        return ""
    name = f"timbre-{zlib.crc32(html.encode()):08x}"  # a node of another name is not patched
    return f'<{name} class="timbre-anew">{html}</{name}>'


def showing(tab_id: str) -> str:
    """For an event's `js`: show the tab, then let the event go on with its inputs."""
    return f"(...inputs) => {{ window.timbreShow({json.dumps(tab_id)}); return inputs; }}"
