"""A training set as people see it: its summary, where it comes from, and pages of its segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from studio.dataset.values import PrepareSettings, Segment, Source, Verdict
from studio.errors import BadInput, unknown

#: "new": never built. "interrupted": its build was stopped or went away, and can go on.
State = Literal["new", "building", "ready", "failed", "interrupted"]

#: What segments can be sorted by: code -> a short name for people.
ORDERS: Mapping[str, str] = {
    "time": "as recorded",
    "worst": "the worst first",
    "snr_db": "SNR",
    "duration": "duration",
    "confidence": "confidence",
    "words_per_s": "words a second",
    "loudness_lufs": "loudness",
    "speech_share": "speech",
    "given_error": "text differs",
    "text": "text",
}
_MAX_PAGE = 1_000


@dataclass(frozen=True)
class DatasetSummary:
    """One line of the list."""

    id: str
    name: str
    owner: str
    created: float  # Unix time, s
    changed: float
    state: State
    stale: str  # "Its settings have changed: build it again.", where that is so; else ""
    target: str  # of studio.dataset.targets
    recordings: int  # that something came of
    segments: int
    kept: int
    total_s: float  # of all segments
    kept_s: float
    language: str  # BCP 47; "" while no text tells
    speakers: tuple[str, ...]  # of what is kept, by their seconds
    mean_snr_db: float | None  # of what is kept, weighted by its seconds
    problem: str = ""  # why it cannot be shown whole, such as a damaged ledger; "" where it can

    @property
    def kept_share(self) -> float:
        """Of the seconds, 0 to 1."""
        return self.kept_s / self.total_s if self.total_s else 0.0

    @property
    def kept_h(self) -> float:
        """Hours."""
        return self.kept_s / 3600

    @property
    def total_h(self) -> float:
        """Hours."""
        return self.total_s / 3600


@dataclass(frozen=True)
class DatasetInput:
    """A file or folder that a set is built from."""

    path: str  # as `remove_input` wants it: absolute, or relative to the set for what was uploaded
    name: str  # for people
    uploaded: bool  # it lies in the set's own folder
    missing: bool  # nothing is there now


@dataclass(frozen=True)
class Dataset(DatasetSummary):
    """All of a set but its segments."""

    inputs: tuple[DatasetInput, ...] = ()
    settings: PrepareSettings = field(default_factory=PrepareSettings)
    sources: tuple[Source, ...] = ()  # as the last build found them, those with a problem as well
    notes: tuple[str, ...] = ()  # what the last build had to say, as sentences
    note: str = ""  # the person's own
    job: str = ""  # id of its last build


@dataclass(frozen=True)
class SegmentQuery:
    """Which segments to show. Raises BadInput for numbers that make no sense, NotFound for an order
    there is not."""

    offset: int = 0
    limit: int = 50
    order: str = "time"  # of ORDERS
    descending: bool = False
    kept: bool | None = None
    reason: str = ""  # a code of studio.dataset.judging.REASONS that speaks against them
    text: str = ""  # words of their text, whatever the case
    source: str = ""  # Source.id
    speaker: str = ""

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise unknown("order of segments", self.order, ORDERS)
        if self.offset < 0 or not 1 <= self.limit <= _MAX_PAGE:
            raise BadInput(
                f"A page of {self.limit} segments from {self.offset} cannot be shown.",
                f"Ask for 1 to {_MAX_PAGE:,} at once.",
            )


@dataclass(frozen=True)
class SegmentRow:
    """A segment as a table shows it."""

    segment: Segment
    verdict: Verdict
    text: str  # the person's, else the segment's
    edited: bool  # the text is the person's
    split: str  # "train" or "eval"; "" for what is dropped
    source_name: str


@dataclass(frozen=True)
class SegmentPage:
    rows: tuple[SegmentRow, ...]
    offset: int
    total: int  # segments that the query finds
    ids: tuple[str, ...]  # of all of these, in order, for what is done to them together
    seconds: float  # of all of these


@dataclass(frozen=True)
class Judged:
    """A set's segments with all that is decided of them, in the order of the ledger."""

    rows: tuple[SegmentRow, ...]
    sources: Mapping[str, Source]
    language: str
