"""Data sets: recordings become segments to train on, each kept or dropped for a reason that can be seen
and undone."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.datasets import wiring
from tabs.datasets.layout import lay_out
from tabs.datasets.tab import DatasetsTab

LABEL = "Data sets"
LATE = True


def build(studio: Studio) -> DatasetsTab:
    tab = lay_out(studio)
    wiring.wire_list(studio, tab)
    wiring.wire_overview(studio, tab)
    wiring.wire_review(studio, tab)
    wiring.wire_keeping(studio, tab)
    return tab
