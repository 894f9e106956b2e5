"""What the Transcribe tab says of the chosen recognizer, and how to get a model where it needs one."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from engines.recognition import Task
from studio.services.recognizers import PROPOSED, PROPOSED_TO_TRANSLATE
from studio.services.studio import Studio
from studio.services.transcripts import AUTO
from tabs import model_view
from tabs.speech import missing
from tabs.speech.choices import model_note
from tabs.speech.view import line
from tabs.transcripts import choices, view


def on_models(
    studio: Studio,
    request: gr.Request,
    shown: bool,
    engine: str,
    model: str | None,
    which: str | None,
    language: str,
    task: str,
) -> list[Any]:
    """The line below the recognizer, its sizes as they are installed now with a line, and the notice
    where nothing can be used."""
    needs = choices.needs(studio, engine, language, task)
    known = () if engine == AUTO else needs.models
    kept = choices.preset_model(known, model)
    form = [
        _about(studio, engine, needs),
        gr.Dropdown(choices=choices.models(known), value=kept),
        line(model_note(known, kept)),
    ]
    if needs.ready:
        return [*form, *missing.hidden(shown)]
    statuses = [studio.models.status(choice.key) for choice in needs.models]
    text = f"<p><b>{escape(needs.reason)}</b></p>{model_view.incomplete(statuses)}"
    if engine == AUTO and any(choice.practice and choice.installed for choice in needs.models):
        text += line("There is a practice model: to try it, choose it and its recognizer by name.")
    proposed = PROPOSED_TO_TRANSLATE if task == Task.TRANSLATE else PROPOSED
    return [*form, *missing.offered(studio, request, shown, needs.models, text, which or proposed)]


def _about(studio: Studio, engine: str, needs: choices.Needs) -> str:
    if engine != AUTO:
        return view.about(studio.engines.registry.recognizer(engine).info)
    return line(needs.reason) if needs.ready else ""
