"""Which handler of the Avatar tab hears of what, and what it fills."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.services.studio import Studio
from tabs.avatar import choosing, keeping, models, working
from tabs.avatar.tab import ID, TEXT, AvatarTab
from tabs.edge import bind
from tabs.speech import missing

# What can fail goes through the queue, which shows its errors; all may watch at once.
_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
#: The same for what takes a moment.
_SLOW = _TOLD | {"show_progress": "minimal"}

_REMEMBERED = f"(...given) => [...given.slice(0, -1), window.timbreRemembered('{ID}-video')]"
#: What is said is known to the window, which shows one of the two views.
_SAID = f"(...given) => {{ given[4] = window.timbreRemembered('{ID}-said-view') || '{TEXT}'; return given; }}"


def wire(studio: Studio, tab: AvatarTab) -> None:
    """All of it."""
    _wire_face(studio, tab)
    _wire_engines(studio, tab)
    _wire_making(studio, tab)
    _wire_videos(studio, tab)


def _wire_face(studio: Studio, tab: AvatarTab) -> None:
    tab.picked.change(
        bind(choosing.on_picked, studio), [tab.portrait, tab.picked], tab.portrayed, **_TOLD
    )
    for given, happens in ((tab.file, tab.file.upload), (tab.webcam, tab.webcam.input)):
        happens(bind(choosing.on_file, studio), [given], [*tab.portrayed, given], **_SLOW)


def _wire_engines(studio: Studio, tab: AvatarTab) -> None:
    fields = tab.fields
    engine, speech = fields["engine"], fields["speech_engine"]
    asked = [speech, fields["language"], fields["voice"]]
    # `input` and not `change`: what “Use these settings” fills is nobody's choosing.
    speech.input(
        bind(choosing.on_speech_engine, studio), asked, [fields["language"], fields["voice"]], **_TOLD
    )
    gr.on(
        [tab.refresh.click, fields["language"].input],
        bind(choosing.on_voices, studio),
        asked,
        fields["voice"],
        trigger_mode="always_last",
        **_TOLD,
    )
    speech.change(bind(models.on_speech_models, studio), [speech], tab.speech_models, **_TOLD)
    # One event shows one group: Gradio 6.17 freezes the browser when an event shows two.
    for group in tab.groups:
        engine.change(bind(models.on_group, group.engines), [engine], group.block, **_TOLD)
    missing.connect(
        studio,
        tab.missing,
        bind(models.on_models, studio),
        [
            tab.missing.shown,
            *(engine, fields["model"], speech, fields["speech_model"], fields["voice"]),
            tab.missing.which,
        ],
        [tab.lips_note, fields["model"], fields["speech_model"], tab.tags],
        [
            *(tab.refresh.click, engine.change, fields["model"].input),
            *(speech.change, fields["voice"].change),
        ],
    )


def _wire_making(studio: Studio, tab: AvatarTab) -> None:
    here = [tab.place, tab.search, tab.favourites]
    made = tab.make.click(
        bind(working.on_make, studio, list(tab.fields)),
        [*here, tab.portrait, tab.view, *tab.fields.values()],
        tab.work,
        js=_SAID,
        **_TOLD,
    )
    made.success(None, None, None, js=f"() => window.timbreReveal('{ID}-making')", **_TOLD)
    tab.stop.click(bind(working.on_stop, studio), [tab.place], None, **_TOLD)
    tab.timer.tick(bind(working.on_tick, studio), here, tab.work, **_TOLD)
    tab.refresh.click(
        bind(working.on_show, studio), [*here, tab.remembered], tab.work, js=_REMEMBERED, **_TOLD
    )


def _wire_videos(studio: Studio, tab: AvatarTab) -> None:
    here = [tab.place, tab.search, tab.favourites]
    pressed = tab.pressed.change(
        bind(keeping.on_press, studio), [*here, tab.pressed], tab.shown, **_TOLD
    )
    pressed.success(None, None, None, js="() => window.timbreVideoPressed()", **_TOLD)
    gr.on(
        [tab.search.change, tab.favourites.change],
        bind(keeping.on_search, studio),
        here,
        [tab.place, tab.entries],
        trigger_mode="always_last",
        **_TOLD,
    )
    tab.save_note.click(bind(keeping.on_note, studio), [*here, tab.note], tab.entries, **_TOLD)
    names = list(tab.fields)
    reused = tab.reuse.change(
        bind(choosing.on_reuse, studio, names),
        [tab.reuse],
        [*tab.portrayed, *tab.fields.values(), tab.view],
        **_SLOW,
    )
    reused.success(None, [tab.view], None, js="(view) => window.timbreReused(view)", **_TOLD)
