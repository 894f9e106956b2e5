"""The form of a speech tab: the same for all three but for the part that tells the voice."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from engines.base import Capability, EngineInfo
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, MAX_SEED
from tabs.speech import choices, missing, view
from tabs.speech.form import (
    MAX_TAKES,
    OWN_SAMPLING,
    option_field,
    sampling_choice,
    sampling_field,
)


@dataclass(frozen=True)
class EngineGroup:
    """A part of the form that is shown while one of `engines` is the chosen one."""

    block: gr.Column
    engines: frozenset[str]


@dataclass
class SpeechTab:
    """What a speech tab is made of; `fields` are the form, by the names of `tabs.speech.form`."""

    mode: Capability
    label: str
    # Components; Any, for each kind has its own events.
    fields: dict[str, Any] = field(default_factory=dict)
    groups: list[EngineGroup] = field(default_factory=list)
    missing: missing.MissingNotice = field(init=False)
    engine_note: gr.HTML = field(init=False)
    model_note: gr.HTML = field(init=False)
    counter: gr.HTML = field(init=False)
    generate: gr.Button = field(init=False)
    stop: gr.Button = field(init=False)
    player: gr.HTML = field(init=False)
    status: gr.HTML = field(init=False)
    result: gr.Audio = field(init=False)
    downloads: gr.HTML = field(init=False)
    refresh: gr.Button = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    first: gr.Button = field(init=False)  # the same, once in a page
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


#: Lays out what tells the voice in one mode into the fields: panel, engines with that mode, the
#: chosen one of them.
VoiceSection = Callable[[SpeechTab, Collection[EngineInfo], EngineInfo], None]


def lay_out(studio: Studio, mode: Capability, label: str, voice_section: VoiceSection) -> SpeechTab:
    """Lay the tab out in the current panel; `tabs.speech.events.wire` brings it to life."""
    engines = [info for info in studio.engines.registry.infos() if mode in info.capabilities]
    chosen = next((info for info in engines if info.id == studio.settings.default_engine), engines[0])
    panel = SpeechTab(mode, label)
    panel.missing = missing.lay_out(panel.id)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            _text(panel)
            voice_section(panel, engines, chosen)
            _engine_and_language(panel, engines, chosen)
            _sampling(panel, engines, chosen)
            _advanced(panel, engines, chosen)
            _saved_settings(panel)
        with gr.Column(scale=2, min_width=300):
            _results(panel)
    return panel


def engine_group(
    panel: SpeechTab, able: Collection[EngineInfo], chosen: EngineInfo, elem_id: str
) -> gr.Column:
    """A block, to be laid out in a `with`, that only the engines in `able` show."""
    ids = frozenset(info.id for info in able)
    block = gr.Column(visible=chosen.id in ids, elem_id=elem_id, elem_classes="timbre-group")
    panel.groups.append(EngineGroup(block, ids))
    return block


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
        choices.languages(chosen),
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
    with_models = [info for info in engines if info.model_keys]
    with engine_group(panel, with_models, chosen, f"{panel.id}-models"):
        # What is installed is looked up when the page is opened, not when it is built.
        panel.fields["model"] = gr.Dropdown(
            [("Auto: the best installed", choices.AUTO_MODEL)],
            value=choices.AUTO_MODEL,
            label="Model",
            elem_id=f"{panel.id}-model",
        )
        panel.model_note = gr.HTML("", elem_id=f"{panel.id}-model-note", padding=False)


def _sampling(panel: SpeechTab, engines: list[EngineInfo], chosen: EngineInfo) -> None:
    for info in engines:
        if info.sampling is None:
            continue
        with (
            engine_group(panel, [info], chosen, f"{panel.id}-sampling-{info.id}"),
            gr.Accordion("Sampling", open=False, elem_id=f"{panel.id}-{info.id}-draw"),
        ):
            panel.fields[sampling_choice(info.id)] = gr.Dropdown(
                choices.sampling(info),
                value=OWN_SAMPLING,
                label="How the sound is drawn",
                info="The model's own defaults are the safe choice; moving a slider makes it Custom.",
                elem_id=f"{panel.id}-{info.id}-sampling",
            )
            with gr.Row():
                for field in info.sampling.fields:
                    panel.fields[sampling_field(info.id, field.key)] = gr.Slider(
                        field.minimum,
                        field.maximum,
                        value=field.default,
                        step=field.step,
                        label=field.label,
                        info=field.help,
                        elem_id=f"{panel.id}-{info.id}-{field.key}",
                        min_width=300,
                    )


def _advanced(panel: SpeechTab, engines: list[EngineInfo], chosen: EngineInfo) -> None:
    design = panel.mode is Capability.DESIGN
    if design:  # the parameters that the words stand for are the point of this tab
        _options(panel, engines, chosen)
    with gr.Accordion("Advanced settings", open=False, elem_id=f"{panel.id}-advanced"):
        quick = [info for info in engines if Capability.SPEED in info.capabilities]
        with engine_group(panel, quick, chosen, f"{panel.id}-speed-group"):
            panel.fields["speed"] = gr.Slider(
                0.5, 2.0, value=1.0, step=0.05, label="Speed", elem_id=f"{panel.id}-speed"
            )
        with gr.Row():
            # Not gr.Number: in Gradio 6.17 an empty one turns into 0 when it comes into view.
            panel.fields["seed"] = gr.Textbox(
                "",
                label="Seed",
                info="Empty: a new one each time; shown with the result.",
                max_lines=1,
                max_length=len(str(MAX_SEED)),
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
        with engine_group(panel, [info], chosen, f"{panel.id}-options-{info.id}"), gr.Group():
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
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen", "size": "sm"}
    panel.refresh = gr.Button("Refresh", elem_id=f"{panel.id}-refresh", **unseen)
    panel.first = gr.Button("Begin", elem_id=f"{panel.id}-first", **unseen)
    panel.takes = gr.State([])
    panel.remembered = gr.Textbox("", visible=False, label="Remembered takes")
    with gr.Group(visible=False, elem_id=f"{panel.id}-send") as panel.send_to:
        pass


def engine_note(info: EngineInfo) -> str:
    return f'<p class="timbre-line">{escape(info.description)} Licence: {escape(info.license)}.</p>'
