"""What is kept becomes files: sounds in their folders, the metadata files, dataset.json.

The order makes it safe to be killed in: what is newly kept is moved in, then each file is replaced as a
whole, then what is newly dropped is moved out. So no metadata file ever names a sound that is not
there, and settling again brings everything to the same end.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from studio.dataset.csv_cells import one_line
from studio.dataset.judging import judge_all
from studio.dataset.ledger import DatasetFolder, Ledger
from studio.dataset.metadata import Row, metadata_files
from studio.dataset.splitting import EVAL, split, why_no_eval
from studio.dataset.summary import SUMMARY, summary
from studio.dataset.targets import target_named
from studio.dataset.values import PrepareSettings, Review, Segment, Verdict
from studio.errors import Busy
from studio.files import (
    PARTIAL_SUFFIX,
    flush_folder,
    is_abandoned,
    make_folder,
    storage_errors,
    write_bytes,
)

_BUSY_S = 60.0
#: A reference to clone from is best this long, seconds.
_REFERENCE_S = (3.0, 12.0)


@dataclass(frozen=True)
class Settled:
    """What a training set consists of now."""

    kept: int
    kept_s: float
    dropped: int
    eval: int  # of the kept ones, set aside for evaluation
    notes: tuple[str, ...]  # what a person should know, as sentences


@dataclass(frozen=True)
class _Sounds:
    """Ids of the segments whose files lie in each folder."""

    wavs: set[str]
    dropped: set[str]


@contextmanager
def settling(folder: DatasetFolder) -> Iterator[None]:
    """Hold the lock under which sounds are moved. Raises NotFound where the set is gone, and Busy when
    another process has the lock for long."""
    folder.check_there()
    try:
        with FileLock(folder.root / ".settle.lock", timeout=_BUSY_S):
            yield
    except Timeout as error:
        raise Busy("This data set is being saved already.", "Try again in a moment.") from error


def settle(folder: DatasetFolder, name: str, settings: PrepareSettings) -> Settled:
    """Bring the files of the set called `name` into line with its ledger and reviews.

    Takes the ledger as it is and refuses nothing: a kept segment without a sound is left out and
    noted. New sounds belong into `folder.dropped`, where one takes the place of what `folder.wavs` has
    of that name; sounds that the ledger does not know are removed. Raises Damaged, Busy, StorageFailed.
    """
    with settling(folder):
        ledger, reviews = folder.read_ledger(), folder.read_reviews()
        verdicts = judge_all(
            ledger.segments, settings.limits, target_named(settings.target), reviews, ledger.language
        )
        kept_ids = {
            each.id for each, verdict in zip(ledger.segments, verdicts, strict=True) if verdict.kept
        }
        sounds = _sounds(folder)
        _move(folder.dropped, folder.wavs, sounds.dropped & kept_ids)
        there = sounds.wavs | sounds.dropped
        kept = [each for each in ledger.segments if each.id in kept_ids and each.id in there]
        rows, notes = _rows(kept, ledger, verdicts, reviews, settings)
        for file, content in metadata_files(rows).items():
            _replace(folder.root / file, content)
        _replace(folder.root / SUMMARY, summary(name, settings, ledger, verdicts, kept, rows))
        _put_away(folder, sounds, kept_ids, {each.id for each in ledger.segments})
    missing = len(kept_ids) - len(kept)
    if missing:
        notes.append(
            f"{missing} kept segments have no sound and are left out: build the data set again."
        )
    return Settled(
        kept=len(kept),
        kept_s=round(sum(each.duration for each in kept), 3),
        dropped=len(ledger.segments) - len(kept_ids),
        eval=sum(row.split == EVAL for row in rows),
        notes=tuple(notes),
    )


def _rows(
    kept: Sequence[Segment],
    ledger: Ledger,
    verdicts: Sequence[Verdict],
    reviews: Mapping[str, Review],
    settings: PrepareSettings,
) -> tuple[list[Row], list[str]]:
    """The utterances of the metadata files, and notes on them."""
    dropped = [each for each, verdict in zip(ledger.segments, verdicts, strict=True) if not verdict.kept]
    sides = split(kept, settings.eval_share, dropped)
    notes = [why_no_eval(sides)] if settings.eval_share > 0 else []
    if ledger.segments and not kept:
        notes.append("No segment is kept.")
    references = _references(kept, sides)
    rows = []
    for segment in kept:
        review = reviews.get(segment.id)
        text = segment.text if review is None or review.text is None else review.text
        best, second = references[segment.speaker]
        rows.append(
            Row(
                audio=_audio(segment.id),
                text=one_line(text),
                speaker=one_line(segment.speaker),
                language=segment.language or ledger.language,
                split=sides[segment.source],
                ref_audio=_audio(best if segment.id != best else second),
            )
        )
    lonely = Counter(segment.speaker for segment in kept)
    notes += (
        f"{one_line(speaker)} has one segment only, which is its own reference."
        for speaker, count in lonely.items()
        if count == 1
    )
    return rows, [note for note in notes if note]


def _references(kept: Sequence[Segment], sides: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Each speaker's two best segments to clone from, by id; the same twice where there is one.

    One for all, since the model is to learn one voice (the fine-tuning guide of Qwen3-TTS).
    """

    def rank(segment: Segment) -> tuple[bool, bool, float, str]:
        low, high = _REFERENCE_S
        snr = -1e9 if segment.snr_db is None else segment.snr_db
        return sides[segment.source] == EVAL, not low <= segment.duration <= high, -snr, segment.id

    ranked: dict[str, list[Segment]] = {}
    for segment in kept:
        ranked.setdefault(segment.speaker, []).append(segment)
    best: dict[str, tuple[str, str]] = {}
    for speaker, segments in ranked.items():
        segments.sort(key=rank)
        best[speaker] = (segments[0].id, segments[min(1, len(segments) - 1)].id)
    return best


def _audio(segment_id: str) -> str:
    return f"wavs/{segment_id}.wav"


def _sounds(folder: DatasetFolder) -> _Sounds:
    """What lies there; unfinished files of processes that are gone are removed."""
    _scan(folder.root)
    return _Sounds(_scan(folder.wavs), _scan(folder.dropped))


def _scan(folder: Path) -> set[str]:
    make_folder(folder)
    found = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".wav"):
                found.add(entry.name.removesuffix(".wav"))
            elif entry.name.endswith(PARTIAL_SUFFIX) and is_abandoned(Path(entry.path)):
                Path(entry.path).unlink(missing_ok=True)
    return found


def _move(source: Path, target: Path, ids: set[str]) -> None:
    """Move sounds, replacing what has their names, for good."""
    if not ids:
        return
    with storage_errors(target):
        for id in sorted(ids):
            (source / f"{id}.wav").replace(target / f"{id}.wav")
        flush_folder(target)
        flush_folder(source)


def _put_away(folder: DatasetFolder, sounds: _Sounds, kept: set[str], known: set[str]) -> None:
    """What is dropped leaves wavs/; what the ledger does not know goes."""
    out = (sounds.wavs - kept) & known
    _move(folder.wavs, folder.dropped, out - sounds.dropped)
    for id in sorted(out & sounds.dropped):  # a newer one has been made
        (folder.wavs / f"{id}.wav").unlink(missing_ok=True)
    for place, ids in ((folder.wavs, sounds.wavs), (folder.dropped, sounds.dropped)):
        for id in sorted(ids - known):
            (place / f"{id}.wav").unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    """Write what has changed."""
    if not (path.is_file() and path.read_bytes() == content):
        write_bytes(path, content)
