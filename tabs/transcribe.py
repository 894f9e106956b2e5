"""Transcribe: any recording becomes text with timings, to be corrected, exported and sent on."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.transcripts import editing, keeping, starting
from tabs.transcripts.layout import TranscribeTab, lay_out

LABEL = "Transcribe"
LATE = True


def build(studio: Studio) -> TranscribeTab:
    tab = lay_out(studio)
    made = starting.wire(studio, tab)
    editing.wire(studio, tab)
    keeping.wire(studio, tab, made)
    return tab
