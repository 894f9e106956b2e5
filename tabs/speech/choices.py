"""What can be chosen in a form, which depends on the engine: languages, voices, models, sampling. Of what
was trained here, whoever asks sees only the own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from engines.base import Capability, EngineInfo, ModelChoice, Speaker
from engines.choosing import of_owner
from studio.errors import NotFound
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from studio.text.language import closest
from tabs.speech.form import CUSTOM_SAMPLING, OWN_SAMPLING, sampling_choice

#: (what people read, value), as gr.Dropdown takes them.
Choices = list[tuple[str, str]]

AUTO_MODEL = ""


def languages(info: EngineInfo) -> Choices:
    named = sorted((f"{name} ({code})", code) for code, name in info.languages.items())
    return [("Auto: by the text or the voice", AUTO_LANGUAGE), *named]


def voices(studio: Studio, engine: str, language: str, owner: str = "") -> Choices:
    """The voices of `language`; voices that speak every language all, those at home in it first."""
    speakers = _speakers(studio, engine, owner)
    code = closest(language, {speaker.language for speaker in speakers})
    native = [speaker for speaker in speakers if speaker.language == code]
    others = [speaker for speaker in speakers if speaker.multilingual and speaker.language != code]
    return [(speaker.label, speaker.id) for speaker in [*native, *others] or speakers]


def speaker_of(studio: Studio, engine: str, speaker_id: str | None, owner: str = "") -> Speaker | None:
    speakers = _speakers(studio, engine, owner)
    return next((speaker for speaker in speakers if speaker.id == speaker_id), None)


def models_of(studio: Studio, engine: str, mode: Capability, owner: str = "") -> tuple[ModelChoice, ...]:
    """The models that can serve a mode of an engine, installed or not; empty where it needs none."""
    return of_owner(studio.engines.registry.get(engine).models(mode), owner)


def models(choices: Sequence[ModelChoice]) -> Choices:
    """The models of an engine with what must be known of each; automatic choice first."""
    best = next((choice for choice in choices if choice.installed), None)
    auto = "Auto: the best installed, " + (best.label if best else "none yet")
    return [(auto, AUTO_MODEL), *((_with_marks(choice), choice.key) for choice in choices)]


def model_note(choices: Sequence[ModelChoice], chosen: str | None) -> str:
    """What the person should know of the model that would speak."""
    if chosen:
        found = next((choice for choice in choices if choice.key == chosen), None)
    else:
        found = next((choice for choice in choices if choice.installed), None)
    return found.note if found else ""


def sampling(info: EngineInfo) -> Choices:
    named = [(name, name) for name in info.sampling.presets] if info.sampling else []
    return [("The model's own", OWN_SAMPLING), *named, ("Custom", CUSTOM_SAMPLING)]


def fill(names: Sequence[str], values: Mapping[str, Any]) -> list[Any]:
    """Updates for the form's fields in order; what `values` does not name stays."""
    return [values[name] if name in values else gr.skip() for name in names]


def consistent(
    studio: Studio, mode: Capability, values: Mapping[str, Any], owner: str = ""
) -> dict[str, Any]:
    """Saved `values` as updates: where what can be chosen depends on the engine, the choices come
    with the value, and a value that is among them no longer is left out."""
    updates = dict(values)
    try:
        engine = studio.engines.registry.get(str(values.get("engine", "")))
    except NotFound:
        return {name: value for name, value in updates.items() if name not in ("engine", *_DEPENDENT)}
    language = str(values.get("language") or AUTO_LANGUAGE)
    dependent = {
        "language": languages(engine.info),
        "speaker": voices(studio, engine.info.id, language, owner),
        "model": models(of_owner(engine.models(mode), owner)),
        sampling_choice(engine.info.id): sampling(engine.info),
    }
    for name, choices in dependent.items():
        if name in updates:
            known = updates[name] in {value for _, value in choices}
            updates[name] = gr.Dropdown(choices=choices, value=updates[name] if known else choices[0][1])
    return updates


_DEPENDENT = ("language", "speaker", "model")


def _speakers(studio: Studio, engine: str, owner: str) -> tuple[Speaker, ...]:
    return of_owner(studio.engines.registry.get(engine).speakers(), owner)


def _with_marks(choice: ModelChoice) -> str:
    marks = [] if choice.installed else ["not installed"]
    if choice.practice and "practice" not in choice.label.lower():
        marks.append("practice")
    return f"{choice.label} ({', '.join(marks)})" if marks else choice.label
