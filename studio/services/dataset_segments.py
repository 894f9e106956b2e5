"""A training set's segments with what is decided of them: kept at hand, sorted, in pages."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.dataset.judging import judge_all
from studio.dataset.ledger import DatasetFolder, Ledger
from studio.dataset.targets import target_named
from studio.dataset.values import Limits, PrepareSettings, Review, Segment, Source
from studio.services.dataset_values import Judged, SegmentPage, SegmentQuery, SegmentRow

#: Sets that are kept in memory, some 30 MB each where they have 10,000 segments.
_KEPT_SETS = 4

#: How far below its limit a measure is counts in these units.
_UNIT_SNR_DB, _UNIT_LOUDNESS, _UNIT_SHARE, _UNIT_S = 10.0, 10.0, 0.5, 2.0
_UNIT_CLIPPED = 0.001
#: What a reason without a measure counts, such as a text that is missing.
_NO_MEASURE = 1.0


@dataclass(frozen=True)
class _Files:
    """What a set was read from: its files' times and sizes, and the settings that judge it."""

    ledger: tuple[int, int]
    reviews: tuple[int, int]
    judging: tuple[Any, ...]


@dataclass(frozen=True)
class Figures:
    """A set in numbers; see `DatasetSummary`."""

    segments: int = 0
    kept: int = 0
    total_s: float = 0.0
    kept_s: float = 0.0
    language: str = ""
    speakers: tuple[str, ...] = ()
    mean_snr_db: float | None = None
    sources: tuple[Source, ...] = ()


NO_FIGURES = Figures()


