"""The emotions of the chosen personality: look at one, add, change, replace, remove, compare."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import BadInput
from studio.services import emotion_audit
from studio.services.personality_values import (
    NEUTRAL,
    Emotion,
    EmotionChange,
    NewEmotion,
    Personality,
)
from studio.services.studio import Studio
from tabs import task_view
from tabs.edge import owner_of, picked_number
from tabs.personalities import audit_view, joints, recordings, showing, view

_NONE_CHOSEN = BadInput("No personality is chosen.", "Choose one in the list, or make one first.")


def chosen_one(studio: Studio, request: gr.Request, chosen: str) -> Personality:
    """Raises BadInput where none is chosen, NotFound where it is gone."""
    if not chosen:
        raise _NONE_CHOSEN
    return studio.personalities.get(chosen, owner_of(request))


def form(studio: Studio, personality: Personality | None, emotion: Emotion | None) -> list[Any]:
    """The form for `emotion`, empty for a new one; in the order of `PersonalitiesTab.emotion_form`."""
    removable = emotion is not None and emotion.tag != NEUTRAL
    return [
        emotion.tag if emotion else "",
        view.emotion_caption(personality, emotion),
        joints.shown(studio, personality, emotion) if personality and emotion else "",
        emotion.tag if emotion else "",
        ", ".join(emotion.aliases) if emotion else "",
        emotion.language if emotion else "",
        None,
        emotion.transcript if emotion else "",
        "",
        gr.Button("Save the changes" if emotion else "Add the emotion", interactive=bool(personality)),
        gr.Button(interactive=removable),
    ]


def on_open(studio: Studio, request: gr.Request, chosen: str, picked: str, search: str) -> list[Any]:
    """An emotion of the table into the form."""
    personality = chosen_one(studio, request, chosen)
    number = picked_number(picked)
    if not 0 <= number < len(personality.emotions):
        raise BadInput("There is no such emotion.", "It may have been removed; press Refresh.")
    emotion = personality.emotions[number]
    return [
        *showing.page(studio, request, personality, search, emotion.tag),
        *form(studio, personality, emotion),
    ]


def on_new(studio: Studio, request: gr.Request, chosen: str, search: str) -> list[Any]:
    """The empty form."""
    personality = chosen_one(studio, request, chosen)
    return [*showing.page(studio, request, personality, search), *form(studio, personality, None)]


def on_save(
    studio: Studio,
    request: gr.Request,
    search: str,
    chosen: str,
    opened: str,
    tag: str,
    aliases: str,
    language: str,
    audio: str | None,
    transcript: str,
) -> list[Any]:
    """Add what is in the form, or change the emotion `opened` into it; a recording replaces its own."""
    personality, owner = chosen_one(studio, request, chosen), owner_of(request)
    names = tuple(name.strip() for name in (aliases or "").split(",") if name.strip())
    if not opened:
        if not audio:
            raise BadInput("The emotion has no recording.", "Upload one, or record with the microphone.")
        new = NewEmotion(
            tag or "",
            Path(audio),
            transcript=transcript or "",
            language=language or "",
            aliases=names,
        )
        changed = studio.personalities.add_emotion(personality.id, owner, new)
        gr.Info(escape(f"Added: {changed.emotions[-1].tag}"))
        return [*showing.page(studio, request, changed, search), *form(studio, changed, None)]
    change = EmotionChange(
        tag=tag or "", transcript=transcript or "", language=language or "", aliases=names
    )
    changed = studio.personalities.change_emotion(personality.id, owner, opened, change)
    emotion = _named(changed, tag or "", opened)
    if audio:
        new = NewEmotion(
            emotion.tag, Path(audio), None, None, emotion.transcript, emotion.language, emotion.aliases
        )
        changed = studio.personalities.add_emotion(personality.id, owner, new, replace=True)
        emotion = _named(changed, emotion.tag, opened)
    gr.Info(escape(f"Saved: {emotion.tag}"))
    return [
        *showing.page(studio, request, changed, search, emotion.tag),
        *form(studio, changed, emotion),
    ]


def on_remove(studio: Studio, request: gr.Request, chosen: str, search: str, opened: str) -> list[Any]:
    """Remove the emotion that was asked about; the form is empty then."""
    personality = chosen_one(studio, request, chosen)
    changed = studio.personalities.remove_emotion(personality.id, owner_of(request), opened)
    gr.Info(escape(f"Removed: {opened}"))
    return [*showing.page(studio, request, changed, search), *form(studio, changed, None)]


def on_transcribe(
    studio: Studio, request: gr.Request, chosen: str, opened: str, audio: str | None
) -> str:
    """What the recording in the form says, else that of the emotion."""
    return recordings.transcribed(studio, _sound(studio, request, chosen, opened, audio))


def on_check(
    studio: Studio, request: gr.Request, chosen: str, opened: str, audio: str | None, transcript: str
) -> str:
    """How good the recording in the form is as a reference, else that of the emotion."""
    sound = _sound(studio, request, chosen, opened, audio)
    return task_view.report(recordings.measured(studio, sound, transcript or ""))


def on_compare(studio: Studio, request: gr.Request, chosen: str) -> str:
    """The emotions measured side by side."""
    return audit_view.audit(emotion_audit.audit(chosen_one(studio, request, chosen)))


def _sound(studio: Studio, request: gr.Request, chosen: str, opened: str, audio: str | None) -> Path:
    if audio:
        return Path(audio)
    emotion = chosen_one(studio, request, chosen).emotion(opened) if opened else None
    if emotion is None:
        raise BadInput("There is no recording.", "Upload one, or record with the microphone.")
    return emotion.audio


def _named(personality: Personality, tag: str, before: str) -> Emotion:
    """The emotion that was just saved under `tag`, which the library may spell otherwise."""
    wanted = " ".join(tag.split())
    found = personality.emotion(wanted) or personality.emotion(before)
    return found or personality.emotions[0]
