"""The job that trains: training.job:run"""

from __future__ import annotations

from typing import Any

from studio.jobs import JobContext
from training.running import perform


def run(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Train the run `params["run"]`, from where an earlier attempt has left it. Returns and raises what
    training.running.perform() does."""
    return perform(params["run"], context.settings, context.quiet, context.progress)
