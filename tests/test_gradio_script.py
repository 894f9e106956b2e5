"""The scripts of Gradio's that are corrected while they are served."""

from __future__ import annotations

from pathlib import Path

import gradio

from tabs.gradio_script import corrected

ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"


def test_they_are_found_in_the_gradio_that_is_pinned_and_only_a_little_changes() -> None:
    scripts = corrected()
    assert len(scripts) == 2, "Gradio's scripts are other ones: look whether they still need it"
    for name, text in scripts.items():
        before = (ASSETS / name).read_text("utf-8")
        assert 0 < len(text) - len(before) < 500
        # What it brings in and gives out is as before.
        assert text.startswith(before[:200])
        assert text.endswith(before[-200:])
    together = "".join(scripts.values())
    assert together.count("timbreTable(this.root)") == 3
    assert together.count("timbreNodes=null") == 2
    assert together.count("await o.open_stream());return") == 1
    assert together.count("timbreEnded||(os.add(P)") == 1
