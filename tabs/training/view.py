"""Runs and what they would take, as HTML. Names and texts are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from html import escape
from typing import Any

from studio.dataset.targets import TARGETS
from studio.errors import StudioError
from studio.jobs import Job, JobStatus
from studio.models.publishing import size_text
from studio.runs.presets import Proposal
from studio.runs.values import LORA_TARGETS, LoraOptions, Method, RunSettings
from studio.services.dataset_values import DatasetSummary
from studio.services.run_values import Base, Estimate, LeftOutClip, Run, RunSummary
from tabs.datasets.view import minutes
from tabs.run_view import PRACTICE, STATES, bad, count, entries, kind, noted
from tabs.speech.view import clock, line
from tabs.training import form
from tabs.training.history import History
from tabs.training.tab import ID

NOTHING_CHOSEN = line("Runs that you start are listed here, and the chosen one is followed.")
NO_DATASET = line("There is no data set with anything to train on. Make one in the Data sets tab first.")

#: More than these are counted, not named.
_MOST_WARNINGS, _MOST_LEFT_OUT = 6, 100

#: Of a run's settings, told elsewhere.
_TOLD = frozenset({"family", "base", "dataset", "method", "lora", "sentences"})


def dataset_label(each: DatasetSummary) -> str:
    """A data set among others to choose from."""
    if not each.kept:
        return f"{each.name} (nothing kept yet)"
    facts = [minutes(each.kept_s), each.language, f"for {TARGETS[each.target].label}"]
    return f"{each.name} ({', '.join(fact for fact in facts if fact)})"


def base_label(base: Base) -> str:
    """A model among others to choose from."""
    if base.problem:
        return f"{base.label} ({'cannot be used yet' if base.installed else 'not on this machine'})"
    return base.label


def no_base(family: str) -> str:
    return line(f"There is no model of {family} to begin with. Get one in the Models tab.")


def problem(error: StudioError) -> str:
    return bad(str(error))


def reasons(proposal: Proposal) -> str:
    """Why the settings are as they are."""
    told = "".join(
        f"<dt>{escape(form.label_of(name))}</dt><dd>{escape(reason)}</dd>"
        for name, reason in proposal.reasons.items()
    )
    return f'<dl class="timbre-reasons">{told}</dl>' if told else ""


def estimate(found: Estimate) -> str:
    """What the run would take, what keeps it from starting, and what to change."""
    took = "not known yet" if found.seconds is None else f"about {_span(found.seconds)}"
    facts = {
        "To train on": f"{count(found.clips, 'clip')}, {minutes(found.clips_s)}",
        "Steps": f"{found.steps:,}",
        "Time": took,
        "Memory": _of_free(found.memory_mb, found.available_mb),
        "On": found.device,
        "Disk": _of_free(found.disk_mb, found.disk_free_mb),
    }
    tight = not found.fits and not found.problems  # the advice says what to change
    fits = bad("It will hardly fit as it is.") if tight else ""
    return (
        f"{''.join(bad(words) for words in found.problems)}{fits}"
        f"{''.join(noted(words) for words in found.advice)}{_figures(facts)}"
    )


def listed(found: Sequence[RunSummary], chosen: str) -> str:
    """The runs as a list to choose from."""
    empty = line("No runs yet. Choose a data set, and press “Start training”.")
    return entries(found, chosen, ID, _in_short) or empty


def head(run: Run) -> str:
    """Which run is chosen, and what it is."""
    facts = [
        kind(run),
        f"on {run.base_label}",
        f"of “{run.dataset_name}”",
    ]
    note = f'<p class="timbre-line timbre-lines">{escape(run.note)}</p>' if run.note else ""
    return (
        f'<div class="timbre-remember" data-key="run" data-value="{escape(run.id)}">'
        f"<h3>{escape(run.name)}</h3>"
        f'<p class="timbre-line">{escape(" · ".join(facts))} {PRACTICE if run.practice else ""}</p>'
        f"{bad(run.problem) if run.problem else ''}{note}</div>"
    )


def status(run: Run, job: Job | None, ahead: int, now: float) -> str:
    """How it stands, or why it ended."""
    if job is None:
        return noted(_told_by_files(run))
    if job.status is JobStatus.QUEUED:
        before = count(ahead, "run")
        words = f"It waits for {before} before it." if ahead else "It is about to start."
        return noted(words)
    if job.status is JobStatus.RUNNING:
        return _progress(job, now)
    if job.status is JobStatus.DONE:
        return _done(run, job)
    if job.status is JobStatus.CANCELLED:
        return noted("Stopped. What is trained is kept, and “Go on” trains from there.")
    if job.status is JobStatus.INTERRUPTED:
        why = job.message or "It was interrupted."
        return noted(f"{why} What is trained is kept, and “Go on” trains from there.")
    return (
        f'<div class="timbre-bad" role="alert"><b>{escape(job.message)}</b>'
        f' <span class="timbre-lines">{escape(job.hint)}</span></div>'
    )


def start_label(run: Run | None) -> str:
    return "Go on" if run is not None and run.resumable else "Start"


def figures(run: Run, history: History) -> str:
    """Where it is, as figures, with what was said of its epochs."""
    last, best = run.latest, history.best_eval
    if last is None:
        return ""
    facts = {
        "Epoch": f"{last.epoch:.2f} of {run.epochs}",
        "Step": f"{last.step:,}",
        "Loss": loss(last.loss),
        "Eval loss": loss(history.epochs[-1].eval_loss if history.epochs else None),
        "Lowest": f"{loss(best.eval_loss)}, epoch {best.epoch:.0f}" if best else "",
        "Learning rate": f"{last.learning_rate:.2g}" if last.learning_rate is not None else "",
        "Speed": f"{last.clips_per_s:.2g} clips/s" if last.clips_per_s else "",
        "A step": _short(history.step_seconds),
        "Memory": _mb(last.memory_mb) if last.memory_mb is not None else "",
        "Padding": f"{last.padding:.0%}" if last.padding is not None else "",
        "Trained for": clock(last.time),
        "Checkpoints": f"{len(run.epochs_saved)}, {size_text(run.size)}" if run.epochs_saved else "",
    }
    warned = history.warnings
    notes = [f"Epoch {epoch}: {said}" for epoch, said in warned[:_MOST_WARNINGS]]
    if len(warned) > _MOST_WARNINGS:
        notes.append(f"and {len(warned) - _MOST_WARNINGS} notes on earlier epochs")
    if history.skipped:
        notes.append(f"{count(history.skipped, 'step')} left out, for the loss was no number.")
    return _figures(facts) + "".join(noted(words) for words in notes)


def log(text: str) -> str:
    """The end of the log."""
    if not text.strip():
        return line("Nothing has been written yet.")
    return f'<div class="timbre-log" tabindex="0" role="region" aria-label="Log"><pre>{escape(text)}</pre></div>'


def details(run: Run, left_out: Sequence[LeftOutClip], command: str) -> str:
    """Its settings, the clips that are not trained on, and how to train it on several cards."""
    return (
        f"{settings_table(run.settings)}{_left_out(left_out)}"
        f"<h4>On several cards or machines</h4>"
        f'<pre class="timbre-command" tabindex="0">{escape(command)}</pre>'
    )


def settings_table(settings: RunSettings) -> str:
    """What a run was asked to do."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in settings_told(settings)
    )
    return (
        f'<table class="timbre-table"><caption class="timbre-hidden">Settings</caption>'
        f"<tbody>{rows}</tbody></table>"
    )


