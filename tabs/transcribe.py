"""Transcribe: any recording becomes text with timings, to be corrected, exported and sent on."""

from __future__ import annotations

import gradio as gr

from studio.services.studio import Studio
from tabs.transcripts import editing, keeping, starting
from tabs.transcripts.layout import TranscribeTab, lay_out

LABEL = "Transcribe"
LATE = True


def build(studio: Studio, blocks: gr.Blocks) -> TranscribeTab:
    tab = lay_out(studio)
    made = starting.wire(studio, tab, blocks)
    editing.wire(studio, tab)
    keeping.wire(studio, tab, blocks, made)
    return tab
