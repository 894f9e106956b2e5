"""Which handler of the Checkpoints tab hears of what, and what it fills."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.services.studio import Studio
from tabs.checkpoints import choosing, keeping, making
from tabs.checkpoints.tab import ID, CheckpointsTab
from tabs.edge import bind

# What can fail goes through the queue, which shows its errors; all may watch at once.
_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}

#: The window's memory into the inputs of `choosing.on_show`.
_REMEMBERED = """(...given) => {
  given[0] = window.timbreRemembered('checkpoint-run');
  given[1] = window.timbreRemembered('checkpoint-epoch');
  return given;
}"""


def wire_choice(studio: Studio, tab: CheckpointsTab) -> None:
    """The list, the epochs, and what is laid over the curves."""
    tab.refresh.click(
        bind(choosing.on_show, studio),
        [*tab.remembered, tab.given["base"], *tab.now],
        [tab.given["base"], *tab.page, *tab.forms],
        js=_REMEMBERED,
        **_TOLD,
    )
    picked = tab.picked.change(
        bind(choosing.on_pick, studio), [tab.picked, *tab.now], [*tab.page, *tab.forms], **_TOLD
    )
    picked.success(None, None, None, js=f"() => window.timbreReveal('{ID}-head')", **_TOLD)
    tab.picked_epoch.change(
        bind(choosing.on_epoch, studio), [tab.picked_epoch, *tab.now], [*tab.page, *tab.forms], **_TOLD
    )
    tab.compared.input(bind(choosing.on_compare, studio), tab.now, tab.ticked, **_TOLD)
    tab.timer.tick(
        bind(choosing.on_tick, studio),
        [*tab.now, tab.seen],
        tab.ticked,
        trigger_mode="always_last",
        **_TOLD,
    )


def wire_making(studio: Studio, tab: CheckpointsTab) -> None:
    """What is made of a checkpoint, and those from elsewhere."""
    given = list(tab.given.values())
    tab.bring.click(bind(making.on_import, studio), [*given, *tab.now], [*given[:3], *tab.page], **_TOLD)
    for name, handler, inputs in (
        ("merge", making.on_merge, [tab.merge_name]),
        ("export", making.on_export, [tab.target]),
        ("zip", making.on_zip, []),
        ("stop", making.on_stop, []),
        ("stop-import", making.on_stop_import, []),
    ):
        tab.buttons[name].click(bind(handler, studio), [*inputs, *tab.now], tab.page, **_TOLD)


def wire_keeping(studio: Studio, tab: CheckpointsTab) -> None:
    """Names, notes, and what goes."""
    buttons = tab.buttons
    buttons["save"].click(
        bind(keeping.on_save, studio),
        [tab.name, tab.note, *tab.now],
        [*tab.page, *tab.forms],
        **_TOLD,
    )
    for name, handler in (
        ("delete-epoch", keeping.on_ask_epoch),
        ("delete-run", keeping.on_ask_run),
    ):
        buttons[name].click(
            bind(handler, studio), [tab.asked, tab.chosen, tab.epoch], tab.asking, **_TOLD
        )
    buttons["no"].click(keeping.on_no, [tab.asked], tab.asking, **_TOLD)
    gr.on(
        [tab.chosen.change, tab.epoch.change],
        keeping.on_other,
        [tab.asked, tab.chosen, tab.epoch],
        tab.asking,
        **_TOLD,
    )
    buttons["yes"].click(
        bind(keeping.on_delete, studio),
        [tab.asked, *tab.now],
        [*tab.asking, *tab.page, *tab.forms],
        **_TOLD,
    )
