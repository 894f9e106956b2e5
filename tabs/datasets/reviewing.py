"""The table of segments: a page of them, and what a person decides of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.api.datasets import audio_address
from studio.dataset.judging import REASONS
from studio.errors import BadInput
from studio.services.dataset_values import Dataset, SegmentQuery
from studio.services.datasets import Said, decided, written
from studio.services.studio import Studio
from tabs.datasets import clips_view, overview, view
from tabs.datasets.clips_view import Sound
from tabs.datasets.finding import chosen_one, found
from tabs.datasets.showing import listed
from tabs.edge import owner_of
from tabs.frame import reveal
from tabs.speech.view import line

PAGE_SIZE = 25

STATES = [("All", ""), ("Kept", "kept"), ("Dropped", "dropped")]
ORDERS = [
    ("The worst first", "worst"),
    ("As recorded", "time"),
    ("SNR, the lowest first", "snr_db"),
    ("The shortest first", "duration"),
    ("The longest first", "-duration"),
    ("The least sure first", "confidence"),
    ("The slowest first", "words_per_s"),
    ("The fastest first", "-words_per_s"),
    ("The quietest first", "loudness_lufs"),
    ("Least like the given text first", "-given_error"),
    ("By their text", "text"),
]
#: The filters that leave nothing out.
EVERYTHING = ("", "", "worst", "", "", "")
_SELECTED, _ALL = "selected", "all"
SCOPES = [("What I have ticked", _SELECTED), ("All that the filter shows", _ALL)]
#: What is decided, by the name of its button and key.
DECISIONS = {"keep": True, "drop": False, "limits": None}

#: At once from one page; a person's hands are slower.
_MOST_ACTS = 500


def query_of(asked: Sequence[str], offset: int = 0) -> SegmentQuery:
    """What the filters ask for, in the order of `DatasetsTab.filters`."""
    state, reason, order, text, source, speaker = asked
    order = order or "worst"
    return SegmentQuery(
        offset=offset,
        limit=PAGE_SIZE,
        order=order.removeprefix("-"),
        descending=order.startswith("-"),
        kept={"kept": True, "dropped": False}.get(state),
        reason=reason or "",
        text=(text or "").strip(),
        source=source or "",
        speaker=speaker or "",
    )


def filters(dataset: Dataset | None) -> list[Any]:
    """The filters for another set, in the order of `DatasetsTab.filters`: nothing is left out."""
    sources, speakers = (gr.Dropdown(choices=each, value="") for each in _choices(dataset))
    return ["", "", "worst", "", sources, speakers]


def known(dataset: Dataset | None) -> list[Any]:
    """The same for a set that has been built again: what is chosen stays."""
    return [*[gr.skip()] * 4, *(gr.Dropdown(choices=each) for each in _choices(dataset))]


def table(
    studio: Studio, request: gr.Request, dataset: Dataset | None, query: SegmentQuery
) -> list[Any]:
    """A page of the segments, in the order of `DatasetsTab.table`."""
    if dataset is None:
        return [view.NOTHING_CHOSEN, "", gr.Button(interactive=False), gr.Button(interactive=False), 0]
    shown = studio.datasets.segments(dataset.id, owner_of(request), query)
    if not dataset.segments:
        return [
            "",
            line("There are no segments yet: build the data set."),
            *_turns(False, False),
            0,
        ]
    return [
        clips_view.clips(shown, dataset.id, _sound(studio, request, dataset)),
        clips_view.pages(shown),
        *_turns(query.offset > 0, query.offset + PAGE_SIZE < shown.total),
        query.offset,
    ]


def on_list(
    studio: Studio, step: int, request: gr.Request, chosen: str, offset: int, *asked: str
) -> list[Any]:
    """The page `step` pages on or back; 0 begins anew."""
    dataset = found(studio, request, chosen)
    offset = max(0, offset + step * PAGE_SIZE) if step else 0
    return table(studio, request, dataset, query_of(asked, offset))


def on_acts(studio: Studio, request: gr.Request, chosen: str, acts: str, *limits: Any) -> list[Any]:
    """What was done to segments, in its order; `acts` is JSON of assets/datasets.js. The receipt holds
    the rows as they are now, then come `overview.prospect` and the list of the set that is chosen: it
    may be another one by now."""
    owner, (sequence, about, done) = owner_of(request), _read(acts)
    dataset = studio.datasets.get(about, owner)
    studio.datasets.review(dataset.id, owner, [(id, _said(act, text)) for id, act, text in done])
    rows = studio.datasets.rows(dataset.id, owner, dict.fromkeys(id for id, _, _ in done))
    shown = found(studio, request, chosen)
    return [
        clips_view.receipt(sequence, rows, _sound(studio, request, dataset)),
        *overview.prospect(studio, request, shown, limits),
        *listed(studio, request, shown),
    ]


def on_reason(studio: Studio, request: gr.Request, chosen: str, wanted: str) -> list[Any]:
    """What a reason has dropped: the filters, then the table. The number of presses follows its code."""
    dataset, code = chosen_one(studio, request, chosen), (wanted or "").partition(" ")[0]
    asked = ("dropped", code if code in REASONS else "", "worst", "", "", "")
    return [*asked, *table(studio, request, dataset, query_of(asked))]


def on_bulk(
    studio: Studio,
    what: str,
    request: gr.Request,
    chosen: str,
    scope: str,
    asked: Any,
    selected: str,
    *filtered: str,
) -> list[Any]:
    """Decide of those that are ticked, or ask first where it is about all that the filter shows.
    The question, then what `_decided` fills."""
    dataset = chosen_one(studio, request, chosen)
    if scope == _ALL:
        shown = studio.datasets.segments(dataset.id, owner_of(request), query_of(filtered))
        if not shown.total:
            raise BadInput("The filter shows no segment.", "Choose other filters.")
        words = view.question(DECISIONS[what], shown.total)
        return [reveal(bool(asked), True)[0], words, what, *[gr.skip()] * _DECIDED]
    ids = _ids(selected)
    if not ids:
        raise BadInput("No segment is ticked.", "Tick some in the list, or choose all of the filter.")
    studio.datasets.decide(dataset.id, owner_of(request), ids, DECISIONS[what])
    gr.Info(f"Decided of {len(ids):,} segments.")
    # The question is left alone: somebody quick may have asked it before this has ended.
    return [*[gr.skip()] * 3, *_decided(studio, request, chosen, query_of(filtered))]


def on_bulk_yes(
    studio: Studio, request: gr.Request, chosen: str, asked: str | None, *filtered: str
) -> list[Any]:
    """Decide of all that the filter shows; the question goes away."""
    dataset, owner = chosen_one(studio, request, chosen), owner_of(request)
    if asked not in DECISIONS:
        raise BadInput("Nothing was asked.", "Press one of the buttons for many segments again.")
    query = query_of(filtered)
    ids = studio.datasets.segments(dataset.id, owner, query).ids
    studio.datasets.decide(dataset.id, owner, ids, DECISIONS[asked])
    gr.Info(f"Decided of {len(ids):,} segments.")
    return [reveal(True, False)[0], gr.skip(), None, *_decided(studio, request, chosen, query)]


#: How many components `_decided` fills: the table, the prospect, the list, what is damaged, the head.
_DECIDED = 5 + 4 + 3


def _decided(studio: Studio, request: gr.Request, chosen: str, query: SegmentQuery) -> list[Any]:
    """Everything that shows what is kept."""
    dataset = found(studio, request, chosen)
    return [
        *table(studio, request, dataset, query),
        *overview.prospect(studio, request, dataset),
        *listed(studio, request, dataset),
    ]


def _read(acts: str) -> tuple[int, str, list[tuple[str, str, str]]]:
    """The number of the message, the set, and (segment, act, text) of each act. Raises BadInput."""
    try:
        told = json.loads(acts)
        done = [(str(each["id"]), str(each["act"]), str(each.get("text", ""))) for each in told["acts"]]
        sequence, dataset = int(told["sequence"]), str(told["dataset"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput("That is nothing this page can do.", "Reload the page.") from error
    known = {*DECISIONS, "text", "text-undo"}
    if not 0 < len(done) <= _MOST_ACTS or any(act not in known for _, act, _ in done):
        raise BadInput("That is nothing this page can do.", "Reload the page.")
    return sequence, dataset, done


def _said(act: str, text: str) -> Said:
    if act in DECISIONS:
        return decided(DECISIONS[act])
    return written(text if act == "text" else None)


def _ids(selected: str) -> list[str]:
    try:
        ids = json.loads(selected or "[]")
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise BadInput("That is nothing this page can do.", "Reload the page.")
    return ids


def _sound(studio: Studio, request: gr.Request, dataset: Dataset) -> Sound:
    owner = owner_of(request)
    return lambda id: (
        studio.datasets.audio(dataset.id, owner, id),
        audio_address(dataset.id, owner, id),
    )


def _turns(back: bool, on: bool) -> Sequence[Any]:
    return gr.Button(interactive=back), gr.Button(interactive=on)


def _choices(dataset: Dataset | None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The recordings and the speakers of a set."""
    readable = [source for source in dataset.sources if not source.problem] if dataset else []
    names = dict.fromkeys(source.speaker for source in readable if source.speaker)
    return (
        [view.ANY, *((source.name, source.id) for source in readable)],
        [view.ANY, *((name, name) for name in names)],
    )
