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
    owner = owner_of(request)
    return [
        dataset.id if dataset else "",
        view.listed(studio.datasets.list(owner), dataset.id if dataset else ""),
        # Whose a damaged one is cannot be read: strangers are not told their names.
        view.damaged(studio.datasets.damaged()) if may_manage(request) else "",
        view.head(dataset),
        view.inputs(dataset),
        *working.now(studio, request, dataset),
    ]
