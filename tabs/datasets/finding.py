"""The data set that is meant."""

from __future__ import annotations

import gradio as gr

from studio.errors import BadInput, NotFound
from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from tabs.edge import owner_of


def found(studio: Studio, request: gr.Request, chosen: str) -> Dataset | None:
    """None where it was deleted meanwhile, or is somebody else's."""
    if not chosen:
        return None
    try:
        return studio.datasets.get(chosen, owner_of(request))
    except NotFound:
        return None


def chosen_one(studio: Studio, request: gr.Request, chosen: str) -> Dataset:
    """Raises BadInput where none is chosen, NotFound."""
    if not chosen:
        raise BadInput("No data set is chosen.", "Choose one in the list, or make one first.")
    return studio.datasets.get(chosen, owner_of(request))
