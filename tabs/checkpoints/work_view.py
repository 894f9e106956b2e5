"""How merges, exports and imports stand, and what became of them, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from studio.jobs import Job, JobStatus
from studio.models.publishing import size_text
from studio.services.run_jobs import EXPORT
from tabs.checkpoints.tab import ID
from tabs.datasets.view import export_link
from tabs.run_view import noted
from tabs.speech.view import clock, line
from tabs.waveform import file_url


@dataclass(frozen=True)
class Work:
    """A job, and the zip that it has written where that can be taken away."""

    job: Job
    zip: Path | None = None


def works(shown: Sequence[Work], now: float) -> str:
    """`now`: Unix time, s."""
    return "".join(_work(each, now) for each in shown)


def _work(work: Work, now: float) -> str:
    job = work.job
    if job.status.active:
        return _progress(job, now)
    if job.status is JobStatus.DONE:
        return _done(work)
    if job.status is JobStatus.CANCELLED:
        return noted(f"{job.title}: stopped. Nothing of it is left.")
    if job.status is JobStatus.INTERRUPTED:
        return noted(f"{job.title}: it was interrupted. Begin it again.")
    return (
        f'<div class="timbre-bad" role="alert"><b>{escape(job.title)}: {escape(job.message)}</b>'
        f' <span class="timbre-lines">{escape(job.hint)}</span></div>'
    )


def _progress(job: Job, now: float) -> str:
    eta = job.eta(now)
    waiting = "waiting for its turn" if job.status is JobStatus.QUEUED else "starting"
    facts = [f"{job.title}: {job.stage or waiting}"]
    facts += [f"{clock(eta)} left" if eta is not None else "", "stopping" if job.cancel else ""]
    value = "" if job.fraction is None else f' value="{job.fraction:.4f}"'
    told = " · ".join(escape(fact) for fact in facts if fact)
    return (
        f'<div class="timbre-status"><p class="timbre-line" role="status">{told}</p>'
        f'<progress max="1"{value} aria-label="Progress of {escape(job.title)}"></progress></div>'
    )


def _done(work: Work) -> str:
    job = work.job
    result: dict[str, Any] = job.result if isinstance(job.result, dict) else {}
    if job.kind != EXPORT:
        return (
            f'<p class="timbre-note" role="status">{escape(job.title)}: done. It is in the list as a run.'
            f' <button type="button" class="timbre-small" data-into="{ID}-picked"'
            f' data-value="{escape(str(result.get("run", "")))}">Show it</button></p>'
        )
    notes = "".join(line(str(note)) for note in result.get("notes", ()))
    if work.zip is not None:
        size = line(
            f"{size_text(work.zip.stat().st_size)}; it is kept until the next one, or for a day."
        )
        return f"{export_link(file_url(work.zip), work.zip.name)}{size}{notes}"
    return noted(f"{job.title}: done. It is in {result.get('target', '')}.") + notes
