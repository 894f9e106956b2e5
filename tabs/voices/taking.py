"""What other tabs do with saved voices: a take becomes one, and Clone takes its reference from one."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from studio.errors import BadInput, NotFound
from studio.services.studio import Studio
from tabs import consent
from tabs.edge import bind, for_the_page, owner_of
from tabs.speech.layout import SpeechTab
from tabs.speech.view import line

_TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
NO_VOICE = ("None: the recording below", "")


@dataclass(frozen=True)
class SaveAs:
    """The fields that make a voice of a take."""

    name: gr.Textbox
    consent: consent.ConsentFields
    save: gr.Button


def lay_out_save_as(id_: str) -> SaveAs:
    """Lay the fields out here; their elem_ids begin with `id_`."""
    with gr.Accordion("Save as a voice", open=False, elem_id=f"{id_}-voice"):
        name = gr.Textbox(label="Name of the voice", max_lines=1, elem_id=f"{id_}-voice-name")
        gr.HTML(
            line(
                "Designed and preset voices are nobody's. Of one that was cloned from a recording, say"
                " whose it is, unless it was a saved voice."
            ),
            padding=False,
        )
        fields = consent.lay_out(f"{id_}-voice", narrow=True)
        save = gr.Button("Save as a voice", size="sm", elem_id=f"{id_}-voice-save")
    return SaveAs(name, fields, save)


def wire_save_as(studio: Studio, save_as: SaveAs, take: Any) -> None:
    """Bind the button; `take` holds the id of the take."""
    fields = [save_as.name, *save_as.consent.all]
    save_as.save.click(bind(on_save_take, studio), [take, *fields], fields, **_TOLD)


def on_save_take(
    studio: Studio,
    request: gr.Request,
    take_id: str | None,
    name: str,
    person: str,
    basis: str,
    day: str,
) -> tuple[str, ...]:
    """Keep the take as a voice; the fields are free again."""
    if not take_id:
        raise BadInput("No take is chosen.", "Choose one in the list first.")
    given = consent.consent_of(person, basis, day)
    voice = studio.voices.from_take(take_id, owner_of(request), name or "", given)
    gr.Info(escape(f"Saved as the voice “{voice.name}”; it is in the Voices tab."))
    return ("", *consent.values(None))


def wire_choice(studio: Studio, panel: SpeechTab, choice: gr.Dropdown) -> None:
    """Fill the list when the tab is shown, take over what is chosen, and forget it once another
    recording is given."""
    fields = panel.fields
    # What tells of the reference; `page.on_reuse` and saved settings fill the same fields.
    filled = [
        fields[name]
        for name in ("ref_voice", "ref_audio", "ref_text", "ref_start", "ref_end", "ref_more")
    ]
    gr.on(
        [panel.refresh.click, fields["ref_voice"].change],
        bind(on_known, studio),
        [fields["ref_voice"]],
        choice,
        trigger_mode="always_last",
        **_TOLD,
    )
    choice.input(bind(on_take_over, studio), [choice], filled, **_TOLD)
    audio = fields["ref_audio"]
    gr.on(
        [audio.upload, audio.stop_recording, audio.clear],
        lambda: "",
        None,
        fields["ref_voice"],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def on_known(studio: Studio, request: gr.Request, voice_id: str) -> Any:
    """The saved voices to choose from, with the one that the reference is of."""
    voices = studio.voices.list(owner_of(request))
    labels = [(f"★ {voice.name}" if voice.favourite else voice.name, voice.id) for voice in voices]
    known = {voice.id for voice in voices}
    return gr.Dropdown(choices=[NO_VOICE, *labels], value=voice_id if voice_id in known else "")


def on_take_over(studio: Studio, request: gr.Request, voice_id: str | None) -> list[Any]:
    """A saved voice's recording and transcript as the reference; "" leaves the recording and only
    forgets whose it is."""
    if not voice_id:
        return ["", *[gr.skip()] * 5]
    try:
        voice = studio.voices.get(voice_id, owner_of(request))
    except NotFound as error:
        raise BadInput("That voice is gone.", "Choose another one.") from error
    reference = studio.voices.reference(voice)
    return [voice.id, for_the_page(studio, reference.audio), reference.text, 0, 0, None]
