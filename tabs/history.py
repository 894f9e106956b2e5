"""History: every take, to hear again, keep, annotate, make again, export or delete."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

import gradio as gr

from studio.models.registry import MODELS
from studio.services.studio import Studio
from studio.services.takes import TakeRecord, TakeState
from tabs.edge import bind, for_the_page, owner_of
from tabs.frame import on_answered, on_ask, on_other
from tabs.speech import view
from tabs.voices import taking

LABEL = "History"
LATE = True
PAGE_SIZE = 20


@dataclass
class HistoryTab:
    chosen: gr.Radio
    reuse: gr.Button


def build(studio: Studio) -> HistoryTab:
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            with gr.Row():
                search = gr.Textbox(
                    label="Search text, voice and notes", max_lines=1, elem_id="history-search"
                )
                favourites = gr.Checkbox(
                    False, label="Favourites only", elem_id="history-favourites", min_width=120
                )
                rejected = gr.Checkbox(
                    False,
                    label="Show rejected parts",
                    info="Spoken again, because they could not be right.",
                    elem_id="history-rejected",
                    min_width=120,
                )
            empty = gr.HTML(_empty(""), elem_id="history-empty")
            chosen = gr.Radio([], label="Takes, the newest first", elem_id="history-takes")
            with gr.Row():
                # assets/timbre.js presses it whenever the tab is shown
                refresh = gr.Button("Refresh", size="sm", elem_id="history-refresh")
                newer = gr.Button("Newer", size="sm", elem_id="history-newer", interactive=False)
                older = gr.Button("Older", size="sm", elem_id="history-older", interactive=False)
        with gr.Column(scale=2, min_width=300):
            detail = gr.HTML(
                '<p class="timbre-line">Choose a take to hear it.</p>', elem_id="history-detail"
            )
            with gr.Group(visible=False) as actions:
                audio = gr.Audio(
                    label="Take",
                    type="filepath",
                    interactive=False,
                    elem_id="history-audio",
                    buttons=["download"],
                )
                links = gr.HTML("", elem_id="history-links")
                with gr.Row():
                    favourite = gr.Button("Favourite", elem_id="history-favourite")
                    reuse = gr.Button("Use these settings", elem_id="history-reuse")
                    delete = gr.Button("Delete", variant="stop", elem_id="history-delete")
                note = gr.Textbox(label="Note", lines=2, elem_id="history-note")
                save_note = gr.Button("Save the note", elem_id="history-save-note")
            with gr.Column(visible=False) as sure:
                gr.HTML('<p class="timbre-line">Delete this take and its file for good?</p>')
                with gr.Row():
                    delete_yes = gr.Button(
                        "Yes, delete it", variant="stop", elem_id="history-delete-yes"
                    )
                    delete_no = gr.Button("No, keep it", elem_id="history-delete-no")
            save_as = taking.lay_out_save_as("history")
            with gr.Accordion("Export several as a zip", open=False, elem_id="history-export"):
                several = gr.CheckboxGroup([], label="Takes of this page", elem_id="history-several")
                pack = gr.Button("Make the zip", elem_id="history-pack")
                archive = gr.File(label="Zip", interactive=False, elem_id="history-zip")
    offset, asked = gr.State(0), gr.State(None)

    quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    filters = [search, favourites, rejected]
    page = [chosen, several, empty, newer, older, offset]
    shown = [detail, audio, links, favourite, note, actions]

    def listing(trigger: Any, step: int | None) -> Any:
        return trigger(bind(on_list, studio, step), [*filters, offset], page, **quick)

    # One event for all that starts the list anew: the last one wins, however fast people type.
    gr.on(
        [refresh.click, search.change, favourites.change, rejected.change],
        bind(on_list, studio, None),
        [*filters, offset],
        page,
        trigger_mode="always_last",
        **quick,
    )
    listing(older.click, 1)
    listing(newer.click, -1)
    # One event shows one group: Gradio 6.17 freezes the browser when an event shows two.
    heard = chosen.change(bind(on_choose, studio), [chosen], shown, **quick)
    heard.success(None, None, None, js="() => window.timbreReveal('history-detail')", **quick)
    asking = [sure, asked]
    chosen.change(on_other, [asked, chosen], asking, **quick)
    toggled = favourite.click(bind(on_favourite, studio), [chosen], [detail, favourite], **quick)
    listing(toggled.success, 0)
    save_note.click(bind(on_note, studio), [chosen, note], [detail], **quick)
    delete.click(on_ask, [asked, chosen], asking, **quick)
    delete_no.click(on_answered, [asked], asking, **quick)
    deleted = delete_yes.click(bind(on_delete, studio), [asked], [chosen], **quick)
    listing(deleted.success, 0)
    taking.wire_save_as(studio, save_as, chosen)
    pack.click(bind(on_export, studio), [several], archive, api_visibility="private")
    return HistoryTab(chosen, reuse)


def on_list(
    studio: Studio,
    step: int | None,
    request: gr.Request,
    search: str,
    favourites: bool,
    rejected: bool,
    offset: int,
) -> tuple[Any, ...]:
    """A page of the history; `step` pages on or back, None starts anew."""
    offset = 0 if step is None else max(0, offset + step * PAGE_SIZE)
    records = studio.history.list(
        owner_of(request), search or "", favourites, PAGE_SIZE + 1, offset, rejected
    )
    more = len(records) > PAGE_SIZE
    choices = [(_label(record), record.id) for record in records[:PAGE_SIZE]]
    return (
        gr.Radio(choices=choices),
        gr.CheckboxGroup(choices=choices, value=[]),
        "" if choices else _empty(search or ("favourites" if favourites else "")),
        gr.Button(interactive=offset > 0),
        gr.Button(interactive=more),
        offset,
    )


def on_choose(studio: Studio, take_id: str | None, request: gr.Request) -> tuple[Any, ...]:
    """Show one take with its player and links."""
    if not take_id:
        nothing = '<p class="timbre-line">Choose a take to hear it.</p>'
        return nothing, None, "", gr.skip(), "", gr.Group(visible=False)
    record = studio.history.get(take_id, owner_of(request))
    return (
        _detail(record),
        for_the_page(studio, studio.history.path(record)),
        view.download_row(record.id, "Download"),
        _favourite_button(record),
        record.note,
        gr.Group(visible=True),
    )


def on_favourite(studio: Studio, take_id: str, request: gr.Request) -> tuple[str, Any]:
    owner = owner_of(request)
    record = studio.history.get(take_id, owner)
    studio.history.set_favourite(take_id, owner, not record.favourite)
    record = studio.history.get(take_id, owner)
    return _detail(record), _favourite_button(record)


def on_note(studio: Studio, take_id: str, note: str, request: gr.Request) -> str:
    owner = owner_of(request)
    studio.history.set_note(take_id, owner, note or "")
    gr.Info("Saved.")
    return _detail(studio.history.get(take_id, owner))


def on_delete(studio: Studio, take_id: str, request: gr.Request) -> None:
    studio.history.delete(take_id, owner_of(request))
    studio.speech.forget(take_id)
    gr.Info("Deleted.")


def on_export(studio: Studio, take_ids: Sequence[str], request: gr.Request) -> str | None:
    if not take_ids:
        gr.Info("Choose the takes first.")
        return None
    name = f"timbre_{datetime.now():%Y%m%d_%H%M%S}_{secrets.token_hex(3)}.zip"
    target = studio.workspace.gradio_temp / "exports" / name
    return str(studio.history.export(take_ids, owner_of(request), target))


def _label(record: TakeRecord) -> str:
    star = "★ " if record.favourite else ""
    text = record.text if len(record.text) <= 60 else record.text[:59] + "…"
    when = datetime.fromtimestamp(record.created).strftime("%d %b %H:%M")
    if record.status == TakeState.REJECTED.value:
        # At the front, where assets/timbre.css finds the word and mutes the row.
        return f"{_why_rejected(record)} {star}{when} · {text} · {view.clock(record.duration)}"
    ended = "" if record.status == TakeState.DONE.value else f" · {record.status}"
    return f"{star}{when} · {record.voice} · {text} · {view.clock(record.duration)}{ended}"


def _why_rejected(record: TakeRecord) -> str:
    """The guard's note, which people may have written over."""
    return record.note if record.note.startswith("Rejected: ") else "Rejected: see its note."


def _model_of(record: TakeRecord) -> str:
    key = str(record.settings.get("model") or "")
    return MODELS[key].label if key in MODELS else key


def _favourite_button(record: TakeRecord) -> Any:
    return gr.Button("★ Remove from favourites" if record.favourite else "☆ Favourite")


def _detail(record: TakeRecord) -> str:
    rows = {
        "Text": record.text if len(record.text) <= 600 else record.text[:599] + "…",
        "Voice": record.voice,
        "Engine": record.engine,
        "Model": _model_of(record),
        "Language": record.language,
        "Seed": str(record.seed),
        "Made": datetime.fromtimestamp(record.created).strftime("%Y-%m-%d %H:%M:%S"),
        "Length": view.clock(record.duration),
        "Real-time factor": f"{record.rtf:.3f}",
        "Ended": record.status,
        "Note": record.note,
    }
    cells = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in rows.items()
        if value
    )
    return f'<table class="timbre-table">{cells}</table>'


def _empty(search: str) -> str:
    if search:
        return '<p class="timbre-line">No take matches. Clear the search to see all.</p>'
    return '<p class="timbre-line">No takes yet. Generate one in Clone, Preset or Design.</p>'
