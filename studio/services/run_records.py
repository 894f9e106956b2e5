"""What a run has left on the disk, read while it may still be writing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from studio.dataset.ledger import from_row
from studio.errors import Damaged
from studio.files import read_json
from studio.runs.run_folder import RunFolder, step_row
from studio.runs.values import StepRow
from studio.services.run_values import LeftOutClip, Sample

#: Of the end of metrics.jsonl, bytes: some hundred steps, so that one is among them behind an epoch.
_TAIL = 64 * 1024

_SAMPLE = re.compile(r"epoch_([0-9]{1,6})_(output|[0-9]{1,4})\.wav")


def last_step(folder: RunFolder) -> StepRow | None:
    """The last step in metrics.jsonl; None where there is none, or it cannot be read."""
    try:
        size = folder.metrics.stat().st_size
        with folder.metrics.open("rb") as file:
            file.seek(max(0, size - _TAIL))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    for line in reversed(lines[:-1]):  # the last one may not be whole
        try:
            row = json.loads(line)
            if row["kind"] == "step":
                return step_row(row)
        except (ValueError, KeyError, TypeError):
            continue
    return None


def metrics(folder: RunFolder, offset: int) -> tuple[tuple[StepRow, ...], int]:
    """The rows from byte `offset` on, and where the next ones will be. A run that went on after an
    interruption may have cut rows: an offset behind the end begins anew. Raises Damaged."""
    if offset > (folder.metrics.stat().st_size if folder.metrics.exists() else 0):
        offset = 0
    rows = []
    try:
        for behind, row in folder.rows(offset):
            rows.append(row)
            offset = behind
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"{folder.metrics} is damaged ({str(error)[:80]}).", "Its checkpoints are not concerned."
        ) from error
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
    """Those there are, the newest epoch first; of each epoch all sentences in one sound first."""
    found: list[Sample] = []
    paths = folder.samples.iterdir() if folder.samples.is_dir() else iter(())
    for path in paths:
        match = _SAMPLE.fullmatch(path.name)
        if match:
            found += _sample(path, int(match[1]), match[2], texts)
    return tuple(sorted(found, key=lambda each: (-each.epoch, each.sentence or 0)))


def _sample(path: Path, epoch: int, part: str, texts: Mapping[int, str]) -> list[Sample]:
    sentence = None if part == "output" else int(part)
    text = " ".join(texts.values()) if sentence is None else texts.get(sentence, "")
    try:
        status = path.stat()
    except FileNotFoundError:  # replaced meanwhile
        return []
    return [Sample(epoch, sentence, text, path, status.st_size, status.st_mtime)]
