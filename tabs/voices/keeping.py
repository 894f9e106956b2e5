"""From the form to a saved voice."""

from __future__ import annotations

import filecmp
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engines.base import WordTiming
from studio.errors import BadInput
from studio.services.studio import Studio
from studio.services.voice_values import NewVoice, Voice, VoiceChange
from tabs import consent
from tabs.edge import bind, owner_of
from tabs.voices import library, recording
from tabs.voices.recording import Heard
from tabs.voices.tab import VoicesTab
from tabs.waveform import part_of

Part = tuple[float | None, float | None]


def wire(studio: Studio, tab: VoicesTab) -> None:
    """Bind the button that saves."""
    saved = tab.save.click(
        bind(on_save, studio),
        [tab.chosen, tab.origin, tab.heard, tab.sentence, *tab.region, *tab.fields],
        tab.form,
        **library.TOLD,
    )
    saved.success(bind(library.on_list, studio, 0), tab.filters, tab.page, **library.TOLD)


def on_save(
    studio: Studio,
    request: gr.Request,
    chosen: str,
    origin: str,
    heard: Heard | None,
    sentence: str,
    audio: str | None,
    start: str,
    end: str,
    transcript: str,
    name: str,
    language: str,
    tags: str,
    note: str,
    person: str,
    basis: str,
    day: str,
) -> list[Any]:
    """Keep what the form holds as a new voice, or change the chosen one into it.

    Of a recording that is not kept yet the chosen part becomes the voice; of the kept one the part is
    only what is looked at, until somebody cuts it out.
    """
    if not audio:
        raise BadInput("There is no recording.", "Upload one, or record with the microphone.")
    owner, part = owner_of(request), part_of(start, end)
    text = (transcript or "").strip()
    about: dict[str, Any] = {
        "transcript": text,
        "language": (language or "").strip(),
        "tags": split_tags(tags),
        "note": (note or "").strip(),
    }
    if chosen:
        voice = studio.voices.get(chosen, owner)
        given = consent.consent_of(person, basis, day, voice.consent)
        _replace_recording(studio, voice, owner, Path(audio), part)
        change = VoiceChange(name=name or "", consent=given, **about)
        voice = studio.voices.change(chosen, owner, change)
    else:
        new = NewVoice(
            name=name or "",
            audio=Path(audio),
            start=part[0],
            end=part[1],
            origin=origin,
            words=words_of(heard, text, part),
            consent=consent.consent_of(person, basis, day),
            **about,
        )
        voice = studio.voices.create(new, owner)
    gr.Info(escape(f"Saved “{voice.name}”."))
    return library.form(studio, voice, sentence)


def split_tags(typed: str) -> tuple[str, ...]:
    """Tags typed with commas, each once whatever its case."""
    tags: dict[str, str] = {}
    for each in (typed or "").split(","):
        tags.setdefault(each.strip().casefold(), each.strip())
    return tuple(tag for tag in tags.values() if tag)


def words_of(heard: Heard | None, text: str, part: Part) -> tuple[WordTiming, ...]:
    """The times of the words, where `text` is what was recognised in that very part."""
    if heard is None or heard.text != text or (heard.start, heard.end) != part:
        return ()
    return heard.words


def _replace_recording(studio: Studio, voice: Voice, owner: str, given: Path, part: Part) -> None:
    """Keep `given` as the voice's recording where it is another one."""
    if filecmp.cmp(given, voice.audio, shallow=False):
        return
    path = given if part == (None, None) else recording.cut(studio, given, *part)
    studio.voices.replace_audio(voice.id, owner, path)
