"""The transcript that is open: its text, and its segments to be corrected."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import gradio as gr

from engines.recognition import Segment
from studio.errors import BadInput
from studio.services import transcript_editing
from studio.services.studio import Studio
from studio.services.transcripts import TranscriptRecord
from studio.text.transcripts import to_dict
from tabs.edge import bind, owner_of, picked_number
from tabs.frame import reveal
from tabs.transcripts import view
from tabs.transcripts.layout import TranscribeTab

Segments = tuple[Segment, ...]

#: What a button does: from the segments, the chosen one and what the page tells with it (such as the
#: cursor's place) to new segments and the one to be chosen then.
Action = Callable[[Segments, int, str, str], tuple[Segments, int]]


def wire(studio: Studio, tab: TranscribeTab) -> None:
    """Bind the handlers of the editor."""
    told: dict[str, Any] = {
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    open_ = [tab.shown, tab.place, tab.stamp, tab.segment_text]

    def act(trigger: Any, action: Action, told_by: Any, js: str | None = None) -> None:
        trigger(bind(on_edit, studio, action), [*open_, told_by], tab.edited, js=js, **told)

    buttons = tab.buttons
    act(tab.picked.change, go, tab.picked)
    act(buttons["previous"].click, back, tab.cursor)
    act(buttons["next"].click, forward, tab.cursor)
    act(buttons["save"].click, save, tab.cursor)
    act(buttons["merge"].click, merge, tab.cursor)
    act(
        buttons["split"].click,
        split,
        tab.cursor,
        "(...given) => [...given.slice(0, -1), window.timbreCursor('transcribe-segment-text')]",
    )
    buttons["play"].click(
        None, None, None, js="() => { window.timbrePlay('transcribe-segment'); }", **told
    )
    tab.save_text.click(bind(on_save_text, studio), [tab.shown, tab.text], [tab.text, tab.head], **told)
    tab.from_segments.click(bind(on_from_segments, studio), [tab.shown], [tab.text, tab.head], **told)


def on_open(studio: Studio, request: gr.Request, result_shown: bool, transcript_id: str) -> list[Any]:
    """Show a transcript of the history; "" leaves everything as it is."""
    if not transcript_id:
        return [gr.skip()] * 16
    record = studio.transcripts.history.get(transcript_id, owner_of(request))
    return [
        *reveal(result_shown, True),
        record.id,
        view.head(record),
        record.raw_text,
        view.downloads(record),
        record.note,
        *edited(record, 0),
    ]


def edited(record: TranscriptRecord, place: int) -> list[Any]:
    """What an edit changes on the page, with segment number `place` chosen."""
    known = record.transcript.segments
    place = max(0, min(place, len(known) - 1))
    return [
        place,
        stamp(known),
        record.text,
        view.segments(known, place),
        view.segment(record.id, known, place),
        known[place].text if known else "",
        gr.Button(interactive=place > 0),
        gr.Button(interactive=place + 1 < len(known)),
        gr.Button(interactive=place + 1 < len(known)),
    ]


def on_edit(
    studio: Studio,
    action: Action,
    request: gr.Request,
    transcript_id: str,
    place: int,
    seen: str,
    text: str,
    told: str,
) -> list[Any]:
    """Do `action` and keep the result. What was typed into the chosen segment is kept with every
    action, as in a spreadsheet. Raises BadInput where another window has changed the segments."""
    owner = owner_of(request)
    record = studio.transcripts.history.get(transcript_id, owner)
    before = record.transcript.segments
    if stamp(before) != seen:
        raise BadInput(
            "The segments were changed in another window.", "Open the transcript again to see how."
        )
    segments, place = action(before, place, text or "", told or "")
    if segments != before:
        # A text that was corrected by itself stays; else it follows the segments.
        own = None if follows(record) else record.text
        record = studio.transcripts.history.update(transcript_id, owner, segments, own)
    return edited(record, place)


def go(segments: Segments, place: int, text: str, told: str) -> tuple[Segments, int]:
    """Choose the segment whose number the page tells."""
    number = picked_number(told)
    if not 0 <= number < len(segments):
        raise BadInput("There is no such segment.", "Choose one of the list.")
    return _typed(segments, place, text), number


def back(segments: Segments, place: int, text: str, told: str) -> tuple[Segments, int]:
    return _typed(segments, place, text), place - 1


def forward(segments: Segments, place: int, text: str, told: str) -> tuple[Segments, int]:
    return _typed(segments, place, text), place + 1


def save(segments: Segments, place: int, text: str, told: str) -> tuple[Segments, int]:
    """Keep the text; an empty one removes the segment."""
    return transcript_editing.with_text(segments, place, text), place


def split(segments: Segments, place: int, text: str, told: str) -> tuple[Segments, int]:
    """Two of one at the cursor; the second is chosen."""
    typed = _typed(segments, place, text)
    return transcript_editing.split_at_character(typed, place, character(text, told)), place + 1


def merge(segments: Segments, place: int, text: str, told: str) -> tuple[Segments, int]:
    return transcript_editing.merged(_typed(segments, place, text), place), place


def character(text: str, told: str) -> int:
    """Where a browser's cursor stands in `text` with single spaces. Browsers count in UTF-16."""
    place = max(0, picked_number(told))
    before = text.encode("utf-16-le", "surrogatepass")[: 2 * place].decode("utf-16-le", "ignore")
    words = " ".join(before.split())
    return len(words) + (1 if words and before[-1:].isspace() else 0)


def on_save_text(studio: Studio, request: gr.Request, transcript_id: str, text: str) -> tuple[str, str]:
    """Keep the text as typed; the segments stay."""
    owner = owner_of(request)
    record = studio.transcripts.history.get(transcript_id, owner)
    segments = record.transcript.segments
    record = studio.transcripts.history.update(transcript_id, owner, segments, (text or "").strip())
    gr.Info("Saved.")
    return record.text, view.head(record)


def on_from_segments(studio: Studio, request: gr.Request, transcript_id: str) -> tuple[str, str]:
    """The text that the segments say, in place of a corrected one."""
    owner = owner_of(request)
    record = studio.transcripts.history.get(transcript_id, owner)
    record = studio.transcripts.history.update(transcript_id, owner, record.transcript.segments)
    return record.text, view.head(record)


def follows(record: TranscriptRecord) -> bool:
    """Whether the text is what the segments say, and not one that was corrected by itself."""
    return record.text == record.transcript.text


def stamp(segments: Segments) -> str:
    """Tells these segments from others; as they are kept, times to the millisecond."""
    kept = repr([to_dict(segment) for segment in segments])
    return hashlib.blake2s(kept.encode("utf-8", "replace")).hexdigest()


def _typed(segments: Segments, place: int, text: str) -> Segments:
    """The segments with what was typed into the chosen one. An empty box changes nothing: only Save
    removes a segment."""
    if not 0 <= place < len(segments) or not text.strip():
        return segments
    if " ".join(text.split()) == " ".join(segments[place].text.split()):
        return segments
    return transcript_editing.with_text(segments, place, text)
