"""Runs and their epochs as HTML. Names and texts are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from studio.models.publishing import size_text
from studio.models.trained import TrainedModel
from studio.runs.values import Checkpoint, Method, StepRow
from studio.services.run_values import Run, RunSummary
from tabs.checkpoints.tab import ID
from tabs.frame import anew
from tabs.run_view import PRACTICE, STATES, bad, count, entries, kind
from tabs.speech.view import line
from tabs.training.history import History
from tabs.training.view import loss, settings_table

NOTHING_CHOSEN = line(
    "Choose a run: its epochs, its curves and what can be done with it are shown here."
)
NO_OTHER = ("Nothing", "")
ANY_BASE = ("Any that it fits", "")

IMPORTING = (
    "A LoRA adapter or a whole model of XTTS v2 or Qwen3-TTS. Nothing in it is run. With an adapter give"
    " its adapter_config.json as well."
)
MERGING = "The adapter is added to its base model: a run of its own, which needs the base no more."
EXPORTING = "What the family's own package loads: a whole model, with the voice that was trained."


def listed(found: Sequence[RunSummary], chosen: str) -> str:
    """The runs as a list to choose from."""
    empty = line("No runs yet. Train a voice in the Train tab, or import a checkpoint below.")
    return entries(found, chosen, ID, _in_short) or empty


def others(found: Sequence[RunSummary], run: Run | None) -> tuple[tuple[str, str], ...]:
    """The runs that can be compared with `run`."""
    rest = [each for each in found if run is not None and each.id != run.id]
    return (NO_OTHER, *((f"{each.name} ({kind(each)})", each.id) for each in rest))


def head(run: Run | None) -> str:
    """Which run is chosen, and what it is."""
    if run is None:
        return NOTHING_CHOSEN
    facts = [
        STATES[run.state],
        kind(run),
        f"on {run.base_label}" if run.base_label else "",
        f"of “{run.dataset_name}”" if run.dataset_name else "",
        run.language,
        size_text(run.size),
        f"of {_day(run.created)}",
    ]
    came = line(f"It was not trained here; it came from {run.imported}.") if run.imported else ""
    note = f'<p class="timbre-line timbre-lines">{escape(run.note)}</p>' if run.note else ""
    told = escape(" · ".join(fact for fact in facts if fact))
    return (
        f'<div class="timbre-remember" data-key="checkpoint-run" data-value="{escape(run.id)}">'
        f'<h3>{escape(run.name)}</h3><p class="timbre-line">{told} {PRACTICE if run.practice else ""}</p>'
        f"{bad(run.problem) if run.problem else ''}{came}{note}</div>"
    )


def epochs(run: Run, chosen: Checkpoint | None, history: History) -> str:
    """The checkpoints as a table, of which one is chosen; arrows move between them."""
    if not run.checkpoints:
        return line("It has no checkpoint yet. Each appears here as soon as it is saved.")
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Epoch", "Steps", "Loss", "Eval loss", "What was heard", "Size", "Saved")
    )
    said = {int(row.epoch): row for row in history.epochs}
    rows = "".join(_epoch(run, each, each == chosen, said.get(each.epoch)) for each in run.checkpoints)
    # What a person has chosen in one table would stay chosen in the next.
    return anew(
        '<div class="timbre-scroll"><table class="timbre-table timbre-cards timbre-checkpoints">'
        f'<caption class="timbre-hidden">Epochs of {escape(run.name)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def choice(run: Run, checkpoint: Checkpoint | None, model: TrainedModel | None) -> str:
    """The chosen epoch, and what it is as a model."""
    if checkpoint is None:
        return ""
    facts = [
        "an adapter over its base model" if checkpoint.method is Method.LORA else "a whole model",
        size_text(checkpoint.size),
        "the best of its run" if checkpoint.best else "",
        f"with the voice of {checkpoint.speaker or 'its data set'}" if model and model.has_voice else "",
    ]
    silent = bad("Its base model is not known here, so it cannot speak.") if model is None else ""
    told = escape(" · ".join(fact for fact in facts if fact))
    return (
        f'<div class="timbre-remember" data-key="checkpoint-epoch" role="status"'
        f' data-value="{escape(f"{run.id}:{checkpoint.epoch}")}"><h4>Epoch {checkpoint.epoch}</h4>'
        f'<p class="timbre-line">{told}</p>{silent}</div>'
    )


def details(run: Run) -> str:
    """What the run was asked to do."""
    return line("How it was trained is not known.") if run.imported else settings_table(run.settings)


def epoch_question(run: Run, checkpoint: Checkpoint) -> str:
    """Asked before a checkpoint goes."""
    return _question(
        f"Delete epoch {checkpoint.epoch} of “{run.name}” for good?",
        f"It frees {size_text(checkpoint.size)}. What was spoken at its end stays.",
    )


def run_question(run: Run) -> str:
    """Asked before a run goes."""
    return _question(
        f"Delete “{run.name}” for good?",
        f"Its {count(len(run.epochs_saved), 'checkpoint')}, samples and curves go: it frees"
        f" {size_text(run.size)}. Its data set and what was made of it stay.",
    )


def _epoch(run: Run, each: Checkpoint, chosen: bool, row: StepRow | None) -> str:
    cells = {
        "Steps": f"{each.steps:,}" if each.steps else "",
        "Loss": loss(each.loss),
        "Eval loss": loss(each.eval_loss),
        "What was heard": _heard(row),
        "Size": size_text(each.size),
        "Saved": _moment(each.created),
    }
    told = "".join(f'<td data-head="{head}">{escape(cell)}</td>' for head, cell in cells.items())
    best = ' <span class="timbre-tag">best</span>' if each.best else ""
    return (
        f'<tr><th scope="row"><label><input type="radio" name="{ID}-epoch" data-into="{ID}-picked-epoch"'
        f' data-value="{escape(f"{run.id}:{each.epoch}")}"{" checked" if chosen else ""}'
        f' aria-label="Epoch {each.epoch}"><span><span class="timbre-narrow">Epoch </span>{each.epoch}'
        f"{best}</span></label></th>{told}</tr>"
    )


def _heard(row: StepRow | None) -> str:
    """What the sentinel said of the epoch's samples."""
    if row is None or (row.heard is None and not row.warnings):
        return ""
    agreement = row.heard.agreement if row.heard else None
    understood = f"{agreement:.0%} understood" if agreement is not None else ""
    return "; ".join(fact for fact in (understood, *row.warnings) if fact) or "nothing amiss"


def _in_short(each: RunSummary) -> list[str]:
    return [
        STATES[each.state],
        kind(each),
        count(len(each.epochs_saved), "epoch") if each.epochs_saved else "no checkpoint",
        f"best {each.best}" if each.best is not None else "",
        size_text(each.size),
        _day(each.created),
        "practice" if each.practice else "",
    ]


def _question(question: str, consequence: str) -> str:
    return f'<p class="timbre-line" role="alert"><b>{escape(question)}</b> {escape(consequence)}</p>'


def _day(when: float) -> str:
    return datetime.fromtimestamp(when).strftime("%Y-%m-%d")


def _moment(when: float) -> str:
    return datetime.fromtimestamp(when).strftime("%Y-%m-%d %H:%M")
