"""A training set's folder: the ledger of all segments, and what people have said of them.

config.json      its name, owner, inputs and settings (studio.library)
ledger.jsonl     every source and every segment with its measures, one a line; a build replaces it whole
review.json      what people decided and wrote; a build leaves it alone
wavs/<id>.wav    the segments that are kept
dropped/<id>.wav the others, so that they can be heard and put back
metadata.csv, metadata.jsonl, dataset.json   of what is kept (studio.dataset.writing)
sources/         recordings that were uploaded
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from studio.dataset.values import Limits, PrepareSettings, Review, Segment, Source
from studio.errors import BadInput, Busy, Damaged, NotFound
from studio.files import publishing, read_json, write_json

T = TypeVar("T")
_BUSY_S = 60.0


@dataclass(frozen=True)
class Ledger:
    """What the last build has found; empty before the first one."""

    sources: tuple[Source, ...] = ()  # in the order of their names
    segments: tuple[Segment, ...] = ()  # by source, then by time
    language: str = ""  # the language of most of the speech; "" where no text tells


@dataclass(frozen=True)
class DatasetFolder:
    """The files of one training set."""

    root: Path

    @property
    def ledger_file(self) -> Path:
        return self.root / "ledger.jsonl"

    @property
    def review_file(self) -> Path:
        return self.root / "review.json"

    @property
    def wavs(self) -> Path:
        return self.root / "wavs"

    @property
    def dropped(self) -> Path:
        return self.root / "dropped"

    @property
    def uploads(self) -> Path:
        """Recordings that have no other place."""
        return self.root / "sources"

    def audio(self, segment_id: str) -> Path:
        """A segment's sound, kept or not. Raises NotFound."""
        for folder in (self.wavs, self.dropped):
            path = folder / f"{segment_id}.wav"
            if path.is_file():
                return path
        raise NotFound(f"The sound of segment {segment_id} is not there.", "Build the data set again.")

    def read_ledger(self) -> Ledger:
        """Raises Damaged. A set that was never built has an empty one."""
        try:
            facts = self.ledger_file.stat()
        except FileNotFoundError:
            return Ledger()
        return _read(self.ledger_file, facts.st_ino, facts.st_mtime_ns, facts.st_size)

    def write_ledger(self, ledger: Ledger) -> None:
        """Whole or not at all; the same ledger makes the same bytes."""
        rows: list[dict[str, Any]] = [{"kind": "set", "language": ledger.language}]
        # Their fields are plain values: asdict, which looks within each, took most of the time.
        rows += ({"kind": "source", **vars(source)} for source in ledger.sources)
        rows += ({"kind": "segment", **vars(segment)} for segment in ledger.segments)
        with publishing(self.ledger_file) as partial, partial.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def read_reviews(self) -> dict[str, Review]:
        """By segment id; those of segments that are gone stay, since a build may bring them back."""
        if not self.review_file.exists():
            return {}
        rows = read_json(self.review_file)
        try:
            return {id: from_row(Review, row) for id, row in rows.items()}
        except (TypeError, AttributeError) as error:
            raise Damaged(f"{self.review_file} is damaged.", "Restore it or remove it.") from error

    def change_reviews(self, changes: Mapping[str, Review]) -> None:
        """Take over what a person said, at once and for good. One that says nothing is forgotten.

        Raises Busy when another process holds the file for too long.
        """
        try:
            with FileLock(self.root / ".review.lock", timeout=_BUSY_S):
                reviews = self.read_reviews() | dict(changes)
                kept = {id: asdict(each) for id, each in sorted(reviews.items()) if each != Review()}
                write_json(self.review_file, kept)
        except Timeout as error:
            raise Busy("Somebody else is reviewing this set.", "Try again in a moment.") from error


@lru_cache(maxsize=4)
def _read(path: Path, *version: int) -> Ledger:
    """The ledger in `path`; `version` changes with the file. A decision on one segment reads it anew,
    and that of 10,000 segments takes a while."""
    sources, segments, language = [], [], ""
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                kind = row.pop("kind")
                if kind == "source":
                    sources.append(from_row(Source, row))
                elif kind == "segment":
                    segments.append(from_row(Segment, row))
                else:
                    language = row["language"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{path} is damaged.", "Build the data set again.") from error
    return Ledger(tuple(sources), tuple(segments), language)


def from_row(kind: type[T], row: Mapping[str, Any]) -> T:
    """A dataclass of plain values from JSON. Fields of a newer version are ignored, absent ones have
    their defaults. Raises TypeError where one without a default is absent."""
    known = _names(kind)  # type: ignore[arg-type]
    if row.keys() <= known:
        return kind(**row)
    return kind(**{key: value for key, value in row.items() if key in known})


@cache
def _names(kind: type[Any]) -> frozenset[str]:
    return frozenset(each.name for each in fields(kind))


def settings_from(row: Mapping[str, Any]) -> PrepareSettings:
    """The settings in a config.json; `asdict` made them. Raises BadInput for values out of range."""
    limits = from_row(Limits, row.get("limits", {}))
    return from_row(PrepareSettings, {**row, "limits": limits})


def check_ids(ids: Iterable[str], ledger: Ledger) -> None:
    """Raises BadInput for ids of segments that are not in the ledger."""
    known = {segment.id for segment in ledger.segments}
    strange = [id for id in ids if id not in known]
    if strange:
        raise BadInput(
            f"There is no segment {strange[0][:80]} in this set.", "Load the list again: it was rebuilt."
        )
