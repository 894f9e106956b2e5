"""A new run while it is being chosen: what is proposed for the data set, and what it would take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.dataset.targets import TARGETS
from studio.errors import BadInput, StudioError
from studio.runs.presets import LABELS, Preset
from studio.runs.values import Family, Method, RunSettings
from studio.services.studio import Studio
from tabs.edge import owner_of
from tabs.training import form, view

#: What is chosen before all else; a proposal follows from it.
CHOICE = ("dataset", "family", "base", "method", "preset")

FAMILIES = [(TARGETS[family.value].label, family.value) for family in Family]
METHODS = [("LoRA: quick, small", Method.LORA.value), ("Full: every weight", Method.FULL.value)]
PRESETS = [(LABELS[preset], preset.value) for preset in Preset]


def on_choice(
    studio: Studio,
    changed: str,
    request: gr.Request,
    dataset: str | None,
    family: str,
    base: str | None,
    method: str,
    preset: str,
) -> list[Any]:
    """One of `CHOICE` is another: what is proposed then, in the order of `proposed`."""
    if changed == "dataset":
        family = _target(studio, request, dataset) or family
    return proposed(studio, request, dataset, family, base, method, preset)


def proposed(
    studio: Studio,
    request: gr.Request,
    dataset: str | None,
    family: str,
    base: str | None,
    method: str,
    preset: str,
) -> list[Any]:
    """In the order of `TrainTab.prospect`."""
    kind, (bases, begin) = Family(family), _bases(studio, request, family, base)
    choice = [_datasets(studio, request, dataset), family, bases, method, preset]
    nothing = [gr.skip()] * len(form.names())
    if not dataset:
        return [*choice, *nothing, "", *_outlook(view.NO_DATASET)]
    if not begin:
        return [*choice, *nothing, "", *_outlook(view.no_base(TARGETS[family].label))]
    owner = owner_of(request)
    try:
        found = studio.runs.propose(kind, Method(method), Preset(preset), dataset, owner, begin)
    except StudioError as error:  # the data set has been deleted meanwhile
        return [*choice, *nothing, "", *_outlook(view.problem(error))]
    return [
        *choice,
        *form.values_of(found.settings),
        view.reasons(found),
        *outlook(studio, request, found.settings),
    ]


def outlook(studio: Studio, request: gr.Request, settings: RunSettings) -> list[Any]:
    """In the order of `TrainTab.outlook`."""
    found = studio.runs.estimate(settings, owner_of(request))
    return _outlook(view.estimate(found), not found.problems)


def on_fields(studio: Studio, request: gr.Request, *asked: Any) -> list[Any]:
    """A setting was changed by hand: what the run would take now."""
    try:
        settings = order_of(asked)
    except BadInput as error:
        return _outlook(view.problem(error))
    return outlook(studio, request, settings)


def order_of(asked: Sequence[Any]) -> RunSettings:
    """What the form asks for. Raises BadInput."""
    dataset, family, base, method, _ = asked[: len(CHOICE)]
    if not dataset:
        raise BadInput("No data set is chosen.", "Make one in the Data sets tab first.")
    if not base:
        raise BadInput("No base model is chosen.", "Get one in the Models tab first.")
    return form.settings_of(asked[len(CHOICE) :], Family(family), Method(method), base, dataset)


def on_show(studio: Studio, request: gr.Request, *asked: Any) -> list[Any]:
    """The tab comes into view. What was chosen stays, with what there is to choose from as it is now;
    a fresh form is filled for the newest data set that is ready."""
    dataset, family, base, method, preset = asked[: len(CHOICE)]
    known = {each.id for each in studio.datasets.list(owner_of(request))}
    if dataset not in known or not base:
        ready = dataset if dataset in known else _ready(studio, request)
        family = _target(studio, request, ready) or family
        return proposed(studio, request, ready, family, base, method, preset)
    choice = [
        *(_datasets(studio, request, dataset), gr.skip()),
        *(_bases(studio, request, family, base)[0], gr.skip(), gr.skip()),
    ]
    untouched = [gr.skip()] * len(form.names())
    return [*choice, *untouched, gr.skip(), *on_fields(studio, request, *asked)]


def _outlook(words: str, able: bool = False) -> list[Any]:
    return [words, gr.Button(interactive=able)]


def _target(studio: Studio, request: gr.Request, dataset: str | None) -> str | None:
    """The family that the data set was prepared for."""
    for each in studio.datasets.list(owner_of(request)):
        if each.id == dataset:
            return each.target
    return None


def _ready(studio: Studio, request: gr.Request) -> str | None:
    """The set that changed last of those that have something to train on."""
    ready = [each for each in studio.datasets.list(owner_of(request)) if each.kept]
    return max(ready, key=lambda each: each.changed).id if ready else None


def _datasets(studio: Studio, request: gr.Request, chosen: str | None) -> gr.Dropdown:
    found = studio.datasets.list(owner_of(request))
    known = [(view.dataset_label(each), each.id) for each in found]
    return gr.Dropdown(choices=known, value=chosen if chosen in {id for _, id in known} else None)


def _bases(
    studio: Studio, request: gr.Request, family: str, chosen: str | None
) -> tuple[gr.Dropdown, str]:
    """The models to begin with, and of them the chosen one where the family has it, else the first."""
    found = studio.runs.bases(Family(family), owner_of(request))
    keys = [base.key for base in found]
    value = chosen if chosen in keys else next(iter(keys), "")
    known = [(view.base_label(base), base.key) for base in found]
    return gr.Dropdown(choices=known, value=value or None), value or ""
