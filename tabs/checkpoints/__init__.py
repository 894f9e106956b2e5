"""Checkpoints: what runs have left behind, compared, spoken with, handed on, and made room for."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.checkpoints import wiring
from tabs.checkpoints.layout import lay_out
from tabs.checkpoints.tab import CheckpointsTab

LABEL = "Checkpoints"
LATE = True


def build(studio: Studio) -> CheckpointsTab:
    tab = lay_out(studio)
    wiring.wire_choice(studio, tab)
    wiring.wire_making(studio, tab)
    wiring.wire_keeping(studio, tab)
    return tab
