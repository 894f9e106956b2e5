"""Samples: what the epochs of fine-tuning runs sound like, side by side and blind."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.samples import wiring
from tabs.samples.layout import lay_out
from tabs.samples.tab import SamplesTab

LABEL = "Samples"
LATE = True


def build(studio: Studio) -> SamplesTab:
    tab = lay_out()
    wiring.wire(studio, tab)
    return tab
