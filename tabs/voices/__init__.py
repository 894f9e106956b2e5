"""Voices: the library of saved voices, and a workbench for their recordings."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.voices import hearing, keeping, library, recording
from tabs.voices.layout import lay_out
from tabs.voices.tab import VoicesTab

LABEL = "Voices"


def build(studio: Studio) -> VoicesTab:
    tab = lay_out(studio)
    library.wire(studio, tab)
    recording.wire(studio, tab)
    keeping.wire(studio, tab)
    hearing.wire(studio, tab)
    return tab