def settings_told(settings: RunSettings) -> list[tuple[str, str]]:
    """The settings as people read them, but those of family, base and data set."""
    rows = [
        (form.label_of(field.name), _value(getattr(settings, field.name)))
        for field in fields(settings)
        if field.name not in _TOLD
    ]
    if settings.method is Method.LORA:
        rows.append(("LoRA", _lora(settings.lora, settings)))
    if settings.sentences:
        rows.append(("Sentences", " / ".join(settings.sentences)))
    return rows


def _lora(lora: LoraOptions, settings: RunSettings) -> str:
    layers = lora.targets or LORA_TARGETS[settings.family]
    heads = f"; heads {', '.join(lora.heads)}" if lora.heads else ""
    return f"rank {lora.rank}, alpha {lora.alpha}, dropout {lora.dropout:g}; {', '.join(layers)}{heads}"


def _value(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def _left_out(clips: Sequence[LeftOutClip]) -> str:
    if not clips:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(clip.audio)}</th><td>{escape(clip.reason)}</td></tr>'
        for clip in clips[:_MOST_LEFT_OUT]
    )
    more = len(clips) - _MOST_LEFT_OUT
    return (
        f"<h4>{count(len(clips), 'clip')} not trained on</h4>"
        f'<table class="timbre-table"><tbody>{rows}</tbody></table>'
        f"{line(f'and {more:,} more') if more > 0 else ''}"
    )


def _in_short(each: RunSummary) -> list[str]:
    epochs = f"{each.epochs_saved[-1]} of {count(each.epochs, 'epoch')}" if each.epochs_saved else ""
    return [
        STATES[each.state],
        kind(each),
        epochs or count(each.epochs, "epoch"),
        f"best {each.best}" if each.best is not None else "",
        "practice" if each.practice else "",
    ]


def _progress(job: Job, now: float) -> str:
    eta = job.eta(now)
    facts = [job.stage or "starting", f"{job.fraction:.0%}" if job.fraction is not None else ""]
    facts += [f"{clock(eta)} left" if eta is not None else "", "stopping" if job.cancel else ""]
    value = "" if job.fraction is None else f' value="{job.fraction:.4f}"'
    told = " · ".join(escape(fact) for fact in facts if fact)
    return (
        f'<div class="timbre-status"><p class="timbre-line" role="status">{told}</p>'
        f'<progress max="1"{value} aria-label="Progress of the run"></progress></div>'
    )


def _told_by_files(run: Run) -> str:
    """How a run stands that no job is known of."""
    return {
        "new": "It has not been started.",
        "done": f"Done: {_saved(run)}.",
        "interrupted": "It was interrupted. “Go on” trains it from where it was.",
        "imported": f"Its checkpoints were not trained here: {run.imported}.",
    }.get(run.state, "")


def _done(run: Run, job: Job) -> str:
    result = job.result if isinstance(job.result, dict) else {}
    notes = [str(note) for note in result.get("notes", ())]
    return noted(f"Done: {_saved(run)}.") + "".join(noted(note) for note in notes)


def _saved(run: Run) -> str:
    told = f"{count(len(run.epochs_saved), 'checkpoint')} kept"
    return f"{told}, epoch {run.best} is the best" if run.best is not None else told


def _figures(facts: dict[str, str]) -> str:
    told = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items() if value
    )
    return f'<dl class="timbre-figures">{told}</dl>'


def loss(value: float | None) -> str:
    """A loss for people; nothing where it is not known."""
    return f"{value:.4g}" if value is not None else ""


def _short(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else clock(seconds)


def _span(seconds: float) -> str:
    return minutes(max(seconds, 1))


def _of_free(taken_mb: float, free_mb: float) -> str:
    """Nothing where it cannot be told, as of a model that is not here."""
    return f"{_mb(taken_mb)} of {_mb(free_mb)} free" if taken_mb else ""


def _mb(figure: float) -> str:
    return size_text(round(figure * 2**20))
