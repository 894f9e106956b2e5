"""Making a personality: of one recording, with emotions by hand or built."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.audio.joining import JoinSettings
from studio.audio.reading import Limits
from studio.errors import BadInput, StudioError
from studio.services.personality_values import NEUTRAL, NewEmotion, NewPersonality
from studio.services.smart_building import TASK_KIND
from studio.services.smart_values import SmartOrder
from studio.services.studio import Studio
from tabs import consent, task_view
from tabs.edge import for_the_page, owner_of
from tabs.personalities import recordings, showing, view, wanted, working
from tabs.personalities.emotions import chosen_one
from tabs.personalities.new_layout import BOXES
from tabs.speech import choices
from tabs.speech.form import seed_of
from tabs.waveform import part_of, waveform

#: How many fields ask for consent.
_CONSENT = 3


def on_voices(studio: Studio, request: gr.Request, voice: str | None) -> Any:
    """The saved voices that a personality can be made of."""
    found = [(each.name, each.id) for each in studio.voices.list(owner_of(request))]
    kept = voice if voice in {id_ for _, id_ in found} else ""
    return gr.Dropdown(choices=[view.NO_VOICE, *found], value=kept)


def on_voice(studio: Studio, request: gr.Request, voice: str | None) -> list[Any]:
    """What is known of a saved voice: its language, recording, transcript and consent."""
    if not voice:
        return [gr.skip()] * 6
    found = studio.voices.get(voice, owner_of(request))
    sound = for_the_page(studio, found.audio)
    return [found.language, sound, found.transcript, *consent.values(found.consent)]


def on_audio(studio: Studio, audio: str | None) -> list[Any]:
    """Another recording: its waveform, and no part of it chosen."""
    if not audio:
        return ["", "", "", ""]
    longest = studio.settings.max_reference_s
    limits = Limits(max_seconds=longest, max_bytes=studio.settings.max_upload_mb * 1_000_000)
    try:
        shown = waveform(Path(audio), "your recording", BOXES, limits=limits)
    except StudioError as error:
        shown = view.refused(error)
    return [shown, "", "", ""]


def on_language(language: str, told: str) -> str:
    """The usual texts in another language."""
    return wanted.table(wanted.in_language(wanted.gathered(told), language or ""))


def on_transcribe(studio: Studio, audio: str | None) -> str:
    return recordings.transcribed(studio, _given(audio))


def on_check(studio: Studio, audio: str | None, transcript: str, language: str) -> str:
    """How good the recording is."""
    report = recordings.measured(studio, _given(audio), transcript or "", language or "")
    return task_view.report(report)


def on_create(
    studio: Studio, names: Sequence[str], request: gr.Request, search: str, *values: Any
) -> list[Any]:
    """A personality with its neutral emotion alone, which is chosen then."""
    given, who = _recording(names, values)
    neutral = NewEmotion(
        NEUTRAL, _given(given["audio"]), transcript=given["transcript"] or "", made=_made(given)
    )
    new = NewPersonality(
        given["name"] or "",
        (neutral,),
        language=given["language"] or "",
        description=given["description"] or "",
        voice=given["voice"] or "",
        consent=consent.consent_of(*who),
    )
    made = studio.personalities.create(new, owner_of(request))
    gr.Info(escape(f"Made: {made.name}. Add its emotions."))
    return [*showing.page(studio, request, made, search), *showing.forms(studio, made)]


def on_build(
    studio: Studio,
    names: Sequence[str],
    smart_names: Sequence[str],
    request: gr.Request,
    performance: str,
    seen: str,
    *values: Any,
) -> list[Any]:
    """Start building; how it comes along is shown by the timer. `values`: the recording's fields, those
    of the consent, how it is built, and the wanted emotions as the page tells them."""
    count = len(names) + _CONSENT
    given, who = _recording(names, values[:count])
    how = dict(zip(smart_names, values[count:-1], strict=True))
    told = values[-1]
    rows = [row.emotion for row in wanted.gathered(told) if row.chosen]
    if not rows:
        raise BadInput("No emotion is chosen.", "Tick at least one in the table.")
    order = SmartOrder(
        name=given["name"] or "",
        audio=_given(given["audio"]),
        transcript=given["transcript"] or "",
        description=given["description"] or "",
        language=given["language"] or "",
        emotions=tuple(rows),
        engine=how["engine"] or "",
        model=how["model"] or "",
        join=join_of(how),
        temperature=float(how["temperature"]) or None,
        seed=seed_of(how["seed"]),
        voice=given["voice"] or "",
        consent=consent.consent_of(*who),
    )
    task = studio.smart.start(order, owner_of(request))
    return [*working.now(studio, request, performance, seen), task]


def resume(studio: Studio, request: gr.Request, chosen: str) -> str:
    """Make what an unfinished build has left open; returns the task's id."""
    return studio.smart.resume(chosen_one(studio, request, chosen).id, owner_of(request))


def settle(studio: Studio, request: gr.Request, chosen: str) -> None:
    """Take what an unfinished build has made for all that is wanted."""
    studio.smart.settle(chosen_one(studio, request, chosen).id, owner_of(request))


def on_stop(studio: Studio, request: gr.Request) -> None:
    """Stop building; what is made is kept."""
    working.stop(studio, request, TASK_KIND)


def on_engine(studio: Studio, request: gr.Request, engine: str) -> Any:
    """The models of another engine."""
    owner = owner_of(request)
    models = choices.models_of(studio, engine, Capability.DESIGN, owner) if engine else ()
    listed = choices.models(models) if models else [view.AUTO_MODEL]
    return gr.Dropdown(choices=listed, value="")


def _recording(
    names: Sequence[str], values: Sequence[Any]
) -> tuple[dict[str, Any], tuple[Any, Any, Any]]:
    """The fields by name, then those of the consent."""
    given = dict(zip(names, values[: len(names)], strict=True))
    person, basis, day = values[len(names) :]
    return given, (person, basis, day)


def join_of(how: dict[str, Any]) -> JoinSettings:
    """The part that was chosen on the waveform, else as much as the slider says from the middle."""
    start, end = part_of(how["own_start"], how["own_end"])
    own_s = float(how["own_s"]) if end is None else end - (start or 0.0)
    chosen = start if start is not None or end is None else 0.0
    return JoinSettings(
        own_s=own_s,
        own_start=chosen,
        expressive_s=float(how["expressive_s"]),
        crossfade_ms=float(how["crossfade_ms"]),
    )


def _made(given: dict[str, Any]) -> dict[str, Any]:
    return {"how": "voice", "voice": given["voice"]} if given["voice"] else {"how": "upload"}


def _given(audio: str | None) -> Path:
    if not audio:
        raise BadInput("There is no recording.", "Upload one, record, or choose a saved voice.")
    return Path(audio)
