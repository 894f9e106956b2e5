"""What the page shows of models, as HTML. Everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from engines.base import Placement
from engines.manager import ManagerState
from studio.jobs import Job, JobStatus
from studio.models.publishing import size_text
from studio.models.registry import MODELS, ModelEntry
from studio.models.validation import ModelReport, ModelState
from studio.services.models import DOWNLOAD, DiskUse, ModelStatus
from tabs.speech.view import clock, line

_MAX_PROBLEMS = 8

_STATES: Mapping[ModelState, str] = {
    ModelState.ABSENT: "not here",
    ModelState.PARTIAL: "incomplete",
    ModelState.INVALID: "damaged",
    ModelState.VALID: "ready",
}


def state(status: ModelStatus) -> str:
    """How a model stands, in a few words."""
    job = status.download
    if job is not None and job.status is JobStatus.QUEUED:
        return "waits for another download"
    if job is not None and job.status.active:
        word = "downloading" if job.kind == DOWNLOAD else "being made"
        return f"{word}, {job.fraction:.0%}" if job.fraction is not None else word
    words = _STATES[status.report.state]
    if status.loaded:
        return f"{words}, loaded"
    if job is not None and job.status in (JobStatus.FAILED, JobStatus.INTERRUPTED):
        return f"{words}; the last try failed"
    return words


def size(status: ModelStatus) -> str:
    """What it takes, or would take, on the disk."""
    if status.report.size_bytes:
        return f"{size_text(status.report.size_bytes)} on disk"
    published = status.entry.published_bytes
    return f"{size_text(published)} to download" if published else ""


def progress(job: Job, now: float) -> str:
    """How a job comes along: stage with the speed, amount, time left. `now` in Unix seconds."""
    facts = [job.stage or ("waiting" if job.status is JobStatus.QUEUED else "starting")]
    if job.kind == DOWNLOAD and job.total:
        facts.append(f"{size_text(job.step)} of {size_text(job.total)}")
    eta = job.eta(now)
    if eta is not None:
        facts.append(f"{clock(eta)} left")
    bar = '<progress aria-label="Progress"></progress>'
    if job.fraction is not None:
        bar = (
            f'<progress max="1" value="{job.fraction:.4f}" aria-label="Progress">'
            f"{job.fraction:.0%}</progress>"
        )
    told = " · ".join(escape(fact) for fact in facts)
    return (
        f'<div class="timbre-status"><p class="timbre-line" role="status">{escape(job.title)}: {told}</p>'
        f"{bar}</div>"
    )


def failure(job: Job, log: str) -> str:
    """Why a job ended badly, and the end of its log folded below."""
    if job.status is JobStatus.CANCELLED:
        return line("The download was stopped. What came until then is kept, and gone on from.")
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


def problems(report: ModelReport) -> str:
    """Which files are missing or wrong, and why that matters."""
    shown = "".join(f"<li>{escape(problem.message)}</li>" for problem in report.problems[:_MAX_PROBLEMS])
    more = len(report.problems) - _MAX_PROBLEMS
    if more > 0:
        shown += f"<li>and {more} more</li>"
    return f'<ul class="timbre-list">{shown}</ul>' if shown else ""


def table(statuses: Sequence[ModelStatus], chosen: str) -> str:
    """All models, a row each; the name in it chooses the model (assets/timbre.js)."""
    rows, family = "", ""
    for status in statuses:
        if status.entry.family != family:
            family = status.entry.family
            rows += (
                f'<tr class="timbre-family"><th colspan="6" scope="rowgroup">{escape(family)}</th></tr>'
            )
        rows += _row(status, status.entry.key == chosen)
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Model", "State", "Size", "Graphics memory", "Serves", "Licence")
    )
    return (
        f'<table class="timbre-table" id="models-list"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(status: ModelStatus, chosen: bool) -> str:
    entry = status.entry
    cells = (state(status), size(status), _memory(entry), entry.serves, entry.license)
    marks = ' class="timbre-chosen" aria-current="true"' if chosen else ""
    return (
        f'<tr{marks}><th scope="row"><button type="button" class="timbre-pick"'
        f' data-pick="{escape(entry.key)}">{escape(entry.label)}</button></th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )


def _memory(entry: ModelEntry) -> str:
    return f"about {entry.vram_gb:g} GB of memory" if entry.vram_gb else ""


def details(status: ModelStatus, target: str, log: str, now: float) -> str:
    """One model: how it stands, what is wrong with it, where it lies or would lie, its licence."""
    entry, job = status.entry, status.download
    parts = [f"<h3>{escape(entry.label)}</h3>", line(f"State: {state(status)}.")]
    parts.append(problems(status.report))
    if job is not None:
        parts.append(progress(job, now) if status.busy else failure(job, log))
    where = "Folder" if status.report.folder else "It will go to"
    parts.append(f'<p class="timbre-line">{where}: <code id="models-where">{escape(target)}</code></p>')
    licence = escape(entry.license)
    if entry.license_url.startswith("https://"):
        licence = f'<a href="{escape(entry.license_url)}" target="_blank" rel="noreferrer">{licence}</a>'
    parts.append(f'<p class="timbre-line">Licence: {licence}. {escape(entry.serves)}.</p>')
    return "".join(parts)


def loaded(engines: ManagerState, labels: Mapping[str, str]) -> str:
    """What is in memory, where and why; `labels` are those of the engines, by id."""
    lines = []
    for engine in engines.engines:
        label = escape(labels.get(engine.id, engine.id))
        if engine.model:
            lines.append(f"<b>{escape(name_of(engine.model))}</b> is loaded{where(engine.placement)}")
        if engine.load_error:
            lines.append(f"{label} could not be loaded last time: {escape(engine.load_error)}")
    if not lines:
        lines.append("No model is in memory. One is loaded when it is first wanted, or with Load now.")
    return "".join(f'<p class="timbre-line">{said}</p>' for said in lines)


def where(placement: Placement | None) -> str:
    """The end of a sentence on what is loaded: the place with its reason, and the warning."""
    if placement is None:
        return "."
    return f" on {escape(placement.reason)}. {escape(placement.warning)}".rstrip()


def disk(use: DiskUse) -> str:
    folders = ", ".join(f"<code>{escape(str(folder))}</code>" for folder in use.folders)
    return (
        f'<p class="timbre-line">Models take {size_text(use.used)}; {size_text(use.free)} are free.'
        f" They lie in {folders}.</p>"
    )


def missing(statuses: Iterable[ModelStatus], engine: str, mode: str) -> str:
    """Why an engine cannot speak in a mode yet: no model of it is whole."""
    needed = f"{engine} needs a model before it can speak here, and none is ready."
    return f"<p><b>{escape(needed)}</b></p>{incomplete(statuses)}"


def incomplete(statuses: Iterable[ModelStatus]) -> str:
    """What is wrong with the models that are there, but not whole."""
    parts = []
    for status in statuses:
        if status.report.state in (ModelState.PARTIAL, ModelState.INVALID):
            parts.append(line(f"{status.entry.label} is {_STATES[status.report.state]}:"))
            parts.append(problems(status.report))
    return "".join(parts)


def name_of(key: str) -> str:
    """The model's name for people."""
    return MODELS[key].label if key in MODELS else key
