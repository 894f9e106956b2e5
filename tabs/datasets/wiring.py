"""Which handler of the Data sets tab hears of what, and what it fills."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.services.studio import Studio
from tabs.datasets import choosing, exporting, making, overview, reviewing, settings_form
from tabs.datasets.settings_form import SettingsForm
from tabs.datasets.tab import ID, DatasetsTab
from tabs.edge import bind
from tabs.frame import on_answered, on_other

# What can fail goes through the queue, which shows its errors; all may watch at once.
_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
#: The same for what takes a moment.
_SLOW = _TOLD | {"show_progress": "minimal"}


def wire_list(studio: Studio, tab: DatasetsTab) -> None:
    """The list, the form of a new set, and the build of the chosen one."""
    tab.refresh.click(
        bind(choosing.on_show, studio),
        [tab.chosen, tab.remembered, *tab.shown],
        tab.everything,
        js="(...given) => { given[1] = window.timbreRemembered('dataset'); return given; }",
        **_TOLD,
    )
    picked = tab.picked.change(bind(choosing.on_pick, studio), [tab.picked], tab.everything, **_TOLD)
    picked.success(None, None, None, js=f"() => window.timbreReveal('{ID}-head')", **_TOLD)
    tab.timer.tick(
        bind(choosing.on_tick, studio),
        [tab.chosen, tab.seen, tab.ended],
        [*tab.work, tab.ended],
        trigger_mode="always_last",
        **_TOLD,
    )
    tab.ended.change(bind(choosing.again, studio), [tab.chosen, *tab.shown], tab.everything, **_TOLD)
    made = tab.create.click(
        bind(making.on_create, studio),
        [*tab.new.values(), *tab.new_settings.all],
        [*tab.new.values(), *tab.everything],
        **_SLOW,
    )
    made.success(None, None, None, js=f"() => window.timbreReveal('{ID}-head')", **_TOLD)
    tab.build.click(bind(making.on_build, studio), [tab.chosen], tab.page, **_TOLD)
    tab.stop.click(bind(making.on_stop, studio), [tab.chosen], tab.page, **_TOLD)
    for form in (tab.new_settings, tab.settings):
        _wire_models(studio, form)


def wire_overview(studio: Studio, tab: DatasetsTab) -> None:
    """The limits, tried and applied; and what the texts cover."""
    limits = list(tab.limits.values())
    # `input` and not `change`: what another set fills in is nobody's trying.
    gr.on(
        [limit.input for limit in limits],
        bind(overview.on_limits, studio),
        [tab.chosen, *limits],
        tab.prospect,
        trigger_mode="always_last",
        **_TOLD,
    )
    applied = tab.apply.click(bind(overview.on_apply, studio), [tab.chosen, *limits], None, **_TOLD)
    applied.success(bind(choosing.again, studio), [tab.chosen, *tab.shown], tab.everything, **_TOLD)
    tab.reset.click(bind(overview.on_reset, studio), [tab.chosen], [*limits, *tab.prospect], **_TOLD)
    tab.cover.click(bind(making.on_cover, studio), [tab.chosen], tab.coverage, **_SLOW)


def wire_review(studio: Studio, tab: DatasetsTab) -> None:
    """The table of segments."""
    filters = list(tab.filters.values())
    asked = [tab.chosen, tab.offset, *filters]
    gr.on(
        [each.input for each in filters],
        bind(reviewing.on_list, studio, 0),
        asked,
        tab.table,
        trigger_mode="always_last",
        **_TOLD,
    )
    for button, step in ((tab.next, 1), (tab.previous, -1)):
        button.click(bind(reviewing.on_list, studio, step), asked, tab.table, **_TOLD)
    tab.wanted.change(
        bind(reviewing.on_reason, studio), [tab.chosen, tab.wanted], [*filters, *tab.table], **_TOLD
    )
    acted = tab.acts.change(
        bind(reviewing.on_acts, studio),
        [tab.chosen, tab.acts, *tab.limits.values()],
        [tab.receipt, *tab.prospect, *_listed(tab)],
        **_TOLD,
    )
    acted.failure(None, None, None, js="() => window.timbreClipsFailed()", **_TOLD)
    _wire_many(tab, studio, filters)


def wire_keeping(studio: Studio, tab: DatasetsTab) -> None:
    """What is done with a set as a whole."""
    buttons = tab.buttons
    more = [tab.more_files, tab.more_paths]
    tab.add.click(bind(making.on_add, studio), [tab.chosen, *more], [*more, *tab.page], **_SLOW)
    tab.pressed.change(bind(making.on_remove, studio), [tab.chosen, tab.pressed], tab.page, **_TOLD)
    buttons["save"].click(
        bind(making.on_save, studio),
        [tab.chosen, tab.name, tab.note, *tab.settings.all],
        tab.everything,
        **_SLOW,
    )
    buttons["duplicate"].click(
        bind(making.on_duplicate, studio), [tab.chosen, tab.copy_name], tab.everything, **_SLOW
    )
    exported = buttons["export"].click(
        bind(exporting.on_export, studio), [tab.chosen, tab.format], None, **_TOLD
    )
    stopped = buttons["stop-export"].click(bind(exporting.on_stop, studio), None, None, **_TOLD)
    for done in (exported, stopped):
        done.success(
            bind(choosing.on_tick, studio),
            [tab.chosen, tab.seen, tab.ended],
            [*tab.work, tab.ended],
            **_TOLD,
        )
    column, asked = tab.asked["delete"]
    asking = [column, asked]
    buttons["delete"].click(
        bind(making.on_ask_delete, studio),
        [tab.chosen, asked],
        [column, tab.delete_question, asked],
        **_TOLD,
    )
    buttons["delete-no"].click(on_answered, [asked], asking, **_TOLD)
    tab.chosen.change(on_other, [asked, tab.chosen], asking, **_TOLD)
    buttons["delete-yes"].click(bind(making.on_delete, studio), [asked], tab.everything, **_TOLD)


def _wire_many(tab: DatasetsTab, studio: Studio, filters: list[Any]) -> None:
    """Decisions about several segments at once."""
    column, asked = tab.asked["many"]
    question = [column, tab.question, asked]
    decided = [*tab.table, *tab.prospect, *_listed(tab)]
    for name, button in tab.bulk.items():
        done = button.click(
            bind(reviewing.on_bulk, studio, name),
            [tab.chosen, tab.scope, asked, tab.selected, *filters],
            [*question, *decided],
            js="(...given) => { given[3] = window.timbreClipsTicked(); return given; }",
            **_TOLD,
        )
        done.success(None, None, None, js="() => window.timbreClipsDone()", **_TOLD)
    tab.buttons["many-yes"].click(
        bind(reviewing.on_bulk_yes, studio),
        [tab.chosen, asked, *filters],
        [*question, *decided],
        **_SLOW,
    )
    tab.buttons["many-no"].click(on_answered, [asked], [column, asked], **_TOLD)
    # Another set or another filter is not what was asked about.
    gr.on(
        [tab.chosen.change, *(each.input for each in filters)],
        on_answered,
        [asked],
        [column, asked],
        **_TOLD,
    )


def _wire_models(studio: Studio, form: SettingsForm) -> None:
    recognizer, model = form.fields["recognizer"], form.fields["recognizer_model"]
    recognizer.input(bind(settings_form.on_recognizer, studio), [recognizer], model, **_TOLD)


def _listed(tab: DatasetsTab) -> list[Any]:
    """In the order of `showing.listed`."""
    return [tab.entries, tab.damaged, tab.head]
