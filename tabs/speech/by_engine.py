"""What of a form follows the chosen engine: languages, voices, models, sampling, what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from engines.base import Capability, EngineInfo, SamplingParams
from studio.services.studio import Studio
from tabs.edge import bind, owner_of
from tabs.speech import choices, form, missing, view
from tabs.speech.layout import SpeechTab, engine_note


def wire(studio: Studio, panel: SpeechTab, quick: dict[str, Any]) -> None:
    """Bind the handlers; `quick` is how events go that cannot fail."""
    engine, model = panel.fields["engine"], panel.fields["model"]
    engine.change(
        bind(on_engine, studio),
        [engine, panel.fields["language"]],
        [panel.engine_note, panel.fields["language"]],
        **quick,
    )
    arrivals = [engine.change, panel.refresh.click]
    missing.wire(studio, panel.mode, panel.missing, engine, model, panel.model_note, arrivals)
    model.change(
        bind(on_model, studio, panel.mode),
        [engine, model],
        panel.model_note,
        trigger_mode="always_last",
        **quick,
    )
    # One event shows one group: Gradio 6.17 freezes the browser when an event shows two.
    for group in panel.groups:
        engine.change(bind(on_engine_group, group.engines), [engine], group.block, **quick)
    if panel.mode is Capability.PRESET:
        asked = [panel.fields[field] for field in ("engine", "language", "speaker")]
        for trigger, handler in (
            (engine.change, on_voices),
            (panel.fields["language"].change, on_voices),
            (panel.refresh.click, on_shown),
        ):
            trigger(bind(handler, studio), asked, panel.fields["speaker"], **quick)
    for info in studio.engines.registry.infos():
        if form.sampling_choice(info.id) in panel.fields:
            _wire_sampling(panel, info, quick)


def _wire_sampling(panel: SpeechTab, info: EngineInfo, quick: dict[str, Any]) -> None:
    chosen = panel.fields[form.sampling_choice(info.id)]
    names = [name for name in panel.fields if name.startswith(f"{form.sampling_choice(info.id)}:")]
    sliders = [panel.fields[name] for name in names]
    # `input` and not `change`: what a preset does to the sliders is nobody's moving them.
    chosen.input(bind(on_sampling, info, names), [chosen], sliders, **quick)
    gr.on(
        [slider.input for slider in sliders],
        lambda: form.CUSTOM_SAMPLING,
        None,
        chosen,
        trigger_mode="always_last",
        **quick,
    )


def on_engine(studio: Studio, engine: str, language: str) -> tuple[str, Any]:
    """Another engine: what it says of itself, and its languages."""
    info = studio.engines.registry.get(engine).info
    known = choices.languages(info)
    kept = language if language in {code for _, code in known} else known[0][1]
    return engine_note(info), gr.Dropdown(choices=known, value=kept)


def on_engine_group(engines: frozenset[str], engine: str) -> Any:
    """A part of the form is shown while one of its engines is the chosen one."""
    return gr.Column(visible=engine in engines)


def on_model(
    studio: Studio, mode: Capability, request: gr.Request, engine: str, chosen: str | None
) -> str:
    """What the person should know of the model that would speak."""
    known = choices.models_of(studio, engine, mode, owner_of(request))
    return view.line(choices.model_note(known, chosen))


def on_sampling(info: EngineInfo, names: Sequence[str], chosen: str) -> list[Any]:
    """The values of the chosen preset into the sliders; of the model's own, the published ones."""
    if info.sampling is None or chosen == form.CUSTOM_SAMPLING:
        return choices.fill(names, {})
    params = info.sampling.presets.get(chosen, SamplingParams())
    return choices.fill(names, form.sampling_values(info, params))


def on_voices(studio: Studio, request: gr.Request, engine: str, language: str, chosen: str) -> Any:
    """The voices of the engine in the chosen language, the chosen one kept where it is among them."""
    known = choices.voices(studio, engine, language, owner_of(request))
    values = [value for _, value in known]
    return gr.Dropdown(choices=known, value=chosen if chosen in values else values[0])


def on_shown(studio: Studio, request: gr.Request, engine: str, language: str, chosen: str) -> Any:
    """The same when the tab is shown: voices were trained meanwhile, or deleted."""
    if not studio.engines.registry.get(engine).info.model_keys:
        return gr.skip()  # its voices are always the same
    return on_voices(studio, request, engine, language, chosen)
