"""How work that takes a while stands, as HTML: what studio.tasks tells, and reports of references."""

from __future__ import annotations

from html import escape

from studio.audio.quality import Finding, Level, ReferenceReport
from studio.services.tasks import TaskState, TaskStatus
from tabs.speech.view import clock

_ORDER = (Level.PROBLEM, Level.ADVICE, Level.GOOD)
_WORDS = {Level.PROBLEM: "Problem", Level.ADVICE: "Advice", Level.GOOD: "Good"}
_SUMMARY = {
    Level.PROBLEM: "The voice would suffer from this recording as it is.",
    Level.ADVICE: "It can be used, and could be better.",
    Level.GOOD: "A good reference.",
}


def status(task: TaskStatus) -> str:
    """Stage, progress and remaining time, or how it ended where there is something to say."""
    notes = "".join(f'<p class="timbre-note">{escape(note)}</p>' for note in task.notes)
    if task.state is TaskState.FAILED:
        return (
            f'<p class="timbre-bad" role="alert"><b>{escape(task.error)}</b>'
            f" {escape(task.hint)}</p>{notes}"
        )
    if task.state is TaskState.STOPPED:
        return f'<p class="timbre-line" role="status">Stopped.</p>{notes}'
    if task.state is TaskState.DONE:
        return notes
    facts = [task.stage] + ([f"{clock(task.eta)} left"] if task.eta is not None else [])
    value = "" if task.fraction is None else f' value="{task.fraction:.4f}"'
    return (
        f'<div class="timbre-status"><p class="timbre-line" role="status">{escape(" · ".join(facts))}</p>'
        f'<progress max="1"{value} aria-label="Progress"></progress>{notes}</div>'
    )


def report(found: ReferenceReport, title: str = "") -> str:
    """The findings with their remedies, the worst first."""
    ranked = sorted(found.findings, key=lambda finding: _ORDER.index(finding.level))
    rows = "".join(_finding(finding) for finding in ranked)
    heading = f"<b>{escape(title)}</b> " if title else ""
    return (
        f'<div class="timbre-report"><p class="timbre-verdict timbre-{found.level}" role="status">{heading}'
        f"{_SUMMARY[found.level]}</p><ul>{rows}</ul></div>"
    )


def _finding(finding: Finding) -> str:
    remedy = f' <span class="timbre-remedy">{escape(finding.remedy)}</span>' if finding.remedy else ""
    return (
        f'<li class="timbre-{finding.level}"><b>{_WORDS[finding.level]}</b>'
        f"<span>{escape(finding.message)}{remedy}</span></li>"
    )
