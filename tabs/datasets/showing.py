"""What of the page follows every change to the chosen data set."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from tabs.datasets import view, working
from tabs.edge import may_manage, owner_of


def page(studio: Studio, request: gr.Request, dataset: Dataset | None) -> list[Any]:
    """In the order of `DatasetsTab.page`."""
    return [
        dataset.id if dataset else "",
        *listed(studio, request, dataset),
        view.inputs(dataset),
        *working.now(studio, request, dataset),
    ]


def listed(studio: Studio, request: gr.Request, dataset: Dataset | None) -> list[Any]:
    """What of it says how much of a set is kept: the list, those that are damaged, the head."""
    return [
        view.listed(studio.datasets.list(owner_of(request)), dataset.id if dataset else ""),
        # Whose a damaged one is cannot be read: strangers are not told their names.
        view.damaged(studio.datasets.damaged()) if may_manage(request) else "",
        view.head(dataset),
    ]
