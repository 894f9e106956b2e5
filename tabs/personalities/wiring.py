"""Which handler of the Personalities tab hears of what, and what it fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.errors import BadInput
from studio.services.studio import Studio
from tabs.edge import bind
from tabs.frame import on_answered, on_ask, on_other, reveal
from tabs.personalities import emotions, keeping, making, performing, showing, working
from tabs.personalities.files import pressed
from tabs.personalities.new_layout import ID
from tabs.personalities.tab import PersonalitiesTab
from tabs.personalities.wanted import TABLE

# What can fail goes through the queue, which shows its errors; all may watch at once.
_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
#: The same for what takes a moment.
_SLOW = _TOLD | {"show_progress": "minimal"}

_VIEW = "() => {{ window.timbreView('{view}'); }}"


def wire_list(studio: Studio, tab: PersonalitiesTab) -> None:
    """The list, and everything that follows the chosen one."""
    both = [*tab.page, *tab.forms]
    now = [tab.search, tab.chosen, tab.tag, tab.performance, tab.building, tab.seen]
    remembered = "window.timbreRemembered('personality') + ' ' + window.timbreRemembered('performance')"
    tab.refresh.click(
        lambda shown: reveal(shown, True), [tab.body_shown], [tab.body, tab.body_shown], **_TOLD
    )
    tab.refresh.click(
        bind(showing.on_show, studio),
        [*now, tab.remembered],
        tab.shown,
        js=f"(...given) => [...given.slice(0, -1), {remembered}]",
        **_TOLD,
    )
    tab.refresh.click(
        bind(making.on_voices, studio),
        [tab.new.recording["voice"]],
        tab.new.recording["voice"],
        **_TOLD,
    )
    tab.timer.tick(bind(showing.on_tick, studio), now, tab.shown, trigger_mode="always_last", **_TOLD)
    tab.search.change(
        bind(showing.on_search, studio),
        [tab.search, tab.chosen],
        tab.entries,
        trigger_mode="always_last",
        **_TOLD,
    )
    picked = tab.picked.change(bind(showing.on_pick, studio), [tab.picked, tab.search], both, **_TOLD)
    picked.success(None, None, None, js=f"() => window.timbreReveal('{ID}-head')", **_TOLD)
    tab.import_.click(
        bind(keeping.on_import, studio),
        [tab.zip, *tab.import_consent.all],
        [tab.zip, *tab.import_consent.all, tab.search, *both],
        **_SLOW,
    )


def wire_emotions(studio: Studio, tab: PersonalitiesTab) -> None:
    """The table and the form of emotions."""
    both = [*tab.page, *tab.emotion_form]
    buttons, fields = tab.buttons, tab.emotion
    opened = tab.picked_emotion.change(
        bind(emotions.on_open, studio), [tab.chosen, tab.picked_emotion, tab.search], both, **_TOLD
    )
    opened.success(None, None, None, js=f"() => window.timbreReveal('{ID}-caption')", **_TOLD)
    buttons["add"].click(bind(emotions.on_new, studio), [tab.chosen, tab.search], both, **_TOLD)
    buttons["save"].click(
        bind(emotions.on_save, studio),
        [tab.search, tab.chosen, tab.tag, *fields.values()],
        both,
        **_SLOW,
    )
    sound = [tab.chosen, tab.tag, fields["audio"]]
    buttons["transcribe"].click(
        bind(emotions.on_transcribe, studio), sound, fields["transcript"], **_SLOW
    )
    buttons["check"].click(
        bind(emotions.on_check, studio), [*sound, fields["transcript"]], tab.report, **_SLOW
    )
    tab.compare.click(bind(emotions.on_compare, studio), [tab.chosen], tab.audit, **_SLOW)
    _wire_question(
        tab, "remove", tab.tag, bind(emotions.on_remove, studio), [tab.chosen, tab.search], both
    )


def wire_keeping(studio: Studio, tab: PersonalitiesTab) -> None:
    """What is done with a personality as a whole."""
    both = [*tab.page, *tab.forms]
    buttons, asked = tab.buttons, [tab.search, tab.chosen]
    buttons["change"].click(
        bind(keeping.on_change, studio), [*asked, *tab.facts.values()], tab.page, **_TOLD
    )
    buttons["duplicate"].click(
        bind(keeping.on_duplicate, studio), [*asked, tab.copy_name], both, **_TOLD
    )
    exported = buttons["export"].click(
        bind(keeping.on_export, studio), [tab.chosen], tab.exported, **_SLOW
    )
    exported.success(None, None, None, js=pressed(f"{ID}-exported"), **_TOLD)
    _wire_question(tab, "delete", tab.chosen, bind(keeping.on_delete, studio), [tab.search], both)


def wire_making(studio: Studio, tab: PersonalitiesTab) -> None:
    """The view that makes a new one."""
    new, fields = tab.new, tab.new.recording
    fields["voice"].input(
        bind(making.on_voice, studio),
        [fields["voice"]],
        [fields["language"], fields["audio"], fields["transcript"], *new.consent.all],
        **_TOLD,
    )
    fields["audio"].change(
        bind(making.on_audio, studio),
        [fields["audio"]],
        [new.wave, new.smart["own_start"], new.smart["own_end"], new.report],
        **_TOLD,
    )
    gathered = f"(...given) => [...given.slice(0, -1), window.timbreWanted('{TABLE}')]"
    fields["language"].change(
        bind(making.on_language),
        [fields["language"], new.gathered],
        new.emotions,
        js=gathered,
        trigger_mode="always_last",
        **_TOLD,
    )
    new.transcribe.click(
        bind(making.on_transcribe, studio), [fields["audio"]], fields["transcript"], **_SLOW
    )
    new.check.click(
        bind(making.on_check, studio),
        [fields["audio"], fields["transcript"], fields["language"]],
        new.report,
        **_SLOW,
    )
    made = new.create.click(
        bind(making.on_create, studio, list(fields)),
        [tab.search, *new.inputs],
        [*tab.page, *tab.forms],
        **_SLOW,
    )
    made.success(None, None, None, js=_VIEW.format(view="emotions"), **_TOLD)
    new.smart["engine"].input(
        bind(making.on_engine, studio), [new.smart["engine"]], new.smart["model"], **_TOLD
    )
    inputs = [tab.performance, tab.seen, *new.inputs, *new.smart.values(), new.gathered]
    new.build.click(
        bind(making.on_build, studio, list(fields), list(new.smart)),
        inputs,
        [*tab.work, tab.building],
        js=gathered,
        **_TOLD,
    )
    new.stop.click(bind(making.on_stop, studio), None, None, **_TOLD)


def wire_player(studio: Studio, tab: PersonalitiesTab) -> None:
    """The text, and its parts."""
    fields = tab.player
    # `input` and not `change`: what “Use these settings” fills is nobody's choosing.
    fields["engine"].input(
        bind(performing.on_engine, studio),
        [fields["engine"], fields["language"], fields["model"]],
        [fields["model"], fields["language"]],
        **_TOLD,
    )
    tab.speak.click(
        bind(performing.on_speak, studio),
        [tab.chosen, tab.seen, *fields.values()],
        tab.work,
        **_TOLD,
    )
    tab.stop.click(bind(performing.on_stop, studio), None, None, **_TOLD)
    tab.acted.change(
        bind(on_act, studio),
        [tab.acted, tab.search, tab.chosen, tab.tag, tab.performance, tab.seen],
        [*tab.page, *tab.work, tab.building],
        **_TOLD,
    )
    packed = tab.pack.click(bind(performing.on_pack, studio), [tab.performance], tab.archive, **_SLOW)
    packed.success(None, None, None, js=pressed(f"{ID}-archive"), **_TOLD)


def on_act(
    studio: Studio,
    request: gr.Request,
    acted: str,
    search: str,
    chosen: str,
    tag: str,
    performance: str,
    seen: str,
) -> list[Any]:
    """What a button in the page's own HTML asks for: its words, then the number of presses."""
    building: Any = gr.skip()
    match (acted or "").split()[:-1]:
        case ["resume"]:
            building = making.resume(studio, request, chosen)
        case ["settle"]:
            making.settle(studio, request, chosen)
        case ["again", index] if index.isdecimal():
            performing.again(studio, request, performance, int(index))
        case ["choose", index, seed] if index.isdecimal() and seed.isdecimal():
            performing.choose(studio, request, performance, int(index), int(seed))
        case _:
            raise BadInput("That is nothing this page can do.", "Reload the page.")
    personality = showing.found(studio, request, chosen)
    return [
        *showing.page(studio, request, personality, search, tag),
        *working.now(studio, request, performance, seen, anew=True),
        building,
    ]


def _wire_question(
    tab: PersonalitiesTab,
    name: str,
    about: Any,
    handler: Callable[..., Any],
    before: list[Any],
    outputs: list[Any],
) -> None:
    """Ask before `handler` does it to the thing that the state `about` names, the one that was asked
    about. It gets `before` and that, in the order of its arguments."""
    column, asked = tab.asked[name]
    asking = [column, asked]
    tab.buttons[name].click(on_ask, [asked, about], asking, **_TOLD)
    tab.buttons[f"{name}-no"].click(on_answered, [asked], asking, **_TOLD)
    about.change(on_other, [asked, about], asking, **_TOLD)
    tab.buttons[f"{name}-yes"].click(handler, [*before, asked], outputs, **_TOLD)
