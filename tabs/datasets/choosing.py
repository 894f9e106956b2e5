"""From a press in the list, a reload or the end of a build to everything that the page shows of a set."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.dataset.values import Limits, PrepareSettings
from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from tabs.datasets import limits_form, overview, reviewing, settings_form, working
from tabs.datasets.finding import chosen_one, found
from tabs.datasets.reviewing import query_of
from tabs.datasets.showing import page


def everything(studio: Studio, request: gr.Request, dataset: Dataset | None) -> list[Any]:
    """In the order of `DatasetsTab.everything`."""
    return [
        *page(studio, request, dataset),
        *overview.prospect(studio, request, dataset),
        *reviewing.table(studio, request, dataset, query_of(reviewing.EVERYTHING)),
        *forms(studio, dataset),
    ]


def forms(studio: Studio, dataset: Dataset | None) -> list[Any]:
    """The forms for another set, in the order of `DatasetsTab.forms`."""
    settings = dataset.settings if dataset else PrepareSettings()
    values = dict(zip(settings_form.names(), settings_form.values_of(settings), strict=True))
    values["language"] = settings_form.languages_of(studio, settings.language)
    values["recognizer_model"] = settings_form.models_of(
        studio, settings.recognizer, settings.recognizer_model
    )
    return [
        *limits_form.values_of(settings.limits if dataset else Limits()),
        *reviewing.filters(dataset),
        "",
        dataset.name if dataset else "",
        dataset.note if dataset else "",
        *values.values(),
        "",
    ]


def on_show(studio: Studio, request: gr.Request, chosen: str, remembered: str, *shown: Any) -> list[Any]:
    """The tab comes into view: the list as it is now and, in a page that was loaded anew, the set that
    its window was showing. `shown`: see `again`."""
    dataset = found(studio, request, chosen) or found(studio, request, remembered or "")
    if dataset is None or dataset.id != chosen:
        return everything(studio, request, dataset)
    return again(studio, request, chosen, *shown)


def on_pick(studio: Studio, request: gr.Request, picked: str) -> list[Any]:
    """Another set of the list; the number of presses follows its id."""
    return everything(studio, request, chosen_one(studio, request, (picked or "").partition(" ")[0]))


def on_tick(studio: Studio, request: gr.Request, chosen: str, seen: str, ended: int) -> list[Any]:
    """Progress comes along. `ended` counts what has ended, for `again` to be called then."""
    now = working.now(studio, request, found(studio, request, chosen))
    return [*now, ended + (now[0] != seen)]


def again(studio: Studio, request: gr.Request, chosen: str, *shown: Any) -> list[Any]:
    """The same set as it is now. What is being typed, filtered and tried stays: `shown` are the
    filters, the offset and the limits."""
    dataset = found(studio, request, chosen)
    asked, offset, limits = shown[:6], shown[6], shown[7:]
    filters = reviewing.known(dataset)
    filled = forms(studio, dataset)
    before = len(limits_form.names())
    kept: list[Any] = [gr.skip()] * len(filled)
    kept[before : before + len(filters)] = filters
    return [
        *page(studio, request, dataset),
        *overview.prospect(studio, request, dataset, limits),
        *reviewing.table(studio, request, dataset, query_of(asked, offset)),
        *kept,
    ]
