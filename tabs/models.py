"""Models: what is on this machine; fetch, check, load and remove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from engines import devices
from studio.services import downloads
from studio.services.studio import Studio
from tabs import model_events as events
from tabs.edge import bind
from tabs.frame import on_answered, on_ask, on_other

LABEL = "Models"
LATE = True

_TICK_S = 1.0

#: What people read of the number formats, by devices.DTYPES.
_PRECISIONS = {
    devices.AUTO: "Auto: what suits this machine",
    "float32": "float32: exact, takes most memory",
    "bfloat16": "bfloat16: half the memory",
    "float16": "float16: half the memory, for cards without bfloat16",
    "int8": "int8: 5 % error, for slow processors; nobody has listened yet",
}

_PROVIDERS = [("Auto: the first that answers", downloads.AUTO)] + [
    (label, key) for key, label in downloads.LABELS.items()
]


@dataclass
class _Tab:
    """The components that events fill, in the order of `events.on_show`."""

    summary: gr.HTML
    table: gr.HTML
    chosen: gr.Dropdown
    detail: gr.HTML = field(init=False)
    commands: list[gr.Textbox] = field(default_factory=list)  # Hugging Face, ModelScope
    buttons: dict[str, gr.Button] = field(default_factory=dict)  # by action
    timer: gr.Timer = field(init=False)

    @property
    def outputs(self) -> list[Any]:
        return [
            self.summary,
            self.table,
            self.detail,
            *self.commands,
            *self.buttons.values(),
            self.timer,
        ]


def build(studio: Studio) -> None:
    entries = [status.entry for status in studio.models.list()]
    summary = gr.HTML("", elem_id="models-summary", padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            table = gr.HTML("", elem_id="models-table", padding=False)
            with gr.Row():
                # assets/timbre.js presses it whenever the tab is shown
                refresh = gr.Button("Refresh", size="sm", elem_id="models-refresh")
                practice = gr.Button(
                    "Create practice models (random weights: noise)",
                    size="sm",
                    elem_id="models-practice",
                )
        with gr.Column(scale=2, min_width=300):
            chosen = gr.Dropdown(
                [(entry.label, entry.key) for entry in entries],
                value=entries[0].key,
                label="Chosen model",
                elem_id="models-chosen",
            )
            tab = _Tab(summary, table, chosen)
            tab.detail = gr.HTML("", elem_id="models-detail", padding=False)
            with gr.Column(visible=False) as consent:
                accepted = gr.Checkbox(
                    False, label="I have read the licence and accept it", elem_id="models-accept"
                )
            provider = gr.Dropdown(
                _PROVIDERS, value=downloads.AUTO, label="Download from", elem_id="models-provider"
            )
            _row(
                tab,
                download=("Download", "primary"),
                cancel=("Cancel the download", "stop"),
            )
            precision = gr.Dropdown(
                [(said, name) for name, said in _PRECISIONS.items()],
                value=studio.settings.dtype,
                label="Number format",
                elem_id="models-precision",
            )
            _row(tab, load=("Load now", "secondary"), unload=("Unload", "secondary"))
            _row(
                tab,
                validate=("Check the files", "secondary"),
                folder=("Copy the folder's path", "secondary"),
                delete=("Delete", "stop"),
            )
            with gr.Column(visible=False, elem_id="models-sure") as sure:
                gr.HTML('<p class="timbre-line">Delete this model and its files for good?</p>')
                with gr.Row():
                    delete_yes = gr.Button("Yes, delete it", variant="stop", elem_id="models-delete-yes")
                    delete_no = gr.Button("No, keep it", elem_id="models-delete-no")
            with gr.Accordion("Do it by hand", open=False, elem_id="models-by-hand"):
                for hub in downloads.LABELS.values():
                    tab.commands.append(
                        gr.Textbox(
                            label=f"From {hub}, in a terminal",
                            interactive=False,
                            lines=2,
                            buttons=["copy"],
                        )
                    )
    consent_shown, sure_shown = gr.State(False), gr.State("")
    picked = gr.Textbox(label="Picked", elem_id="models-picked", elem_classes="timbre-unseen")
    tab.timer = gr.Timer(_TICK_S, active=False)

    # What can fail goes through the queue, which shows its errors; all may watch at once.
    told: dict[str, Any] = {"concurrency_limit": None, "api_visibility": "private"}
    quiet = told | {"show_progress": "hidden"}

    def show_after(done: Any) -> None:
        done.success(bind(events.on_show, studio), [chosen], tab.outputs, **quiet)

    def action(name: str, handler: Callable[..., None], *inputs: Any) -> None:
        done = tab.buttons[name].click(bind(handler, studio), [chosen, *inputs], None, **told)
        show_after(done)

    gr.on(
        [refresh.click, chosen.change, tab.timer.tick],
        bind(events.on_show, studio),
        [chosen],
        tab.outputs,
        trigger_mode="always_last",
        **quiet,
    )
    picked.change(lambda key: key or gr.skip(), [picked], chosen, **quiet)
    asking = [sure, sure_shown]
    # One event shows one group: Gradio 6.17 freezes the browser when an event shows two.
    gr.on(
        [refresh.click, chosen.change],
        bind(events.on_consent, studio),
        [consent_shown, chosen],
        [consent, consent_shown],
        trigger_mode="always_last",
        **quiet,
    )
    chosen.change(lambda: False, None, accepted, **quiet)
    chosen.change(on_other, [sure_shown, chosen], asking, **quiet)
    action("download", events.on_download, provider, accepted)
    action("cancel", events.on_cancel)
    action("load", events.on_load, precision)
    action("unload", events.on_unload)
    action("validate", events.on_validate)
    tab.buttons["folder"].click(bind(events.on_folder, studio), [chosen], None, **told)
    tab.buttons["folder"].click(
        None,
        None,
        None,
        js="() => { window.timbreCopy(document.getElementById('models-where')?.textContent || ''); }",
        **quiet,
    )
    tab.buttons["delete"].click(on_ask, [sure_shown, chosen], asking, **quiet)
    delete_no.click(on_answered, [sure_shown], asking, **quiet)
    deleted = delete_yes.click(bind(events.on_delete, studio), [chosen], None, **told)
    show_after(deleted)
    deleted.then(on_answered, [sure_shown], asking, **quiet)
    made = practice.click(bind(events.on_practice, studio), None, None, **told)
    show_after(made)


def _row(tab: _Tab, **buttons: tuple[str, str]) -> None:
    """A row of buttons by action: label and variant."""
    with gr.Row():
        for name, (label, variant) in buttons.items():
            tab.buttons[name] = gr.Button(
                label,
                variant=variant,  # type: ignore[arg-type]
                size="sm",
                min_width=110,
                interactive=False,
                elem_id=f"models-{name}",
            )
