"""What the face says: a text with who speaks it, or a recording."""

from __future__ import annotations

from html import escape

import gradio as gr

from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, MAX_SEED
from tabs.avatar import voice
from tabs.avatar.tab import ID, RECORDING, TEXT, AvatarTab
from tabs.frame import view_row
from tabs.personalities.view import tags
from tabs.speech import choices

_VIEWS = {TEXT: "A text", RECORDING: "A recording"}

#: Texts to begin with, by what they are.
EXAMPLES = {
    "A welcome": "Welcome! I am only a picture, but every word that you type, I will say.",
    "A tongue twister": "Peter Piper picked a peck of pickled peppers. How many did he pick?",
    "A fact": "Did you know? Honey never spoils. Pots of it from old tombs could still be eaten.",
    "Auf Deutsch": "Guten Tag! Ich bin nur gezeichnet, aber ich spreche gern mit Ihnen.",
    "En français": "Bonjour ! Je ne suis qu'un dessin, mais je parle avec plaisir.",
}


def lay_out(studio: Studio, tab: AvatarTab) -> None:
    """Lay it out in the current block."""
    gr.HTML(
        f"<h3>What it says</h3>{view_row(f'{ID}-said', _VIEWS)}", elem_id=f"{ID}-said", padding=False
    )
    with gr.Column(elem_id=f"{ID}-said-view-{TEXT}", elem_classes="timbre-view"):
        _text(studio, tab)
    with gr.Column(elem_id=f"{ID}-said-view-{RECORDING}", elem_classes="timbre-view"):
        _recording(tab)


def _text(studio: Studio, tab: AvatarTab) -> None:
    fields = tab.fields
    fields["text"] = gr.Textbox(
        label="Text", lines=3, max_lines=12, placeholder="Type or paste what is to be said.",
        elem_id=f"{ID}-text",
    )  # fmt: skip
    tab.tags = gr.HTML(_examples(), elem_id=f"{ID}-examples", padding=False)
    engines = studio.engines.registry.infos()
    chosen = next((each for each in engines if each.id == studio.settings.default_engine), engines[0])
    with gr.Row():
        fields["voice"] = gr.Dropdown(
            [voice.AUTO], value="", label="Voice", scale=3, min_width=200, elem_id=f"{ID}-voice"
        )
        fields["speech_engine"] = gr.Dropdown(
            [(each.label, each.id) for each in engines], value=chosen.id, label="Spoken by",
            scale=2, min_width=160, elem_id=f"{ID}-speech-engine",
        )  # fmt: skip
    with gr.Column(
        visible=bool(chosen.model_keys), elem_id=f"{ID}-speech-models", elem_classes="timbre-group"
    ) as tab.speech_models:
        fields["speech_model"] = gr.Dropdown(
            [("Auto: the best installed", choices.AUTO_MODEL)], value=choices.AUTO_MODEL,
            label="Model that speaks", elem_id=f"{ID}-speech-model",
        )  # fmt: skip
    with (
        gr.Accordion("Language, speed and seed", open=False, elem_id=f"{ID}-delivery"),
        gr.Row(),
    ):
        fields["language"] = gr.Dropdown(
            choices.languages(chosen), value=AUTO_LANGUAGE, label="Language", min_width=180,
            elem_id=f"{ID}-language",
        )  # fmt: skip
        fields["speed"] = gr.Slider(
            0.5, 2.0, value=1.0, step=0.05, label="Speed", min_width=160, elem_id=f"{ID}-speed"
        )
        # Not gr.Number: in Gradio 6.17 an empty one turns into 0 when it comes into view.
        fields["seed"] = gr.Textbox(
            "", label="Seed", info="Empty: a new one each time.", max_lines=1,
            max_length=len(str(MAX_SEED)), min_width=120, elem_id=f"{ID}-seed",
        )  # fmt: skip


def _recording(tab: AvatarTab) -> None:
    tab.fields["audio"] = gr.Audio(
        label="Recording",
        sources=["upload", "microphone"],
        type="filepath",  # as uploaded; the audio layer reads it, without the ffmpeg program
        elem_id=f"{ID}-audio",
    )
    tab.fields["transcript"] = gr.Textbox(
        label="What it says (optional)",
        info="With the words the lips follow more closely, where they are English; subtitles need them.",
        lines=2,
        max_lines=8,
        elem_id=f"{ID}-transcript",
    )


def _examples() -> str:
    """Texts that a click puts into the box (assets/avatar.js)."""
    buttons = "".join(
        f'<button type="button" class="timbre-tag" data-fill="{ID}-text" data-text="{escape(text)}">'
        f"{escape(name)}</button>"
        for name, text in EXAMPLES.items()
    )
    return (
        '<div class="timbre-tags" role="group" aria-label="Examples"><span class="timbre-line">Try:</span>'
        f"{buttons}</div>"
    )


def below_text(studio: Studio, owner: str, chosen: str) -> str:
    """The tags of the personality that speaks, else examples. `chosen`: a choice of `voice.offered`."""
    personality = voice.personality_of(studio, owner, chosen)
    return tags(personality, f"{ID}-text") if personality is not None else _examples()
