"""What the tabs of training runs share: which run is meant, and how it is listed and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

import gradio as gr

from studio.dataset.targets import TARGETS
from studio.errors import BadInput, Damaged, NotFound
from studio.library import Damage
from studio.runs.values import Method
from studio.services.run_values import Run, RunSummary
from studio.services.studio import Studio
from tabs.edge import owner_of

STATES = {
    "new": "not started",
    "queued": "waiting for its turn",
    "training": "training",
    "done": "done",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "failed": "failed",
    "imported": "imported",
}
METHODS = {Method.LORA: "LoRA", Method.FULL: "full"}
PRACTICE = '<span class="timbre-tag">practice: it speaks noise</span>'


def found(studio: Studio, request: gr.Request, chosen: str) -> Run | None:
    """None where it was deleted meanwhile, is somebody else's, or cannot be read: then it is told beside
    the list (`damaged`), which is there all the same."""
    if not chosen:
        return None
    try:
        return studio.runs.get(chosen, owner_of(request))
    except (NotFound, Damaged):
        return None


def chosen_run(studio: Studio, request: gr.Request, chosen: str) -> Run:
    """Raises BadInput where none is chosen, NotFound."""
    if not chosen:
        raise BadInput("No run is chosen.", "Choose one in the list, or start one in the Train tab.")
    return studio.runs.get(chosen, owner_of(request))


def kind(run: RunSummary) -> str:
    """What is trained, and how."""
    return f"{TARGETS[run.family.value].label}, {METHODS[run.method]}"


def entries(
    runs: Iterable[RunSummary], chosen: str, tab: str, facts: Callable[[RunSummary], Sequence[str]]
) -> str:
    """The runs as a list to choose from, with the `facts` of each that there are; "" for none. What is
    pressed is told to the box `<tab>-picked` (data-into: assets/transcribe.js)."""
    rows = "".join(
        f'<li><button type="button" class="timbre-entry" data-into="{tab}-picked"'
        f' data-value="{escape(each.id)}" aria-current="{"true" if each.id == chosen else "false"}">'
        f"<b>{escape(each.name)}</b><span>{escape(' · '.join(filter(None, facts(each))))}</span></button></li>"
        for each in runs
    )
    return f'<ul class="timbre-entries" aria-label="Runs">{rows}</ul>' if rows else ""


def damaged(those: Sequence[Damage]) -> str:
    """Those that cannot be read; the others are unharmed."""
    return "".join(bad(f"A run is set aside: {each.message}") for each in those)


def noted(sentence: str) -> str:
    """Nothing for nothing."""
    return f'<p class="timbre-note" role="status">{escape(sentence)}</p>' if sentence else ""


def bad(sentence: str) -> str:
    return f'<p class="timbre-bad" role="alert">{escape(sentence)}</p>'


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
