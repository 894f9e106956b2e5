"""A training set's folder: the ledger of all segments, and what people have said of them.

config.json      its name, owner, inputs and settings (studio.library)
ledger.jsonl     every source and every segment with its measures, one a line; a build replaces it whole
review.json      what people decided and wrote, and of which stretches (studio.dataset.reviews)
wavs/<id>.wav    the segments that are kept
dropped/<id>.wav the others, so that they can be heard and put back
metadata.csv, metadata.jsonl, dataset.json   of what is kept (studio.dataset.writing)
sources/         recordings that were uploaded
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from studio.dataset.reviews import Row, carried, row_of, set_aside
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
    built_with: Mapping[str, str] = field(default_factory=dict)  # the recognizer; versions by package


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

    def check_there(self) -> None:
        """Raises NotFound where the set was deleted meanwhile: a lock or a file in it would make its
        folder again."""
        if not self.root.is_dir():
            raise NotFound("That data set is not there any more.", "It may have been deleted.")

    def audio(self, segment_id: str) -> Path:
        """A segment's sound, kept or not. Raises NotFound."""
        for folder in (self.wavs, self.dropped, self.wavs):  # it may move while we look
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
        head = {"language": ledger.language, "built_with": dict(ledger.built_with)}
        rows: list[dict[str, Any]] = [{"kind": "set", **head}]
        # Their fields are plain values: asdict, which looks within each, took most of the time.
        rows += ({"kind": "source", **vars(source)} for source in ledger.sources)
        rows += ({"kind": "segment", **vars(segment)} for segment in ledger.segments)
        with publishing(self.ledger_file) as partial, partial.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def read_reviews(self, segments: Iterable[Segment] | None = None) -> dict[str, Review]:
        """By segment id; those of segments that are gone stay, since a build may bring them back.

        `segments`: those that a build is about to put in the place of the ledger's.
        """
        rows = self._review_rows()
        if segments is not None:
            rows = carried(rows, self._segments_before(), segments)
        return {id: from_row(Review, row) for id, row in rows.items()}

    def change_reviews(self, changes: Mapping[str, Callable[[Review], Review]]) -> None:
        """Take over what a person said, at once and for good. One that says nothing is forgotten.

        By segment id, what becomes of the review as it is at that moment: two who decide and write at
        once lose neither. Raises NotFound where the set is gone, and Busy when another process holds
        the file for too long.
        """
        with self._reviewing():
            rows, known = self._review_rows(), {each.id: each for each in self.read_ledger().segments}
            for id, change in changes.items():
                review = change(from_row(Review, rows.pop(id, {})))
                if review != Review():
                    rows[id] = row_of(review, known.get(id))
            write_json(self.review_file, dict(sorted(rows.items())))

    def carry_reviews(self, segments: Iterable[Segment]) -> int:
        """Before `segments` take the place of the ledger's: what was said stays with what it was said
        of. Returns of how much that cannot be, since its stretch was cut otherwise. Raises as
        `change_reviews` does."""
        with self._reviewing():
            before = self._review_rows()
            rows = dict(sorted(carried(before, self._segments_before(), segments).items()))
            if rows != before:
                write_json(self.review_file, rows)
        return set_aside(rows)

    def _segments_before(self) -> tuple[Segment, ...]:
        """The ledger's; none where it is damaged, which a build mends."""
        try:
            return self.read_ledger().segments
        except Damaged:
            return ()

    @contextmanager
    def _reviewing(self) -> Iterator[None]:
        self.check_there()
        try:
            with FileLock(self.root / ".review.lock", timeout=_BUSY_S):
                yield
        except Timeout as error:
            raise Busy("Somebody else is reviewing this set.", "Try again in a moment.") from error

    def _review_rows(self) -> dict[str, Row]:
        if not self.review_file.exists():
            return {}
        rows = read_json(self.review_file)
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            raise Damaged(f"{self.review_file} is damaged.", "Restore it or remove it.")
        return rows


@lru_cache(maxsize=4)
def _read(path: Path, *version: int) -> Ledger:
    """The ledger in `path`; `version` changes with the file. A decision on one segment reads it anew,
    and that of 10,000 segments takes a while."""
    sources, segments, head = [], [], dict[str, Any]()
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
                    head = {
                        "language": str(row["language"]),
                        "built_with": dict(row.get("built_with", {})),
                    }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{path} is damaged.", "Build the data set again.") from error
    return Ledger(tuple(sources), tuple(segments), **head)


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
            f"There is no segment {strange[0][:80]} in this set.",
            "Look at the list again: the set may have been built anew.",
        )
