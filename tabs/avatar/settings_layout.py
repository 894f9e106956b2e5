"""What moves the lips, and what the video is like."""

from __future__ import annotations

import gradio as gr

from engines.avatar import AvatarInfo
from studio.services.avatar_values import DEFAULT_HEIGHT, FPS, MAX_HEIGHT, Subtitles
from studio.services.studio import Studio
from tabs.avatar import view
from tabs.avatar.tab import ID, AvatarTab
from tabs.speech import choices
from tabs.speech.form import option_field
from tabs.speech.layout import EngineGroup

_HEIGHTS = (256, 360, 480, DEFAULT_HEIGHT, 1080, 1440)
_SUBTITLES = [
    ("None", Subtitles.NONE.value),
    ("In the picture", Subtitles.BURNT.value),
    ("As files (SRT, VTT)", Subtitles.FILE.value),
]


def lay_out(studio: Studio, tab: AvatarTab) -> None:
    """Lay it out in the current block."""
    infos = studio.avatars.engines()
    chosen, fields = infos[0], tab.fields
    gr.HTML("<h3>The lips and the picture</h3>", elem_id=f"{ID}-step-lips", padding=False)
    fields["engine"] = gr.Radio(
        [(info.label, info.id) for info in infos], value=chosen.id, label="What moves the lips",
        elem_id=f"{ID}-engine",
    )  # fmt: skip
    tab.lips_note = gr.HTML(view.lips(chosen), elem_id=f"{ID}-engine-note", padding=False)
    with_models = frozenset(info.id for info in infos if info.model_keys)
    with _group(tab, with_models, chosen, "models"):
        fields["model"] = gr.Dropdown(
            [("Auto: the best installed", choices.AUTO_MODEL)], value=choices.AUTO_MODEL,
            label="Model", elem_id=f"{ID}-model",
        )  # fmt: skip
    for info in infos:
        if info.options:
            with _group(tab, frozenset({info.id}), chosen, f"options-{info.id}"):
                _options(tab, info)
    with gr.Accordion("Picture, subtitles and label", open=False, elem_id=f"{ID}-picture"):
        _picture(studio, tab)


def _group(tab: AvatarTab, engines: frozenset[str], chosen: AvatarInfo, name: str) -> gr.Column:
    """A block, to be laid out in a `with`, that only these engines show."""
    block = gr.Column(visible=chosen.id in engines, elem_id=f"{ID}-{name}", elem_classes="timbre-group")
    tab.groups.append(EngineGroup(block, engines))
    return block


def _options(tab: AvatarTab, info: AvatarInfo) -> None:
    with (
        gr.Accordion(f"Settings of {info.label}", open=False, elem_id=f"{ID}-{info.id}-options"),
        gr.Row(),
    ):
        for option in info.options:
            tab.fields[option_field(info.id, option.key)] = gr.Slider(
                option.minimum, option.maximum, value=option.default, step=option.step,
                label=option.label, info=option.help, min_width=230,
                elem_id=f"{ID}-{info.id}-{option.key}",
            )  # fmt: skip


def _picture(studio: Studio, tab: AvatarTab) -> None:
    fields = tab.fields
    with gr.Row():
        fields["fps"] = gr.Radio(
            list(FPS), value=FPS[0], label="Frames a second", min_width=130, elem_id=f"{ID}-fps"
        )
        fields["max_height"] = gr.Dropdown(
            [*((f"{height} pixels", height) for height in _HEIGHTS), ("As it is", MAX_HEIGHT)],
            value=DEFAULT_HEIGHT,
            label="Height at most",
            min_width=150,
            elem_id=f"{ID}-max-height",
        )
    fields["subtitles"] = gr.Radio(
        _SUBTITLES, value=Subtitles.NONE.value, label="Subtitles", elem_id=f"{ID}-subtitles"
    )
    fields["label"] = gr.Checkbox(
        studio.settings.avatar_label,
        label="Write “AI-generated” into the picture",
        info="Who sees the video should know. The file says it in any case.",
        elem_id=f"{ID}-label",
    )
