"""Train: fine-tuning runs of a data set, started, followed, stopped and resumed."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.training import wiring
from tabs.training.layout import lay_out
from tabs.training.tab import TrainTab

LABEL = "Train"
LATE = True


def build(studio: Studio) -> TrainTab:
    tab = lay_out()
    wiring.wire_form(studio, tab)
    wiring.wire_runs(studio, tab)
    return tab
