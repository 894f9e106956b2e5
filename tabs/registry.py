"""Which tabs there are, in their order. A later tab is one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.services.studio import Studio
from tabs import about, clone, design, history, preset

#: Lays a tab out inside the Blocks and returns its handles; what ties tabs together is in page.py.
Build = Callable[[Studio, gr.Blocks], Any]

TABS: dict[str, Build] = {
    "clone": lambda studio, blocks: clone.build(studio),
    "preset": lambda studio, blocks: preset.build(studio),
    "design": lambda studio, blocks: design.build(studio),
    "history": history.build,
    "about": about.build,
}

#: The tab of a fresh page: it speaks at once, with nothing to upload or describe.
FIRST = "preset"