class JudgedSets:
    """Reads sets and keeps those that were read last. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ledgers: OrderedDict[Path, tuple[tuple[int, int], Ledger]] = OrderedDict()
        self._judged: OrderedDict[Path, tuple[_Files, Judged]] = OrderedDict()
        self._figures: dict[Path, tuple[_Files, Figures]] = {}  # of every set: a list shows them all

    def ledger(self, folder: DatasetFolder) -> Ledger:
        """What the last build has found; empty before the first. Raises Damaged."""
        stamp = _stamp(folder.ledger_file)
        with self._lock:
            known = self._ledgers.get(folder.root)
            if known is None or known[0] != stamp:
                known = (stamp, folder.read_ledger())
            _keep(self._ledgers, folder.root, known)
            return known[1]

    def judged(self, folder: DatasetFolder, settings: PrepareSettings) -> Judged:
        """The same with what is decided. Raises Damaged."""
        files = _files(folder, settings)
        with self._lock:
            known = self._judged.get(folder.root)
        if known is None or known[0] != files:
            known = (files, judged(self.ledger(folder), folder.read_reviews(), settings))
        with self._lock:
            _keep(self._judged, folder.root, known)
        return known[1]

    def figures(self, folder: DatasetFolder, settings: PrepareSettings) -> Figures:
        """Of a set as it is. Raises Damaged."""
        files = _files(folder, settings)
        known = self._figures.get(folder.root)
        if known is None or known[0] != files:
            known = (files, figures_of(self.judged(folder, settings)))
            self._figures[folder.root] = known
        return known[1]

    def forget(self, folder: DatasetFolder) -> None:
        with self._lock:
            self._ledgers.pop(folder.root, None)
            self._judged.pop(folder.root, None)
            self._figures.pop(folder.root, None)


def judged(ledger: Ledger, reviews: Mapping[str, Review], settings: PrepareSettings) -> Judged:
    """Every segment with its verdict, its text and its side of the split."""
    found = judge_all(
        ledger.segments, settings.limits, target_named(settings.target), reviews, ledger.language
    )
    verdicts = {each.id: verdict for each, verdict in zip(ledger.segments, found, strict=True)}
    sides: Mapping[str, str] = {}
    kept = [each for each in ledger.segments if verdicts[each.id].kept]
    dropped = [each for each in ledger.segments if not verdicts[each.id].kept]
    if kept:
        from studio.dataset.splitting import split

        sides = split(kept, settings.eval_share, dropped)
    sources = {source.id: source for source in ledger.sources}
    rows = []
    for segment in ledger.segments:
        written = reviews.get(segment.id, Review()).text
        verdict, source = verdicts[segment.id], sources.get(segment.source)
        rows.append(
            SegmentRow(
                segment=segment,
                verdict=verdict,
                text=segment.text if written is None else written,
                edited=written is not None,
                split=sides.get(segment.source, "") if verdict.kept else "",
                source_name=source.name if source else segment.source,
            )
        )
    return Judged(tuple(rows), sources, ledger.language)


def page(judged: Judged, query: SegmentQuery, limits: Limits) -> SegmentPage:
    """The rows that `query` asks for."""
    found = [row for row in judged.rows if _fits(row, query)]
    if query.order != "time":
        key = _key(query.order, limits)
        keyed = [(key(row), row) for row in found]
        known = sorted(
            (pair for pair in keyed if pair[0] is not None),
            key=lambda pair: pair[0],
            reverse=query.descending,
        )
        # What was not measured comes last, whichever way it goes.
        found = [row for _, row in known] + [row for value, row in keyed if value is None]
    elif query.descending:
        found.reverse()
    return SegmentPage(
        rows=tuple(found[query.offset : query.offset + query.limit]),
        offset=query.offset,
        total=len(found),
        ids=tuple(row.segment.id for row in found),
        seconds=sum(row.segment.duration for row in found),
    )


def figures_of(judged: Judged) -> Figures:
    """What a list shows of a set."""
    kept = [row.segment for row in judged.rows if row.verdict.kept]
    speakers: dict[str, float] = {}
    for segment in kept:
        speakers[segment.speaker] = speakers.get(segment.speaker, 0.0) + segment.duration
    measured = [(each.duration, each.snr_db) for each in kept if each.snr_db is not None]
    seconds = sum(duration for duration, _ in measured)
    return Figures(
        segments=len(judged.rows),
        kept=len(kept),
        total_s=sum(row.segment.duration for row in judged.rows),
        kept_s=sum(each.duration for each in kept),
        language=judged.language,
        speakers=tuple(sorted(speakers, key=lambda name: (-speakers[name], name))),
        mean_snr_db=sum(each * snr for each, snr in measured) / seconds if measured else None,
        sources=tuple(judged.sources.values()),
    )


def shortfall(row: SegmentRow, limits: Limits) -> float:
    """How far a segment is from what `limits` ask: above 0 where it fails one, the larger the worse."""
    gaps = [*_gaps(row.segment, limits)]
    measured = max(gaps, default=-_NO_MEASURE)
    if row.verdict.reasons and measured <= 0:
        return _NO_MEASURE
    return measured


def _gaps(segment: Segment, limits: Limits) -> list[float]:
    """Of each measure, how far it lies on the wrong side of its limit, in units that compare."""
    compared = (
        (segment.snr_db, limits.min_snr_db, -_UNIT_SNR_DB),
        (segment.loudness_lufs, limits.min_loudness_lufs, -_UNIT_LOUDNESS),
        (segment.speech_share, limits.min_speech_share, -_UNIT_SHARE),
        (segment.confidence, limits.min_confidence, -_UNIT_SHARE),
        (segment.given_error, limits.max_given_error, _UNIT_SHARE),
        (segment.duration, limits.min_s, -_UNIT_S),
        (segment.duration, limits.max_s, _UNIT_S),
        (segment.clipped, limits.max_clipped, _UNIT_CLIPPED),
        (segment.words_per_s, limits.min_words_per_s, -1.0),
        (segment.words_per_s, limits.max_words_per_s, 4.0),
        (segment.speaker_similarity, limits.min_speaker_similarity, -_UNIT_SHARE),
    )
    return [
        (value - limit) / unit
        for value, limit, unit in compared
        if value is not None and limit is not None
    ]


def _key(order: str, limits: Limits) -> Callable[[SegmentRow], Any]:
    if order == "worst":
        return lambda row: -shortfall(row, limits)
    if order == "text":
        return lambda row: row.text.casefold() or None
    return lambda row: getattr(row.segment, order)


def _fits(row: SegmentRow, query: SegmentQuery) -> bool:
    text = row.text.casefold()
    return (
        (query.kept is None or row.verdict.kept == query.kept)
        and (not query.reason or any(each.code == query.reason for each in row.verdict.reasons))
        and (not query.source or row.segment.source == query.source)
        and (not query.speaker or row.segment.speaker == query.speaker)
        and all(word in text for word in query.text.casefold().split())
    )


def _files(folder: DatasetFolder, settings: PrepareSettings) -> _Files:
    judging = (settings.target, settings.limits, settings.eval_share)
    return _Files(_stamp(folder.ledger_file), _stamp(folder.review_file), judging)


def _stamp(path: Path) -> tuple[int, int]:
    """Changes whenever a file is replaced; the same while there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _keep(kept: OrderedDict[Path, Any], root: Path, value: Any) -> None:
    kept[root] = value
    kept.move_to_end(root)
    while len(kept) > _KEPT_SETS:
        kept.popitem(last=False)
