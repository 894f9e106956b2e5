"""What happens in the Pronunciation tab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import BadInput
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, SpeechOrder
from studio.text.pronunciation import Entry
from tabs import lexicon_view as view
from tabs.edge import picked_number, refuse_visitors
from tabs.speech import choices

PAGE_SIZE = 50

#: What the form holds of an entry, in its order.
FIELDS = ("word", "language", "respelling", "ipa", "case_sensitive", "note")


def on_list(studio: Studio, step: int, search: str, chosen: int, offset: int) -> tuple[Any, ...]:
    """A page of the entries, `step` pages on or back."""
    found = studio.lexicon.search(search or "")
    offset = max(0, offset + step * PAGE_SIZE)
    if offset >= len(found):
        offset = 0
    return (
        view.table(found[offset : offset + PAGE_SIZE], chosen, offset, len(found), search or ""),
        gr.Button(interactive=offset > 0),
        gr.Button(interactive=offset + PAGE_SIZE < len(found)),
        offset,
    )


def on_choose(studio: Studio, picked: str) -> list[Any]:
    """An entry of the table into the form."""
    return _form(studio.lexicon.get(picked_number(picked)))


def on_new() -> list[Any]:
    """The empty form."""
    return _form(None)


def on_save(studio: Studio, request: gr.Request, chosen: int, *values: Any) -> list[Any]:
    """Add the entry in the form, or change the chosen one into it."""
    refuse_visitors(request, "the lexicon")
    given = dict(zip(FIELDS, values, strict=True))
    entry = Entry(
        given["word"] or "",
        given["language"] or "",
        given["respelling"] or "",
        given["ipa"] or "",
        bool(given["case_sensitive"]),
        given["note"] or "",
    )
    if chosen:
        entry = studio.lexicon.update(chosen, entry)
        gr.Info(f"Changed: {view.plain(entry)}")
        return _form(entry)
    entry = studio.lexicon.add(entry)
    gr.Info(f"Added: {view.plain(entry)}")
    return _form(None)


def on_delete(studio: Studio, request: gr.Request, chosen: int) -> list[Any]:
    """Delete the chosen entry; the form is empty again."""
    refuse_visitors(request, "the lexicon")
    studio.lexicon.delete(chosen)
    return _form(None)


def on_import(studio: Studio, request: gr.Request, file: str | None) -> str:
    """Take over a file, and say what became of each of its entries."""
    refuse_visitors(request, "the lexicon")
    if not file:
        raise BadInput("There is no file.", "Choose a .csv or a .pls file first.")
    return view.report(studio.lexicon.import_file(Path(file)))


def on_engine(studio: Studio, engine: str, language: str) -> Any:
    """Another engine: its languages."""
    known = choices.languages(studio.engines.registry.get(engine).info)
    kept = language if language in {code for _, code in known} else AUTO_LANGUAGE
    return gr.Dropdown(choices=known, value=kept)


def on_preview(studio: Studio, text: str, engine: str, language: str) -> str:
    """What the engine would be given for the text."""
    order = SpeechOrder(Capability.PRESET, text or "", engine, language=language or AUTO_LANGUAGE)
    return view.preview(studio.speech.preview(order))


def _form(entry: Entry | None) -> list[Any]:
    values = [getattr(entry, name) for name in FIELDS] if entry else ["", "", "", "", False, ""]
    return [
        entry.id if entry else 0,
        *values,
        view.caption(entry),
        gr.Button("Save the change (Ctrl+Enter)" if entry else "Add (Ctrl+Enter)"),
        gr.Button(interactive=entry is not None),
    ]
