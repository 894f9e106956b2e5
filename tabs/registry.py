"""Which tabs there are, in their order. A later tab is one line here."""

from __future__ import annotations

from types import ModuleType

from tabs import (
    about,
    avatar,
    checkpoints,
    clone,
    datasets,
    design,
    history,
    lexicon,
    models,
    personalities,
    preset,
    samples,
    training,
    transcribe,
    voices,
)

#: id -> a module with LABEL and `build(studio)`, which lays the tab out in the current panel
#: and returns its handles. Where it has LATE = True, it is put into the page when it is first shown.
#: What ties tabs together is in page.py.
TABS: dict[str, ModuleType] = {
    "clone": clone,
    "preset": preset,
    "design": design,
    "transcribe": transcribe,
    "voices": voices,
    "personalities": personalities,
    "avatar": avatar,
    "datasets": datasets,
    "train": training,
    "samples": samples,
    "checkpoints": checkpoints,
    "history": history,
    "models": models,
    "lexicon": lexicon,
    "about": about,
}

#: The tab of a fresh page: it speaks at once, with nothing to upload or describe.
FIRST = "preset"
