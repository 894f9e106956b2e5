"""What the commands about data sets say alike."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from studio.dataset.outlook import Outlook
from studio.services.dataset_values import DatasetSummary, SegmentRow

#: The command line is the owner of the machine, who has no name.
OWNER = ""


def say(outlook: Outlook) -> None:
    """The verdict, what was left out, and what to do about it."""
    print(outlook.words)
    for drop in outlook.drops:
        count = f"{drop.segments:,} segment{'s' if drop.segments != 1 else ''}"
        print(f"    {clock(drop.seconds)} {drop.label} ({count})")
    for advice in outlook.advice:
        print(advice)


def clock(seconds: float) -> str:
    """As 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def row_of(dataset: DatasetSummary) -> dict[str, Any]:
    """A set for scripts."""
    keys = (
        *("id", "name", "created", "changed", "state", "stale", "target", "recordings", "segments"),
        *("kept", "total_s", "kept_s", "language", "speakers", "mean_snr_db", "problem"),
    )
    return {key: getattr(dataset, key) for key in keys}


def segment_of(row: SegmentRow) -> dict[str, Any]:
    """A segment for scripts: all that was measured, and what is decided of it."""
    return asdict(row.segment) | {
        "duration": round(row.segment.duration, 3),
        "source_name": row.source_name,
        "text": row.text,
        "edited": row.edited,
        "split": row.split,
        "kept": row.verdict.kept,
        "by_hand": row.verdict.by_hand,
        "reasons": [asdict(reason) for reason in row.verdict.reasons],
    }
