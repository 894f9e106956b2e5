"""Which handler of the Samples tab hears of what, and what it fills."""

from __future__ import annotations

from typing import Any

from studio.services.studio import Studio
from tabs.edge import bind
from tabs.samples import showing
from tabs.samples.tab import ID, SamplesTab

# What can fail goes through the queue, which shows its errors; all may watch at once.
_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}


def wire(studio: Studio, tab: SamplesTab) -> None:
    """All of it."""
    here = [tab.place, tab.seen]
    tab.refresh.click(
        bind(showing.on_show, studio),
        [*here, tab.remembered],
        tab.page,
        js="(...given) => { given[2] = window.timbreSamplesRemembered(); return given; }",
        **_TOLD,
    )
    picked = tab.picked.change(bind(showing.on_pick, studio), [*here, tab.picked], tab.page, **_TOLD)
    picked.success(None, None, None, js=f"() => window.timbreReveal('{ID}-head')", **_TOLD)
    tab.timer.tick(bind(showing.on_tick, studio), here, tab.page, **_TOLD)
    for button, step in ((tab.newer, -1), (tab.older, 1)):
        button.click(bind(showing.on_turn, studio, step), here, tab.page, **_TOLD)
    pressed = tab.pressed.change(bind(showing.on_press, studio), [*here, tab.pressed], tab.page, **_TOLD)
    pressed.failure(None, None, None, js="() => window.timbreTrialFailed()", **_TOLD)
