"""`datasets segments`, `limits`, `keep`, `drop`, `reset` and `coverage`: a set looked at and decided on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict

from studio.cli.dataset_options import limits_from
from studio.cli.dataset_words import OWNER, clock, row_of, say, segment_of
from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.output import print_json
from studio.errors import unknown
from studio.services.dataset_values import Dataset, SegmentQuery, SegmentRow
from studio.services.studio import Studio

_PAGE = 1_000


def segments(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    rows = list(_found(studio, dataset, given))
    if given.json:
        print_json({"ok": True, "dataset": dataset.id, "segments": [segment_of(row) for row in rows]})
        return 0
    for row in rows:
        segment, verdict = row.segment, row.verdict
        place = f"{row.source_name} {clock(segment.start)}+{segment.duration:.1f} s"
        why = "" if verdict.kept else "".join(f"\n    {reason.words}" for reason in verdict.reasons)
        print(f"{segment.id}  {'keep' if verdict.kept else 'drop'}  {place}  {row.text}{why}")
    return 0


def _found(studio: Studio, dataset: Dataset, given: argparse.Namespace) -> Iterator[SegmentRow]:
    """The segments that were asked for, page by page."""
    left = given.limit if given.limit is not None else dataset.segments
    offset = 0
    while left > 0:
        query = SegmentQuery(
            offset=offset,
            limit=min(_PAGE, left),
            order=given.order,
            descending=given.descending,
            kept=True if given.kept else False if given.dropped else None,
            reason=given.reason,
            text=given.text,
            source=_source(dataset, given.source),
            speaker=given.speaker,
        )
        page = studio.datasets.segments(dataset.id, OWNER, query)
        yield from page.rows
        offset += len(page.rows)
        left -= len(page.rows)
        if not page.rows:
            return


def _source(dataset: Dataset, wanted: str) -> str:
    """A recording's id by its id or name."""
    for source in dataset.sources if wanted else ():
        if wanted in (source.id, source.name):
            return source.id
    if wanted:
        raise unknown("recording", wanted, [source.name for source in dataset.sources])
    return ""


def limits(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    limits = limits_from(given, dataset.settings.limits)
    outlook = studio.datasets.outlook(dataset.id, OWNER, limits)
    if not given.only_try:
        studio.datasets.apply(dataset.id, OWNER, limits)
    if given.json:
        applied = not given.only_try
        print_json(
            {"ok": True, "applied": applied, "limits": asdict(limits), "outlook": asdict(outlook)}
        )
    else:
        say(outlook)
    return 0


def decide(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    kept = {"keep": True, "drop": False, "reset": None}[given.action]
    summary = studio.datasets.decide(dataset.id, OWNER, given.id, kept)
    if given.json:
        print_json({"ok": True, "dataset": row_of(summary)})
    else:
        print(f"{summary.kept:,} of {summary.segments:,} segments are kept, {clock(summary.kept_s)}.")
    return 0


def coverage(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    with stopping_on_interrupt() as control:
        found = studio.datasets.coverage(dataset.id, OWNER, control)
    if given.json:
        print_json({"ok": True, "coverage": asdict(found)})
        return 0
    if found.covered_share is not None:
        print(f"{found.covered_share:.0%} of the sounds of {found.language} occur.")
    for label, symbols in (("Absent", found.absent), ("Rare", found.rare)):
        if symbols:
            print(f"{label}: {' '.join(symbols)}")
    print("".join(f"{note}\n" for note in found.notes), end="")
    if found.proposals:
        print("Record next:")
    for proposal in found.proposals:
        print(f"    {proposal.text}")
    return 0
