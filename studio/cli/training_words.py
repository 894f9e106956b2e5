"""What the commands about runs and checkpoints say alike."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from studio.cli.dataset_words import clock
from studio.models.publishing import size_text
from studio.runs.values import Checkpoint
from studio.services.run_values import Estimate, Run, RunSummary


def row_of(run: RunSummary) -> dict[str, Any]:
    """A run for scripts."""
    keys = (
        *("id", "name", "created", "changed", "state", "family", "method", "base", "base_label"),
        *("practice", "dataset", "dataset_name", "language", "epochs", "epoch", "epochs_saved"),
        *("best", "size", "note", "imported", "problem"),
    )
    return {key: getattr(run, key) for key in keys}


def full_row_of(run: Run) -> dict[str, Any]:
    """The same with settings and checkpoints."""
    checkpoints = [asdict(checkpoint) for checkpoint in run.checkpoints]
    latest = asdict(run.latest) if run.latest else None
    return row_of(run) | {
        "settings": asdict(run.settings),
        "checkpoints": checkpoints,
        "latest": latest,
        "job": run.job,
    }


def line_of(checkpoint: Checkpoint) -> str:
    """A checkpoint for people."""
    losses = [
        f"{label} {value:.4f}"
        for label, value in (("loss", checkpoint.loss), ("eval loss", checkpoint.eval_loss))
        if value is not None
    ]
    made = datetime.fromtimestamp(checkpoint.created).strftime("%Y-%m-%d %H:%M")
    parts = [f"epoch {checkpoint.epoch:4}", made, size_text(checkpoint.size), *losses]
    return "  ".join([*parts, *(["best"] if checkpoint.best else [])])


def say_estimate(estimate: Estimate, file: Any = None) -> None:
    """What a run would take, and what to change."""
    out = file or sys.stdout
    time = f"about {clock(estimate.seconds)}" if estimate.seconds else "not known yet"
    print(f"Clips:   {estimate.clips:,}, {clock(estimate.clips_s)}", file=out)
    print(f"Steps:   {estimate.steps:,}", file=out)
    print(
        f"Memory:  about {estimate.memory_mb / 1024:.1f} GB; {estimate.device} has "
        f"{estimate.available_mb / 1024:.1f} GB free",
        file=out,
    )
    print(f"Disk:    at most {estimate.disk_mb / 1024:.1f} GB", file=out)
    print(f"Time:    {time}", file=out)
    for line in (*estimate.problems, *estimate.advice):
        print(line, file=out)
