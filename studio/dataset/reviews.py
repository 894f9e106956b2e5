"""The rows of review.json: what people said of segments, on its way from one build to the next.

A row stands under its segment's id and tells where in the recording that lies, for a build with other
settings gives the same ids to other stretches.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from studio.dataset.values import Review, Segment

Row = dict[str, Any]

#: A stretch whose ends lie no further from where they were says the same, seconds.
_NEAR_S = 0.2


def row_of(review: Review, segment: Segment | None) -> Row:
    """What is written of a review; the place is left out where nobody knows the segment."""
    place = {"start": segment.start, "end": segment.end} if segment else {}
    return asdict(review) | place


def carried(
    rows: Mapping[str, Row], before: Iterable[Segment], now: Iterable[Segment]
) -> dict[str, Row]:
    """The rows under the ids that their stretches have `now`. `before` are the segments that the ids
    were of, for rows that do not tell their place.

    A row whose stretch was cut otherwise stays under a key that is nobody's id, for the build that
    brings it back.
    """
    known = {segment.id: segment for segment in before}
    by_source: dict[str, list[Segment]] = defaultdict(list)
    for segment in now:
        by_source[segment.source].append(segment)
    found: dict[str, Row] = {}
    for key, row in sorted(rows.items(), key=lambda item: "@" not in item[0]):  # what counts now wins
        old = known.get(key)
        if "start" not in row and old is not None:
            row = row | {"start": old.start, "end": old.end}
        source = re.split("[-@]", key, maxsplit=1)[0]
        found[_key(key, row, by_source[source]) if source in by_source else key] = row
    return found


def set_aside(rows: Iterable[str]) -> int:
    """How many of the rows, by their keys, are of stretches that were cut otherwise."""
    return sum("@" in key for key in rows)


def _key(key: str, row: Row, segments: Iterable[Segment]) -> str:
    if "start" not in row:
        return key
    start, end = row["start"], row["end"]
    off, id = min((max(abs(each.start - start), abs(each.end - end)), each.id) for each in segments)
    return id if off <= _NEAR_S else f"{re.split('[-@]', key, maxsplit=1)[0]}@{start:.3f}-{end:.3f}"
