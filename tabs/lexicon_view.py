"""What the Pronunciation tab shows, as HTML. Whatever people typed is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.services.lexicon import ImportReport
from studio.services.wording import Preview
from studio.text.pronunciation import Entry, Replacement
from tabs.speech.view import line

EXPORT = (
    '<p class="timbre-downloads"><span>Download the lexicon:</span>'
    '<a href="lexicon/export?format=csv" download>CSV</a>'
    '<a href="lexicon/export?format=pls" download>PLS</a></p>'
)

_MAX_REFUSED = 50
_HEADS = ("Word", "Language", "Respelling", "IPA", "Note")


def table(entries: Sequence[Entry], chosen: int, offset: int, total: int, search: str) -> str:
    """The entries of a page; a word in it chooses its entry (assets/transcribe.js)."""
    if not entries:
        empty = "No entry matches. Clear the search to see all." if search else ""
        return line(empty or "The lexicon is empty. Add a word that is said wrongly, and how to say it.")
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    rows = "".join(_row(entry, entry.id == chosen) for entry in entries)
    shown = f"{offset + 1:,} to {offset + len(entries):,} of {total:,} entries."
    return (
        f'<table class="timbre-table timbre-lexicon"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{line(shown)}"
    )


def caption(entry: Entry | None) -> str:
    """What the form is about."""
    return f"<p><b>{f'Change “{escape(entry.word)}”' if entry else 'A new entry'}</b></p>"


def plain(entry: Entry) -> str:
    """An entry in a few words, for a message, which takes HTML."""
    return escape(f"{entry.word}, said {entry.respelling or f'/{entry.ipa}/'}")


def report(done: ImportReport) -> str:
    """What became of a file's entries."""
    counts = f"{done.added} added, {done.replaced} replaced, {done.unchanged} unchanged"
    if done.refused:
        counts += f", {len(done.refused)} refused"
    items = "".join(
        f"<li>Line {refusal.line}: <b>{escape(refusal.word)}</b> {escape(refusal.reason)}</li>"
        for refusal in done.refused[:_MAX_REFUSED]
    )
    more = len(done.refused) - _MAX_REFUSED
    items += f"<li>and {more} more</li>" if more > 0 else ""
    refused = f'<ul class="timbre-list">{items}</ul>' if items else ""
    return f'<p class="timbre-line" role="status">{counts}.</p>{refused}'


def preview(said: Preview) -> str:
    """The text as the engine gets it, what was replaced marked, each with what was typed."""
    marked, position = "", 0
    for each in said.replacements:
        marked += escape(said.spoken[position : each.spoken_start])
        spoken = escape(said.spoken[each.spoken_start : each.spoken_end])
        marked += f'<mark title="{escape(each.original)}">{spoken}</mark>'
        position = each.spoken_end
    marked += escape(said.spoken[position:])
    rows = "".join(_replacement(each) for each in said.replacements)
    changes = f'<ul class="timbre-list">{rows}</ul>' if rows else line("Nothing is replaced.")
    notices = "".join(f'<p class="timbre-note">{escape(notice)}</p>' for notice in said.notices)
    return (
        f'<p class="timbre-lines timbre-said" role="status">{marked}</p>{changes}{notices}'
        f"{line(f'Language: {said.language}')}"
    )


def _replacement(each: Replacement) -> str:
    return f"<li>{escape(each.original)} → {escape(each.spoken)} ({escape(each.how)})</li>"


def _row(entry: Entry, chosen: bool) -> str:
    word = escape(entry.word) + (" (case counts)" if entry.case_sensitive else "")
    button = (
        f'<button type="button" class="timbre-pick" data-into="lexicon-picked"'
        f' data-value="{entry.id}">{word}</button>'
    )
    cells = "".join(
        f'<td data-head="{head}">{escape(value)}</td>'
        for head, value in zip(
            _HEADS[1:], (entry.language or "all", entry.respelling, entry.ipa, entry.note), strict=True
        )
    )
    current = ' class="timbre-chosen" aria-current="true"' if chosen else ""
    return f'<tr{current}><th scope="row">{button}</th>{cells}</tr>'
