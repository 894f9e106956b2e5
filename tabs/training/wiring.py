"""Which handler of the Train tab hears of what, and what it fills."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.services.studio import Studio
from tabs.edge import bind
from tabs.training import following, planning
from tabs.training.tab import ID, TrainTab

# What can fail goes through the queue, which shows its errors; all may watch at once.
_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
#: The same for what takes a moment.
_SLOW = _TOLD | {"show_progress": "minimal"}


def wire_form(studio: Studio, tab: TrainTab) -> None:
    """A new run: what is proposed, and what it would take. `input` and not `change`: what a proposal
    fills in is nobody's wish."""
    choice = list(tab.choice.values())
    last: dict[str, Any] = {"trigger_mode": "always_last"}
    for name in ("dataset", "family", "method", "preset"):
        tab.choice[name].input(
            bind(planning.on_choice, studio, name), choice, tab.prospect, **last, **_TOLD
        )
    gr.on(
        [tab.choice["base"].input, *(field.input for field in tab.fields.values())],
        bind(planning.on_fields, studio),
        tab.asked,
        tab.outlook,
        **last,
        **_TOLD,
    )
    made = tab.create.click(
        bind(following.on_create, studio), [tab.name, *tab.asked], [tab.name, *tab.page], **_SLOW
    )
    made.success(None, None, None, js=f"() => window.timbreReveal('{ID}-head')", **_TOLD)


def wire_runs(studio: Studio, tab: TrainTab) -> None:
    """The list, and the run that is followed."""
    tab.refresh.click(
        bind(following.on_show, studio),
        [tab.chosen, tab.remembered, tab.history, *tab.asked],
        [*tab.page, *tab.prospect],
        js="(...given) => { given[1] = window.timbreRemembered('run'); return given; }",
        **_TOLD,
    )
    picked = tab.picked.change(bind(following.on_pick, studio), [tab.picked], tab.page, **_TOLD)
    picked.success(None, None, None, js=f"() => window.timbreReveal('{ID}-head')", **_TOLD)
    tab.timer.tick(
        bind(following.on_tick, studio), [tab.chosen, tab.history, tab.seen], tab.page[1:], **_TOLD
    )
    run = [tab.chosen, tab.history]
    tab.start.click(bind(following.on_start, studio), run, tab.page, **_TOLD)
    tab.stop.click(bind(following.on_stop, studio), run, tab.page, **_TOLD)
