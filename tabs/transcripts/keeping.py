"""The transcripts that were kept: list, search, open again, annotate, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import gradio as gr

from studio.services.studio import Studio
from studio.services.transcripts import TranscriptRecord, TranscriptState
from tabs.edge import bind, owner_of
from tabs.frame import reveal
from tabs.speech.view import clock, line
from tabs.transcripts import editing
from tabs.transcripts.layout import TranscribeTab

PAGE_SIZE = 10


def wire(studio: Studio, tab: TranscribeTab, made: gr.events.Dependency) -> None:
    """Bind the handlers; `made` is the event after which there is a new transcript."""
    told: dict[str, Any] = {
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    asked = [tab.search, tab.shown, tab.offset]
    page = [tab.kept, tab.none_kept, tab.newer, tab.older, tab.offset]
    asking = [tab.sure, tab.sure_shown]

    # One event for all that starts the list anew: the last one wins, however fast people type.
    gr.on(
        [tab.refresh.click, tab.search.change, tab.shown.change],
        bind(on_list, studio, None),
        asked,
        page,
        trigger_mode="always_last",
        **told,
    )
    made.success(bind(on_list, studio, None), asked, page, **told)
    tab.older.click(bind(on_list, studio, 1), asked, page, **told)
    tab.newer.click(bind(on_list, studio, -1), asked, page, **told)
    opened = tab.kept.input(
        bind(editing.on_open, studio), [tab.result_shown, tab.kept], tab.opened, **told
    )
    opened.success(None, None, None, js="() => window.timbreReveal('transcribe-head')", **told)
    opened.success(lambda shown: reveal(shown, False), [tab.sure_shown], asking, **told)
    tab.save_note.click(bind(on_note, studio), [tab.shown, tab.note], None, **told)
    tab.delete.click(lambda shown: reveal(shown, True), [tab.sure_shown], asking, **told)
    tab.delete_no.click(lambda shown: reveal(shown, False), [tab.sure_shown], asking, **told)
    deleted = tab.delete_yes.click(
        bind(on_delete, studio),
        [tab.result_shown, tab.shown],
        [tab.result, tab.result_shown, tab.shown],
        **told,
    )
    deleted.success(bind(on_list, studio, 0), asked, page, **told)
    deleted.then(lambda shown: reveal(shown, False), [tab.sure_shown], asking, **told)


def on_list(
    studio: Studio, step: int | None, request: gr.Request, search: str, shown: str, offset: int
) -> tuple[Any, ...]:
    """A page of the transcripts; `step` pages on or back, None starts anew."""
    offset = 0 if step is None else max(0, offset + step * PAGE_SIZE)
    records = studio.transcripts.history.list(owner_of(request), search or "", PAGE_SIZE + 1, offset)
    more = len(records) > PAGE_SIZE
    found = [(_label(record), record.id) for record in records[:PAGE_SIZE]]
    empty = (
        "No transcript matches. Clear the search to see all."
        if search
        else "None yet. Give a recording above, and press Transcribe."
    )
    return (
        gr.Radio(choices=found, value=shown if shown in {id_ for _, id_ in found} else None),
        "" if found else line(empty),
        gr.Button(interactive=offset > 0),
        gr.Button(interactive=more),
        offset,
    )


def on_note(studio: Studio, request: gr.Request, transcript_id: str, note: str) -> None:
    studio.transcripts.history.set_note(transcript_id, owner_of(request), note or "")
    gr.Info("Saved.")


def on_delete(
    studio: Studio, request: gr.Request, result_shown: bool, transcript_id: str
) -> tuple[Any, ...]:
    """Delete the transcript that is open, and close it."""
    studio.transcripts.history.delete(transcript_id, owner_of(request))
    gr.Info("Deleted.")
    return *reveal(result_shown, False), ""


def _label(record: TranscriptRecord) -> str:
    when = datetime.fromtimestamp(record.created).strftime("%d %b %H:%M")
    text = " ".join(record.text.split())
    said = text if len(text) <= 60 else f"{text[:59]}…"
    ended = "" if record.status == TranscriptState.DONE.value else f" · {record.status}"
    note = f" · {record.note[:40]}" if record.note else ""
    length = clock(record.transcript.duration)
    return f"{when} · {record.name[:60]} · {said or 'nothing said'} · {length}{ended}{note}"
