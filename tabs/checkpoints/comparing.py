"""The curves of the chosen run, and another one's laid over them, with what else sets the two apart."""

from __future__ import annotations

from html import escape

from studio.dataset.targets import TARGETS
from studio.models.publishing import size_text
from studio.services.run_values import Run
from tabs.plots import Curve, plot
from tabs.speech.view import clock, line
from tabs.training import history as curves_of
from tabs.training.history import History
from tabs.training.view import loss, settings_told

_NONE = line("There are no curves: nothing is known of how it was trained.")


def curves(run: Run, own: History, other: Run | None, others: History) -> str:
    """As plots, and in words what of the two is different."""
    if other is None:
        return curves_of.plots(own) or _NONE
    runs = ((run, own, False), (other, others, True))
    drawn = plot(
        "Loss while training",
        "epoch",
        [
            Curve(each.name, curves_of.loss_curve(history), 1 + 3 * dashed, dashed=dashed)
            for each, history, dashed in runs
        ],
    ) + plot(
        "Eval loss",
        "epoch",
        [
            Curve(each.name, curves_of.eval_curve(history), 2 + dashed, dashed=dashed, dots=True)
            for each, history, dashed in runs
        ],
    )
    plots = f'<div class="timbre-plots">{drawn}</div>' if drawn else _NONE
    return f"{plots}{_caution(run, other)}{_table(run, own, other, others)}"


def _caution(run: Run, other: Run) -> str:
    """Where losses say nothing of each other."""
    if run.family is not other.family:
        return line(
            f"The losses of {TARGETS[run.family.value].label} and {TARGETS[other.family.value].label}"
            " are not of one kind: compare their samples, not their curves."
        )
    if run.dataset != other.dataset:
        return line("The two were trained on different data sets, so compare their curves with care.")
    return ""


def _table(run: Run, own: History, other: Run, others: History) -> str:
    """What they came to, and the settings that are not the same."""
    first, second = _facts(run, own), _facts(other, others)
    first |= dict(settings_told(run.settings))
    second |= dict(settings_told(other.settings))
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f'<td data-head="{escape(run.name)}">{escape(first.get(name) or "–")}</td>'
        f'<td data-head="{escape(other.name)}">{escape(second.get(name) or "–")}</td></tr>'
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    )
    heads = "".join(
        f'<th scope="col">{escape(name)}</th>' for name in ("Different", run.name, other.name)
    )
    if not rows:
        return line("In all else the two are the same.")
    return (
        '<table class="timbre-table timbre-cards"><caption class="timbre-hidden">What sets the two apart'
        f"</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _facts(run: Run, history: History) -> dict[str, str]:
    best = history.best_eval
    last = history.epochs[-1] if history.epochs else None
    return {
        "Lowest eval loss": f"{loss(best.eval_loss)}, epoch {best.epoch:.0f}" if best else "",
        "Loss at the end": loss(last.loss) if last and last.epoch else "",
        "Trained for": clock(history.steps[-1].time) if history.steps else "",
        "Size": size_text(run.size),
        "Family": TARGETS[run.family.value].label,
        "Base": run.base_label,
        "Data set": run.dataset_name,
    }
