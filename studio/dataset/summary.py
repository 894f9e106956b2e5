"""dataset.json: where a training set comes from, what it consists of, and what was left out why.

The same set has the same bytes: no times, and no paths of this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from studio import __version__
from studio.dataset.ledger import Ledger
from studio.dataset.metadata import Row
from studio.dataset.splitting import EVAL, TRAIN
from studio.dataset.targets import target_named
from studio.dataset.values import PrepareSettings, Segment, Verdict

SUMMARY = "dataset.json"
FORMAT = 1


def summary(
    name: str,
    settings: PrepareSettings,
    ledger: Ledger,
    verdicts: Sequence[Verdict],
    kept: Sequence[Segment],
    rows: Sequence[Row],
) -> bytes:
    """The file's content. `verdicts` are of the ledger's segments, `rows` of those in `kept`."""
    shown = asdict(settings)
    del shown["processes"]  # how fast, and nothing of what
    sides = {segment.source: row.split for segment, row in zip(kept, rows, strict=True)}
    sets = {
        side: [segment for segment in kept if sides[segment.source] == side] for side in (TRAIN, EVAL)
    }
    readable = [source for source in ledger.sources if not source.problem]
    value: dict[str, Any] = {
        "format": FORMAT,
        "made_with": f"Timbre {__version__}",
        "built_with": dict(ledger.built_with),
        "name": name,
        "target": settings.target,
        "sample_rate": target_named(settings.target).sample_rate,
        "language": ledger.language,
        "counts": {
            "sources": len(readable),
            "unreadable": len(ledger.sources) - len(readable),
            "segments": len(ledger.segments),
            "kept": len(kept),
            "dropped": sum(not verdict.kept for verdict in verdicts),
            **{side: len(segments) for side, segments in sets.items()},
        },
        "hours": {
            "sources": _hours(source.duration for source in readable),
            "segments": _hours(segment.duration for segment in ledger.segments),
            "kept": _hours(segment.duration for segment in kept),
            **{
                side: _hours(segment.duration for segment in segments) for side, segments in sets.items()
            },
        },
        "dropped": _dropped(ledger.segments, verdicts),
        "speakers": _shares(kept, [row.speaker for row in rows]),
        "languages": _shares(kept, [row.language for row in rows]),
        "settings": shown,
        "sources": [{**asdict(source), "split": sides.get(source.id, "")} for source in ledger.sources],
    }
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "surrogatepass")


def _dropped(segments: Sequence[Segment], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """By the first reason of each, so that they add up."""
    pairs = [
        (segment, verdict.reasons[0].code)
        for segment, verdict in zip(segments, verdicts, strict=True)
        if not verdict.kept
    ]
    return _shares([segment for segment, _ in pairs], [code for _, code in pairs])


def _shares(segments: Sequence[Segment], keys: Sequence[str]) -> dict[str, Any]:
    """How many segments and seconds fall on each key, the most seconds first."""
    counts: dict[str, list[float]] = {}
    for segment, key in zip(segments, keys, strict=True):
        count = counts.setdefault(key, [0, 0.0])
        count[0] += 1
        count[1] += segment.duration
    ordered = sorted(counts.items(), key=lambda item: (-item[1][1], item[0]))
    return {key: {"segments": count, "seconds": round(s, 2)} for key, (count, s) in ordered}


def _hours(seconds: Iterable[float]) -> float:
    return round(sum(seconds) / 3600, 4)
