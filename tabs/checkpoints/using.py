"""Speaking with a checkpoint: the forms of Preset and Clone are filled with it and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import ModelMissing, NotFound
from studio.services.studio import Studio
from tabs.checkpoints.finding import chosen_checkpoint, model_key
from tabs.checkpoints.tab import CheckpointsTab
from tabs.edge import bind, owner_of
from tabs.frame import showing
from tabs.speech import choices
from tabs.speech.layout import SpeechTab


def wire(studio: Studio, tab: CheckpointsTab, speech: Mapping[str, SpeechTab]) -> None:
    """Bind the buttons, which need the other tabs."""
    told: dict[str, Any] = {
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    for mode in (Capability.PRESET, Capability.CLONE):
        target = speech.get(str(mode))
        if target is None:
            continue
        used = tab.buttons[str(mode)].click(
            bind(on_use, studio, mode, list(target.fields)),
            [tab.chosen, tab.epoch],
            list(target.fields.values()),
            **told,
        )
        # What the tab asks when it is shown goes by what its form says then.
        used.success(None, None, None, js=showing(target.id), **told)


def on_use(
    studio: Studio,
    mode: Capability,
    names: Sequence[str],
    request: gr.Request,
    chosen: str,
    epoch: int | None,
) -> list[Any]:
    """Engine, model and, where it has one, the voice of the chosen epoch, for the form's fields `names`.
    Raises NotFound, and ModelMissing where it cannot speak without its base model."""
    run, checkpoint = chosen_checkpoint(studio, request, chosen, epoch)
    owner, engine = owner_of(request), str(run.family)
    key = model_key(run, checkpoint.epoch)
    known = choices.models_of(studio, engine, mode, owner)
    choice = next((each for each in known if each.key == key), None)
    if choice is None:
        raise NotFound(f"This checkpoint cannot be used for “{mode}”.", "Choose another epoch.")
    if not choice.installed:
        raise ModelMissing(
            f"{choice.label} cannot be used: its checkpoint or its base model is not whole.",
            f"{choice.note} Check that in the Models tab.",
        )
    values = {"engine": engine, "model": key}
    if mode is Capability.PRESET and choices.speaker_of(studio, engine, key, owner) is not None:
        values["speaker"] = key
    return choices.fill(names, choices.consistent(studio, mode, values, owner))
