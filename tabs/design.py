"""Design: describe a voice in words; what they stand for is shown and can be adjusted."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from html import escape
from typing import Any

import gradio as gr

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from tabs.edge import bind
from tabs.speech.choices import fill
from tabs.speech.form import option_field
from tabs.speech.layout import SpeechTab, lay_out

LABEL = "Design"
LATE = True

_EMPTY = '<p class="timbre-line">The sliders below follow the words, and can be moved.</p>'
_READS_ITSELF = '<p class="timbre-line">This engine reads your words itself.</p>'

#: Plain enough for an engine that knows single words, telling for one that reads sentences.
EXAMPLES = (
    "an old man, deep and slow",
    "a young woman, bright, lively and friendly",
    "a calm woman with a soft, breathy voice, almost a whisper",
    "a cheerful child, high and quick",
    "a middle-aged man with a deep, warm voice, reading the evening news calmly",
)


def build(studio: Studio) -> SpeechTab:
    heard = gr.HTML(_EMPTY, render=False, elem_id="design-understood", padding=False)
    example = gr.Dropdown(
        list(EXAMPLES),
        value=None,
        label="Start from an example",
        render=False,
        elem_id="design-example",
    )
    panel = lay_out(studio, Capability.DESIGN, LABEL, functools.partial(_voice, heard, example))
    engine, description = panel.fields["engine"], panel.fields["description"]
    followed = panel.fields["followed"]
    names = [name for name in panel.fields if name.startswith("option:")]
    quick: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    gr.on(
        [description.change, engine.change],
        bind(on_description, studio, names),
        [engine, description, followed],
        [heard, followed, *(panel.fields[name] for name in names)],
        trigger_mode="always_last",
        **quick,
    )
    example.input(lambda words: words or gr.skip(), [example], description, **quick)
    return panel


def _voice(
    heard: gr.HTML,
    example: gr.Dropdown,
    panel: SpeechTab,
    engines: Collection[EngineInfo],
    chosen: EngineInfo,
) -> None:
    panel.fields["description"] = gr.Textbox(
        label="The voice in words",
        placeholder=EXAMPLES[0],
        info="Words such as old, young, man, woman, child, deep, high, slow, lively, calm, whisper, breathy.",
        lines=2,
        elem_id="design-description",
    )
    # The words that the sliders stand for. Saved settings bring words and sliders together, and
    # sliders that somebody has moved then stay where they are.
    panel.fields["followed"] = gr.Textbox("", visible=False, label="Words followed")
    example.render()
    heard.value = _EMPTY if _by_options(chosen) else _READS_ITSELF
    heard.render()


def on_description(
    studio: Studio, names: Sequence[str], engine: str, description: str, followed: str
) -> list[Any]:
    """Say which words were understood, and move the sliders to what they stand for."""
    chosen = studio.engines.registry.get(engine)
    kept = [gr.skip(), *fill(names, {})]
    if not _by_options(chosen.info):
        return [_READS_ITSELF, *kept]
    if not (description or "").strip():
        return [_EMPTY, *kept]
    words = ", ".join(chosen.understood(description)) or "nothing; this is the plain voice"
    line = f'<p class="timbre-line">Understood: {escape(words)}.</p>'
    if description == followed:
        return [line, *kept]
    options = chosen.design(description)
    moved = {option_field(engine, key): value for key, value in options.items()}
    return [line, description, *fill(names, moved)]


def _by_options(engine: EngineInfo) -> bool:
    """Whether the engine makes numbers of the words, which can then be moved."""
    return any(Capability.DESIGN in option.modes for option in engine.options)
