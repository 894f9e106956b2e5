"""What a run has left on the disk, read while it may still be writing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from studio.dataset.ledger import from_row
from studio.errors import Damaged
from studio.files import read_json
from studio.runs.run_folder import RunFolder, step_row
from studio.runs.values import StepRow
from studio.services.run_values import LeftOutClip, Sample

#: Of the end of metrics.jsonl, bytes: some hundred steps, so that one is among them behind an epoch.
_TAIL = 64 * 1024

#: So much of it tells how fast the last epochs were, bytes.
_SPEED_TAIL = 512 * 1024

_SAMPLE = re.compile(r"epoch_([0-9]{1,6})_(output|[0-9]{1,4})\.wav")


def last_step(folder: RunFolder) -> StepRow | None:
    """The last step in metrics.jsonl; None where there is none, or it cannot be read."""
    return next((row for row in _last_rows(folder, _TAIL) if row.kind == "step"), None)


def seconds_a_clip(folder: RunFolder) -> float | None:
    """How long the run took for a clip in its last epoch, with all that belongs to an epoch; of the steps
    alone where no epoch has ended. None where it has not trained."""
    rows = list(_last_rows(folder, _SPEED_TAIL))[::-1]
    ends = [number for number, row in enumerate(rows) if row.kind == "epoch" and row.epoch >= 1]
    first = ends[-2] if len(ends) > 1 else 0
    counted = rows[first : ends[-1] + 1] if ends else rows
    clips = sum(
        (row.clips_per_s or 0.0) * (row.time - before.time)
        for before, row in pairwise(counted)
        if row.kind == "step"
    )
    return (counted[-1].time - counted[0].time) / clips if clips else None


def _last_rows(folder: RunFolder, size: int) -> Iterator[StepRow]:
    """The rows in the last `size` bytes of the metrics, the last one first."""
    try:
        with folder.metrics.open("rb") as file:
            file.seek(max(0, folder.metrics.stat().st_size - size))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return
    for line in reversed(lines[:-1]):  # the last one may not be whole
        try:
            yield step_row(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):  # nor the first one
            continue


def metrics(folder: RunFolder, offset: int) -> tuple[tuple[StepRow, ...], int]:
    """The rows from byte `offset` on, and where the next ones will be. A run that went on after an
    interruption may have cut rows: an offset behind the end begins anew. Raises Damaged."""
    if offset > (folder.metrics.stat().st_size if folder.metrics.exists() else 0):
        offset = 0
    rows = []
    for behind, row in folder.rows(offset):
        rows.append(row)
        offset = behind
    return tuple(rows), offset


def left_out(folder: RunFolder) -> tuple[LeftOutClip, ...]:
    """Raises Damaged."""
    if not folder.left_out.exists():
        return ()
    try:
        return tuple(from_row(LeftOutClip, row) for row in read_json(folder.left_out))
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{folder.left_out} is damaged.", "Only what it tells is lost.") from error


def samples(folder: RunFolder, texts: Mapping[int, str]) -> tuple[Sample, ...]:
    """Those there are, the newest epoch first; of each epoch all sentences in one sound first, with the
    texts of those that were spoken."""
    found = sorted(_sample_files(folder), key=lambda each: (-each[0], each[1] or 0))
    spoken: dict[int, list[str]] = {}
    for epoch, sentence, _ in found:
        if sentence is not None:
            spoken.setdefault(epoch, []).append(texts.get(sentence, ""))
    samples = []
    for epoch, sentence, path in found:
        said = spoken.get(epoch, []) if sentence is None else [texts.get(sentence, "")]
        with suppress(FileNotFoundError):  # replaced meanwhile
            status = path.stat()
            text = " ".join(filter(None, said))
            samples.append(Sample(epoch, sentence, text, path, status.st_size, status.st_mtime))
    return tuple(samples)


def epochs_spoken(folder: RunFolder) -> tuple[int, ...]:
    """Those that have the sound of a sentence, in order; 0 is the untouched base."""
    return tuple(sorted({epoch for epoch, sentence, _ in _sample_files(folder) if sentence is not None}))


def _sample_files(folder: RunFolder) -> Iterator[tuple[int, int | None, Path]]:
    """Epoch, sentence and place of each sample; no sentence: all of them."""
    for path in folder.samples.iterdir() if folder.samples.is_dir() else ():
        match = _SAMPLE.fullmatch(path.name)
        if match:
            yield int(match[1]), None if match[2] == "output" else int(match[2]), path
