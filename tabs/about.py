"""Settings and About: what is loaded, what is set, what Timbre stands on."""

from __future__ import annotations

from html import escape

import gradio as gr

from studio import __version__
from studio.services.studio import Studio
from studio.settings import Settings
from tabs.edge import bind, refuse_visitors
from tabs.model_view import name_of

LABEL = "Settings/About"
LATE = True

#: Shown nowhere: whoever is signed in need not know everybody's password, nor the server's key.
_SECRET = {"auth", "llm_api_key"}


def build(studio: Studio) -> None:
    gr.Markdown(
        f"**Timbre {__version__}**, a local voice studio. Everything here is made on this machine;"
        " nothing is sent anywhere, except texts to a language model that you set up yourself."
        " Licence: Apache-2.0.\n\n"
        "Speech made here is synthetic. Speak like a real person only with their consent, and say"
        " that it is synthetic when you publish it."
    )
    gr.HTML(_language_model(studio), elem_id="about-language-model")
    engines = gr.HTML(elem_id="about-engines")
    with gr.Row():
        # assets/timbre.js presses it whenever the tab is shown
        refresh = gr.Button("Refresh", size="sm", elem_id="about-refresh")
        unload = gr.Button("Unload engines", size="sm", elem_id="about-unload")
    gr.Markdown(
        "Settings in force. Change them in `timbre.toml` in the home folder, by `TIMBRE_*`"
        " environment variables or on the command line, then start again."
    )
    gr.HTML(_settings(studio.settings), elem_id="about-settings")
    refresh.click(
        bind(on_state, studio), None, engines, show_progress="hidden", api_visibility="private"
    )
    unload.click(
        bind(on_unload, studio), None, engines, concurrency_limit=None, api_visibility="private"
    )


def on_state(studio: Studio) -> str:
    """The engines: what each is, whether it is loaded, and who waits."""
    state = studio.engines.state()
    rows = []
    for engine in state.engines:
        info = studio.engines.registry.get(engine.id).info
        now = "speaking" if engine.in_use else "loaded" if engine.loaded else "not loaded"
        if engine.model:
            now += f": {name_of(engine.model)}"
        if engine.placement is not None:
            now += f", on {engine.placement.reason}. {engine.placement.warning}".rstrip()
        if engine.load_error:
            now += f"; the last load failed: {engine.load_error}"
        rows.append(
            f"<tr><td><b>{escape(info.label)}</b></td><td>{escape(now)}</td>"
            f"<td>{escape(info.license)}</td><td>{escape(info.description)}</td></tr>"
        )
    return (
        '<table class="timbre-table"><thead><tr><th>Engine</th><th>Now</th><th>Licence</th>'
        f"<th>What it is</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f'<p class="timbre-line">{state.waiting} waiting · {state.memory_mb:,.0f} MB in use</p>'
    )


def on_unload(studio: Studio, request: gr.Request) -> str:
    refuse_visitors(request)
    for engine_id in studio.engines.registry.ids:
        studio.engines.unload(engine_id)
    return on_state(studio)


def _language_model(studio: Studio) -> str:
    """Whether a language model is set, where it is, and for what it is used."""
    model, settings = studio.language_model, studio.settings
    if not model.available:
        state = "off. Set llm_url to have transcripts and texts corrected; see docs/language-models.md"
    else:
        uses = {"transcripts": model.enabled("stt"), "texts before speech": model.enabled("tts")}
        used = ", ".join(f"{what}: {'on' if on else 'off'}" for what, on in uses.items())
        state = f"{settings.llm_model or 'the model of its choice'} at {model.host}; {used}"
    return f'<p class="timbre-line"><b>Language model:</b> {escape(state)}.</p>'


def _written(value: object) -> str:
    """`value` as timbre.toml has it, but for the quotes of texts."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _settings(settings: Settings) -> str:
    rows = "".join(
        f"<tr><td><code>{name}</code></td><td>{escape(_written(getattr(settings, name)))}</td>"
        f"<td>{escape(field.description or '')}</td></tr>"
        for name, field in Settings.model_fields.items()
        if name not in _SECRET
    )
    return (
        '<table class="timbre-table"><thead><tr><th>Name</th><th>Value</th><th>What it does</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )
