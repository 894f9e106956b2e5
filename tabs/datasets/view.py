"""The list of data sets and what stands above the chosen one, as HTML. Names and texts are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from studio.dataset.targets import TARGETS
from studio.dataset.values import Source
from studio.jobs import Job, JobStatus
from studio.library import Damage
from studio.models.publishing import size_text
from studio.services.dataset_values import Dataset, DatasetInput, DatasetSummary
from tabs.datasets.tab import ID
from tabs.frame import view_row
from tabs.speech.view import clock, line

ANY = ("Any", "")
NOTHING_CHOSEN = line("Choose a data set, or make one of your recordings under “New data set”.")
COVERAGE_INTRODUCTION = line(
    "Which sounds and kinds of sentences of the language your texts have, and what to record next."
)

_VIEWS = {
    "overview": "Overview",
    "segments": "Segments",
    "coverage": "Coverage",
    "settings": "Files and settings",
}
_STATES = {
    "new": "not built yet",
    "building": "being built",
    "failed": "the build failed",
    "interrupted": "the build was interrupted",
}
#: More recordings than this are counted, not named.
_MOST_SOURCES = 200


def views() -> str:
    """The row that chooses what is shown of the set (assets/personalities.js)."""
    return view_row(ID, _VIEWS)


def listed(found: Sequence[DatasetSummary], chosen: str) -> str:
    """The sets as a list to choose from (data-into: assets/transcribe.js)."""
    if not found:
        return line("No data sets yet. Give one a name and recordings below, and build it.")
    rows = "".join(
        f'<li><button type="button" class="timbre-entry" data-into="{ID}-picked"'
        f' data-value="{escape(each.id)}" aria-current="{"true" if each.id == chosen else "false"}">'
        f"<b>{escape(each.name)}</b><span>{escape(_in_short(each))}</span>{_share(each)}</button></li>"
        for each in found
    )
    return f'<ul class="timbre-entries" aria-label="Data sets">{rows}</ul>'


def damaged(found: Sequence[Damage]) -> str:
    """Those that cannot be read; the others are unharmed."""
    return "".join(
        f'<p class="timbre-bad" role="alert">A data set is set aside: {escape(each.message)}</p>'
        for each in found
    )


def head(dataset: Dataset | None) -> str:
    """Which set is chosen, and its facts."""
    if dataset is None:
        return NOTHING_CHOSEN
    facts = [
        f"for {TARGETS[dataset.target].label}",
        dataset.language,
        _count(dataset.recordings, "recording"),
        _count(dataset.segments, "segment"),
        _several(dataset.speakers),
    ]
    told = " · ".join(escape(fact) for fact in facts if fact)
    notes = [_STATES[dataset.state].capitalize() + "." if dataset.state == "new" else "", dataset.stale]
    return (
        f'<div class="timbre-remember" data-key="dataset" data-value="{escape(dataset.id)}">'
        f'<h3>{escape(dataset.name)}</h3><p class="timbre-line">{told}</p>'
        f"{''.join(_noted(note) for note in (*notes, *dataset.notes) if note)}"
        f"{_bad(dataset.problem) if dataset.problem else ''}"
        f'{f"""<p class="timbre-line timbre-lines">{escape(dataset.note)}</p>""" if dataset.note else ""}'
        "</div>"
    )


def build_status(job: Job | None, log: str, now: float) -> str:
    """How the last build stands, or why it ended; nothing once it is done."""
    if job is None or job.status is JobStatus.DONE:
        return ""
    if job.status.active:
        return _progress(job, now)
    if job.status is JobStatus.CANCELLED:
        return _noted("Stopped. What is done is kept, and “Build it” goes on from there.")
    if job.status is JobStatus.INTERRUPTED:
        return _noted(
            f"{job.message or 'The build was interrupted.'} “Build it” goes on from where it was."
        )
    folded = (
        f'<details class="timbre-more"><summary>The end of its log</summary><pre>{escape(log)}</pre>'
        "</details>"
        if log.strip()
        else ""
    )
    return (
        f'<div class="timbre-bad" role="alert"><b>{escape(job.message)}</b>'
        f' <span class="timbre-lines">{escape(job.hint)}</span></div>{folded}'
    )


def inputs(dataset: Dataset | None) -> str:
    """What the set is built from, and the recordings that were found in it."""
    if dataset is None:
        return NOTHING_CHOSEN
    rows = "".join(_input(each, place) for place, each in enumerate(dataset.inputs))
    given = f'<ul class="timbre-inputs">{rows}</ul>' if rows else line("There are no recordings yet.")
    return f"<h4>Built from</h4>{given}{_sources(dataset.sources)}"


def question(kept: bool | None, number: int) -> str:
    """Asked before all that the filter shows is decided of."""
    words = {True: "Keep", False: "Drop", None: "Leave to the limits"}[kept]
    return (
        f'<p class="timbre-line" role="alert"><b>{words} all {number:,} segments that the filter shows?</b>'
        " What you decided of them one by one before is written over.</p>"
    )


def delete_question(dataset: Dataset, size: int) -> str:
    """Asked before a set of `size` bytes goes."""
    return (
        f'<p class="timbre-line" role="alert"><b>Delete “{escape(dataset.name)}” for good?</b> Its segments,'
        f" its texts and what was uploaded to it go, {size_text(size)} in all; recordings that lie elsewhere"
        " stay.</p>"
    )


def export_link(address: str, name: str) -> str:
    """Where a finished export can be taken from."""
    return (
        f'<p class="timbre-downloads"><a href="{escape(address)}" download="{escape(name)}">'
        f"Download {escape(name)}</a></p>"
    )


def minutes(seconds: float) -> str:
    """Seconds as a figure for people: "45 s", "4.2 min", "3.5 h"."""
    from studio.dataset.advice import amount

    return amount(seconds)


def _in_short(each: DatasetSummary) -> str:
    if not each.segments:
        return _STATES.get(each.state, "nothing in it")
    facts = [
        f"{minutes(each.kept_s)} of {minutes(each.total_s)}",
        _count(each.segments, "segment"),
        each.language,
        f"SNR {each.mean_snr_db:.0f} dB" if each.mean_snr_db is not None else "",
        _STATES.get(each.state, ""),
        "settings changed" if each.stale else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _share(each: DatasetSummary) -> str:
    if not each.segments:
        return ""
    said = f"{each.kept_share:.0%} kept"
    return (
        f'<i class="timbre-share" role="img" aria-label="{said}" title="{said}">'
        f'<i style="width:{100 * each.kept_share:.1f}%"></i></i>'
    )


def _progress(job: Job, now: float) -> str:
    eta = job.eta(now)
    waiting = "waiting for its turn" if job.status is JobStatus.QUEUED else "starting"
    facts = [job.stage or waiting, f"{job.fraction:.0%}" if job.fraction is not None else ""]
    facts += [f"{clock(eta)} left" if eta is not None else "", "stopping" if job.cancel else ""]
    value = "" if job.fraction is None else f' value="{job.fraction:.4f}"'
    told = " · ".join(escape(fact) for fact in facts if fact)
    return (
        f'<div class="timbre-status"><p class="timbre-line" role="status">{told}</p>'
        f'<progress max="1"{value} aria-label="Progress of the build"></progress></div>'
    )


def _input(given: DatasetInput, place: int) -> str:
    where = " <small>uploaded</small>" if given.uploaded else ""
    gone = ' <b class="timbre-gone">not there any more</b>' if given.missing else ""
    return (
        f"<li><span>{escape(given.name)}{where}{gone}</span>"
        f'<button type="button" class="timbre-small" data-into="{ID}-pressed" data-value="{place}"'
        f' aria-label="Remove {escape(given.name)}">Remove</button></li>'
    )


def _sources(sources: Sequence[Source]) -> str:
    if not sources:
        return ""
    bad = [source for source in sources if source.problem]
    shown = (bad + [source for source in sources if not source.problem])[:_MOST_SOURCES]
    rows = "".join(_source(source) for source in shown)
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("Recording", "Length", "Speech", "Speaker", "Texts")
    )
    more = len(sources) - len(shown)
    return (
        f"<h4>Recordings found in it</h4>"
        f'<table class="timbre-table timbre-cards"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>'
        f"</table>{line(f'and {more:,} more') if more else ''}"
    )


def _source(source: Source) -> str:
    name = f'<th scope="row">{escape(source.name)}</th>'
    if source.problem:
        told = f"<b>{escape(source.problem)}</b> {escape(source.hint)}"
        return f'<tr>{name}<td colspan="4" data-head="Problem"><div class="timbre-bad">{told}</div></td></tr>'
    cells: dict[str, Any] = {
        "Length": clock(source.duration),
        "Speech": clock(source.speech_s),
        "Speaker": source.speaker,
        "Texts": source.given or "recognised",
    }
    told = "".join(f'<td data-head="{head}">{escape(cell)}</td>' for head, cell in cells.items())
    return f"<tr>{name}{told}</tr>"


def _noted(sentence: str) -> str:
    return f'<p class="timbre-note" role="status">{escape(sentence)}</p>'


def _bad(sentence: str) -> str:
    return f'<p class="timbre-bad" role="alert">{escape(sentence)}</p>'


def _several(speakers: Sequence[str]) -> str:
    if len(speakers) < 2:
        return speakers[0] if speakers else ""
    return f"{len(speakers)} speakers"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
