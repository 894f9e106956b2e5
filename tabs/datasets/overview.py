"""What limits would keep, while they are being moved; nothing changes before they are applied."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from tabs.datasets import charts, limits_form, view
from tabs.datasets.finding import chosen_one, found
from tabs.edge import owner_of


def prospect(
    studio: Studio, request: gr.Request, dataset: Dataset | None, values: Any = ()
) -> list[Any]:
    """In the order of `DatasetsTab.prospect`. `values`: of the sliders and boxes; () where they show
    the set's own limits."""
    if dataset is None or dataset.problem:
        return [view.NOTHING_CHOSEN if dataset is None else "", "", *_buttons(False)]
    owner, saved = owner_of(request), dataset.settings.limits
    wanted = limits_form.limits_of(values, saved) if values else saved
    now = studio.datasets.outlook(dataset.id, owner)
    then = now if wanted == saved else studio.datasets.outlook(dataset.id, owner, wanted)
    return [
        charts.outlook(then, None if wanted == saved else now),
        charts.charts(then, wanted),
        *_buttons(wanted != saved),
    ]


def on_limits(studio: Studio, request: gr.Request, chosen: str, *values: Any) -> list[Any]:
    """A slider was moved."""
    return prospect(studio, request, found(studio, request, chosen), values)


def on_apply(studio: Studio, request: gr.Request, chosen: str, *values: Any) -> None:
    """Keep what these limits keep, from now on."""
    dataset = chosen_one(studio, request, chosen)
    limits = limits_form.limits_of(values, dataset.settings.limits)
    studio.datasets.apply(dataset.id, owner_of(request), limits)
    gr.Info("Applied. Nothing is lost: move the limits back whenever you like.")


def on_reset(studio: Studio, request: gr.Request, chosen: str) -> list[Any]:
    """The saved limits again: the sliders and boxes, then what `prospect` fills."""
    dataset = chosen_one(studio, request, chosen)
    return [
        *limits_form.values_of(dataset.settings.limits),
        *prospect(studio, request, dataset),
    ]


def _buttons(differs: bool) -> tuple[Any, Any]:
    return gr.Button(interactive=differs), gr.Button(interactive=differs)
