"""The chosen personality as a whole: rename and describe, duplicate, export, import, delete."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import BadInput
from studio.services.personality_values import PersonalityChange
from studio.services.studio import Studio
from tabs import consent
from tabs.edge import owner_of
from tabs.personalities import showing
from tabs.personalities.emotions import chosen_one
from tabs.personalities.files import link, outgoing


def on_change(
    studio: Studio,
    request: gr.Request,
    search: str,
    chosen: str,
    name: str,
    language: str,
    description: str,
    note: str,
) -> list[Any]:
    """Keep what is said of it."""
    personality = chosen_one(studio, request, chosen)
    change = PersonalityChange(name or "", language or "", description or "", note or "")
    changed = studio.personalities.change(personality.id, owner_of(request), change)
    gr.Info("Saved.")
    return showing.page(studio, request, changed, search)


def on_duplicate(studio: Studio, request: gr.Request, search: str, chosen: str, name: str) -> list[Any]:
    """A copy, which is chosen then."""
    owner = owner_of(request)
    personality = chosen_one(studio, request, chosen)
    wanted = (name or "").strip()
    if not wanted:
        taken = {each.name.casefold() for each in studio.personalities.list(owner)}
        wanted = free_name(personality.name, taken)
    copy = studio.personalities.duplicate(personality.id, owner, wanted)
    gr.Info(escape(f"Duplicated: {copy.name}"))
    return [*showing.page(studio, request, copy, search), *showing.forms(studio, copy)]


def on_export(studio: Studio, request: gr.Request, chosen: str) -> str:
    """It as a zip, as a link."""
    personality = chosen_one(studio, request, chosen)
    target = outgoing(studio, personality.name)
    return link(studio.personalities.export(personality.id, owner_of(request), target))


def on_import(
    studio: Studio, request: gr.Request, file: str | None, person: str, basis: str, day: str
) -> list[Any]:
    """Take one in from a zip, and choose it; the box, the consent and the search are emptied."""
    if not file:
        raise BadInput("There is no file.", "Choose a personality's zip first.")
    given = consent.consent_of(person, basis, day)
    personality = studio.personalities.import_zip(Path(file), owner_of(request), given)
    gr.Info(escape(f"Imported: {personality.name}"))
    return [
        None,
        *consent.values(None),
        "",
        *showing.page(studio, request, personality, ""),
        *showing.forms(studio, personality),
    ]


def on_delete(studio: Studio, request: gr.Request, search: str, chosen: str) -> list[Any]:
    """Delete it; none is chosen then."""
    personality = chosen_one(studio, request, chosen)
    studio.personalities.delete(personality.id, owner_of(request))
    gr.Info(escape(f"Deleted: {personality.name}"))
    return [*showing.page(studio, request, None, search), *showing.forms(studio, None)]


def free_name(name: str, taken: set[str]) -> str:
    """`name` with a number that no other has; `taken` in folded case."""
    number = 2
    while f"{name} {number}".casefold() in taken:
        number += 1
    return f"{name} {number}"
