"""How the page is put together: its events, and Gradio."""

from __future__ import annotations

import inspect
import subprocess
import sys

from studio.services.studio import Studio
from studio.settings import CHECKOUT


def test_every_handler_takes_what_its_event_gives(studio: Studio) -> None:
    from tabs.page import build_demo

    demo = build_demo(studio)
    assert len(demo.fns) > 40
    for event in demo.fns.values():
        if event.fn is None:
            continue
        parameters = inspect.signature(event.fn).parameters.values()
        wanted = [p for p in parameters if p.name != "request"]
        if any(p.kind is p.VAR_POSITIONAL for p in wanted):
            continue
        assert len(wanted) == len(event.inputs), event.fn


def test_gradio_is_imported_whole_but_for_the_stubs_that_it_writes() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stdout
    assert said.split() == ["tabs.gradio_import", "True"]


_IMPORT = """
import tabs, gradio
from gradio.component_meta import create_or_modify_pyi
print(create_or_modify_pyi.__module__, hasattr(gradio.Textbox, "submit"))
"""
