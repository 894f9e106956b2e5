"""Pronunciation: the lexicon as a table, and what will be said for a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from tabs import lexicon_events as events
from tabs import lexicon_view as view
from tabs.edge import bind
from tabs.frame import on_answered, on_ask, on_other
from tabs.speech import choices

LABEL = "Pronunciation"
LATE = True


@dataclass
class _Tab:
    """The components that events fill."""

    search: gr.Textbox = field(init=False)
    table: gr.HTML = field(init=False)
    newer: gr.Button = field(init=False)
    older: gr.Button = field(init=False)
    refresh: gr.Button = field(init=False)
    fields: list[Any] = field(default_factory=list)  # of an entry, in the order of events.FIELDS
    caption: gr.HTML = field(init=False)
    save: gr.Button = field(init=False)
    new: gr.Button = field(init=False)
    delete: gr.Button = field(init=False)


def build(studio: Studio) -> None:
    tab = _Tab()
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            _list(tab)
        with gr.Column(scale=2, min_width=300):
            _form(tab)
            with gr.Column(visible=False, elem_id="lexicon-sure") as sure:
                gr.HTML('<p class="timbre-line">Delete this entry for good?</p>')
                with gr.Row():
                    delete_yes = gr.Button(
                        "Yes, delete it", variant="stop", size="sm", elem_id="lexicon-delete-yes"
                    )
                    delete_no = gr.Button("No, keep it", size="sm", elem_id="lexicon-delete-no")
            _files(studio)
    _preview(studio)
    picked = gr.Textbox("", label="Picked", elem_id="lexicon-picked", elem_classes="timbre-unseen")
    chosen, offset, asking_of = gr.State(0), gr.State(0), gr.State(None)

    # What can fail goes through the queue, which shows its errors; all may watch at once.
    told: dict[str, Any] = {
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    asked, page = [tab.search, chosen, offset], [tab.table, tab.newer, tab.older, offset]
    entry = [chosen, *tab.fields, tab.caption, tab.save, tab.delete]

    gr.on(
        [tab.refresh.click, tab.search.change, chosen.change],
        bind(events.on_list, studio, 0),
        asked,
        page,
        trigger_mode="always_last",
        **told,
    )
    tab.older.click(bind(events.on_list, studio, 1), asked, page, **told)
    tab.newer.click(bind(events.on_list, studio, -1), asked, page, **told)
    came = picked.change(bind(events.on_choose, studio), [picked], entry, **told)
    came.success(None, None, None, js="() => window.timbreReveal('lexicon-form')", **told)
    tab.new.click(bind(events.on_new), None, entry, **told)
    saved = tab.save.click(bind(events.on_save, studio), [chosen, *tab.fields], entry, **told)
    saved.success(bind(events.on_list, studio, 0), asked, page, **told)
    asking = [sure, asking_of]
    tab.delete.click(on_ask, [asking_of, chosen], asking, **told)
    delete_no.click(on_answered, [asking_of], asking, **told)
    chosen.change(on_other, [asking_of, chosen], asking, **told)
    deleted = delete_yes.click(bind(events.on_delete, studio), [asking_of], entry, **told)
    deleted.success(bind(events.on_list, studio, 0), asked, page, **told)


def _list(tab: _Tab) -> None:
    tab.search = gr.Textbox(label="Search", max_lines=1, elem_id="lexicon-search")
    tab.table = gr.HTML("", elem_id="lexicon-table", padding=False)
    with gr.Row():
        # assets/timbre.js presses it whenever the tab is shown
        tab.refresh = gr.Button("Refresh", size="sm", elem_id="lexicon-refresh", min_width=90)
        tab.newer = gr.Button(
            "Previous page", size="sm", interactive=False, min_width=90, elem_id="lexicon-newer"
        )
        tab.older = gr.Button(
            "Next page", size="sm", interactive=False, min_width=90, elem_id="lexicon-older"
        )


def _form(tab: _Tab) -> None:
    with gr.Column(elem_id="lexicon-form", elem_classes="timbre-enter-scope"):
        tab.caption = gr.HTML(view.caption(None), elem_id="lexicon-caption", padding=False)
        with gr.Row():
            word = gr.Textbox(label="Word or phrase", max_lines=1, min_width=150, elem_id="lexicon-word")
            language = gr.Textbox(
                label="Language",
                placeholder="all; or de, en-us, …",
                max_lines=1,
                min_width=180,
                elem_id="lexicon-language",
            )
        with gr.Row():
            respelling = gr.Textbox(
                label="Respelling",
                info="Written as it sounds.",
                max_lines=1,
                min_width=150,
                elem_id="lexicon-respelling",
            )
            ipa = gr.Textbox(
                label="IPA",
                info="For engines that take it.",
                max_lines=1,
                min_width=110,
                elem_id="lexicon-ipa",
            )
        case = gr.Checkbox(False, label="Only in this very case (US, not us)", elem_id="lexicon-case")
        note = gr.Textbox(label="Note", max_lines=2, elem_id="lexicon-note")
        tab.fields = [word, language, respelling, ipa, case, note]
        with gr.Row():
            tab.save = gr.Button(
                "Add (Ctrl+Enter)",
                variant="primary",
                size="sm",
                min_width=110,
                elem_id="lexicon-save",
                elem_classes="timbre-enter",
            )
            tab.new = gr.Button("New entry", size="sm", min_width=90, elem_id="lexicon-new")
            tab.delete = gr.Button(
                "Delete",
                variant="stop",
                size="sm",
                min_width=90,
                interactive=False,
                elem_id="lexicon-delete",
            )


def _files(studio: Studio) -> None:
    with gr.Accordion("Import and export", open=False, elem_id="lexicon-files"):
        gr.HTML(view.EXPORT, padding=False)
        file = gr.File(
            label="A CSV or PLS file to import",
            file_types=[".csv", ".tsv", ".txt", ".pls", ".xml"],
            type="filepath",
            height=110,
            elem_id="lexicon-file",
        )
        take = gr.Button("Import it", size="sm", elem_id="lexicon-import")
        report = gr.HTML("", elem_id="lexicon-report", padding=False)
    imported = take.click(
        bind(events.on_import, studio),
        [file],
        report,
        concurrency_limit=None,
        api_visibility="private",
    )
    imported.success(
        None, None, None, js="() => document.getElementById('lexicon-refresh')?.click()",
        api_visibility="private",
    )  # fmt: skip


def _preview(studio: Studio) -> None:
    infos = [info for info in studio.engines.registry.infos() if Capability.PRESET in info.capabilities]
    wanted = studio.settings.default_engine
    first = next((info for info in infos if info.id == wanted), infos[0])
    with gr.Column(elem_id="lexicon-try", elem_classes="timbre-enter-scope"):
        gr.HTML("<h3>Try it</h3>", padding=False)
        text = gr.Textbox(
            label="Text",
            lines=2,
            max_lines=8,
            placeholder="Type a text with words of the lexicon.",
            elem_id="lexicon-text",
        )
        with gr.Row(equal_height=True):
            engine = gr.Dropdown(
                [(info.label, info.id) for info in infos],
                value=first.id,
                label="Engine",
                min_width=150,
                elem_id="lexicon-engine",
            )
            language = gr.Dropdown(
                choices.languages(first),
                value=AUTO_LANGUAGE,
                label="Language",
                min_width=150,
                elem_id="lexicon-spoken",
            )
        show = gr.Button(
            "Show what will be said (Ctrl+Enter)",
            variant="primary",
            size="sm",
            elem_id="lexicon-show",
            elem_classes="timbre-enter",
        )
        said = gr.HTML("", elem_id="lexicon-said", padding=False)
    engine.change(
        bind(events.on_engine, studio),
        [engine, language],
        language,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    show.click(
        bind(events.on_preview, studio),
        [text, engine, language],
        said,
        concurrency_limit=None,
        api_visibility="private",
    )
