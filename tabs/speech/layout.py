"""The form of a speech tab: the same for all three but for the part that tells the voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from tabs.speech import view
from tabs.speech.form import MAX_TAKES, option_field


@dataclass
class SpeechTab:
    """What a speech tab is made of; `fields` are the form, by the names of `tabs.speech.form`."""

    mode: Capability
    label: str
    # Components; Any, for each kind has its own events.
    fields: dict[str, Any] = field(default_factory=dict)
    option_groups: dict[str, gr.Group] = field(default_factory=dict)  # by engine
    engine_note: gr.HTML = field(init=False)
    counter: gr.HTML = field(init=False)
    generate: gr.Button = field(init=False)
    stop: gr.Button = field(init=False)
    player: gr.HTML = field(init=False)
    status: gr.HTML = field(init=False)
    result: gr.Audio = field(init=False)
    downloads: gr.HTML = field(init=False)
    takes: gr.State = field(init=False)  # ids of the takes shown
    remembered: gr.Textbox = field(init=False)  # the same as the window remembers them, comma-separated
    send_to: gr.Group = field(init=False)
    preset: gr.Dropdown = field(init=False)
    preset_name: gr.Textbox = field(init=False)
    preset_save: gr.Button = field(init=False)
    preset_delete: gr.Button = field(init=False)

    @property
    def id(self) -> str:
        return str(self.mode)


#: Lays out what tells the voice in one mode: fields by name.
VoiceSection = Callable[[EngineInfo], Mapping[str, Component]]


def lay_out(studio: Studio, mode: Capability, label: str, voice_section: VoiceSection) -> SpeechTab:
    """Lay the tab out in the current panel; `tabs.speech.events.wire` brings it to life."""
    engines = [info for info in studio.engines.registry.infos() if mode in info.capabilities]
    chosen = next((info for info in engines if info.id == studio.settings.default_engine), engines[0])
    panel = SpeechTab(mode, label)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            _text(panel)
            panel.fields |= voice_section(chosen)
            _engine_and_language(panel, engines, chosen)
            _advanced(panel, engines, chosen)
            _saved_settings(panel)
        with gr.Column(scale=2, min_width=300):
            _results(panel)
    return panel


def _text(panel: SpeechTab) -> None:
    panel.fields["text"] = gr.Textbox(
        label="Text",
        lines=6,
        max_lines=16,
        placeholder="Type or paste what should be spoken.",
        elem_id=f"{panel.id}-text",
    )
    panel.counter = gr.HTML(view.counter(0, 1, None), elem_id=f"{panel.id}-counter", padding=False)


def _engine_and_language(panel: SpeechTab, engines: list[EngineInfo], chosen: EngineInfo) -> None:
    panel.fields["language"] = gr.Dropdown(
        language_choices(chosen),
        value=AUTO_LANGUAGE,
        label="Language",
        elem_id=f"{panel.id}-language",
    )
    panel.fields["engine"] = gr.Dropdown(
        [(info.label, info.id) for info in engines],
        value=chosen.id,
        label="Engine",
        elem_id=f"{panel.id}-engine",
    )
    panel.engine_note = gr.HTML(engine_note(chosen), elem_id=f"{panel.id}-engine-note", padding=False)


def _advanced(panel: SpeechTab, engines: list[EngineInfo], chosen: EngineInfo) -> None:
    design = panel.mode is Capability.DESIGN
    if design:  # the parameters that the words stand for are the point of this tab
        _options(panel, engines, chosen)
    with gr.Accordion("Advanced settings", open=False, elem_id=f"{panel.id}-advanced"):
        panel.fields["speed"] = gr.Slider(
            0.5, 2.0, value=1.0, step=0.05, label="Speed", elem_id=f"{panel.id}-speed"
        )
        with gr.Row():
            panel.fields["seed"] = gr.Number(
                None,
                label="Seed",
                info="Empty: a new one each time; shown with the result.",
                precision=0,
                minimum=0,
                elem_id=f"{panel.id}-seed",
                min_width=140,
            )
            panel.fields["takes"] = gr.Slider(
                1,
                MAX_TAKES,
                value=1,
                step=1,
                label="Takes",
                info="Each with the next seed.",
                elem_id=f"{panel.id}-takes",
                min_width=140,
            )
        panel.fields["loudness"] = gr.Checkbox(
            True, label="Bring the finished file to the usual loudness", elem_id=f"{panel.id}-loudness"
        )
        if not design:
            _options(panel, engines, chosen)


def _options(panel: SpeechTab, engines: list[EngineInfo], chosen: EngineInfo) -> None:
    for info in engines:
        options = [option for option in info.options if panel.mode in option.modes]
        if not options:
            continue
        with gr.Group(visible=info is chosen, elem_id=f"{panel.id}-options-{info.id}") as group:
            for option in options:
                panel.fields[option_field(info.id, option.key)] = gr.Slider(
                    option.minimum,
                    option.maximum,
                    value=option.default,
                    step=option.step,
                    label=option.label,
                    info=option.help,
                    elem_id=f"{panel.id}-{info.id}-{option.key}",
                )
        panel.option_groups[info.id] = group


def _saved_settings(panel: SpeechTab) -> None:
    with gr.Accordion("Saved settings", open=False, elem_id=f"{panel.id}-saved"):
        panel.preset = gr.Dropdown(
            [], value=None, label="Use saved settings", elem_id=f"{panel.id}-preset"
        )
        with gr.Row():
            panel.preset_name = gr.Textbox(
                label="Name", placeholder="Narrator", max_lines=1, elem_id=f"{panel.id}-preset-name"
            )
            panel.preset_save = gr.Button("Save these settings", elem_id=f"{panel.id}-preset-save")
            panel.preset_delete = gr.Button("Delete the chosen", elem_id=f"{panel.id}-preset-delete")


def _results(panel: SpeechTab) -> None:
    with gr.Row():
        panel.generate = gr.Button(
            "Generate (Ctrl+Enter)",
            variant="primary",
            elem_id=f"{panel.id}-generate",
            elem_classes="timbre-generate",
        )
        panel.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id=f"{panel.id}-stop")
    panel.player = gr.HTML("", elem_id=f"{panel.id}-player", padding=False)
    panel.status = gr.HTML(
        '<p class="timbre-line">Nothing spoken yet. Press Generate to hear your text.</p>',
        elem_id=f"{panel.id}-status",
        padding=False,
    )
    panel.result = gr.Audio(
        label="Result, lossless",
        type="filepath",
        interactive=False,
        visible=True,
        elem_id=f"{panel.id}-result",
        buttons=["download"],
    )
    panel.downloads = gr.HTML("", elem_id=f"{panel.id}-downloads", padding=False)
    panel.takes = gr.State([])
    panel.remembered = gr.Textbox("", visible=False, label="Remembered takes")
    with gr.Group(visible=False, elem_id=f"{panel.id}-send") as panel.send_to:
        pass


def language_choices(info: EngineInfo) -> list[tuple[str, str]]:
    named = sorted((f"{name} ({code})", code) for code, name in info.languages.items())
    return [("Auto: by the text or the voice", AUTO_LANGUAGE), *named]


def engine_note(info: EngineInfo) -> str:
    return f'<p class="timbre-line">{info.description} Licence: {info.license}.</p>'
