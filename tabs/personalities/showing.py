"""What of the page follows the chosen personality, and what a reload finds again."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.errors import NotFound
from studio.services.personality_values import Personality
from studio.services.studio import Studio
from tabs.edge import may_manage, owner_of
from tabs.personalities import emotions, view, working
from tabs.personalities.files import served

#: How many components `page` fills.
_PAGE = 6


def page(
    studio: Studio, request: gr.Request, personality: Personality | None, search: str, tag: str = ""
) -> list[Any]:
    """The list and what is shown of `personality`, its emotion `tag` marked; in the order of
    `PersonalitiesTab.page`."""
    return [
        personality.id if personality else "",
        entries(studio, request, personality.id if personality else "", search),
        # Whose a damaged one is cannot be read: strangers are not told their names.
        view.damaged(studio.personalities.damaged()) if may_manage(request) else "",
        _head(studio, request, personality),
        view.tags(personality),
        view.emotions(personality, tag, served(studio)) if personality else view.NOTHING_CHOSEN,
    ]


def entries(studio: Studio, request: gr.Request, chosen: str, search: str) -> str:
    """The list alone."""
    found = studio.personalities.list(owner_of(request), search or "")
    return view.listed(found, chosen, search or "")


def forms(studio: Studio, personality: Personality | None) -> list[Any]:
    """The forms for another personality, in the order of `PersonalitiesTab.forms`."""
    facts = ("", "", "", "")
    if personality is not None:
        facts = (
            personality.name,
            personality.language,
            personality.description,
            personality.note,
        )
    return [*emotions.form(studio, personality, None), "", *facts, "", ""]


def on_search(studio: Studio, request: gr.Request, search: str, chosen: str) -> str:
    return entries(studio, request, chosen, search)


def on_pick(studio: Studio, request: gr.Request, picked: str, search: str) -> list[Any]:
    """Another personality of the list."""
    personality = studio.personalities.get((picked or "").partition(" ")[0], owner_of(request))
    return [*page(studio, request, personality, search), *forms(studio, personality)]


def on_show(
    studio: Studio,
    request: gr.Request,
    search: str,
    chosen: str,
    tag: str,
    performance: str,
    building: str,
    seen: str,
    remembered: str,
) -> list[Any]:
    """The tab comes into view: the list as it is now, and, in a page that was loaded anew, what its
    window was showing before. What is being typed stays."""
    kept, _, spoken = (remembered or "").partition(" ")
    personality = found(studio, request, chosen) or found(studio, request, kept)
    again = personality is not None and personality.id == chosen
    performance = performance or spoken
    filled = forms(studio, personality)
    return [
        *page(studio, request, personality, search, tag if again else ""),
        *([gr.skip()] * len(filled) if again else filled),
        *working.now(studio, request, performance, seen, anew=not again),
        building,
    ]


def on_tick(
    studio: Studio,
    request: gr.Request,
    search: str,
    chosen: str,
    tag: str,
    performance: str,
    building: str,
    seen: str,
) -> list[Any]:
    """What is being made comes along: the list grows with a build, which is chosen when it is done."""
    shown = working.now(studio, request, performance, seen)
    filled = len(forms(studio, None))
    if shown[0] == seen:  # nothing but the progress has changed
        return [*[gr.skip()] * (_PAGE + filled), *shown, gr.skip()]
    made = working.built(studio, request, building)
    personality = found(studio, request, made or chosen)
    return [
        *page(studio, request, personality, search, "" if made else tag),
        *(forms(studio, personality) if made else [gr.skip()] * filled),
        *shown,
        "" if made else gr.skip(),
    ]


def _head(studio: Studio, request: gr.Request, personality: Personality | None) -> str:
    if personality is None:
        return view.NOTHING_CHOSEN
    return view.head(personality, working.is_built(studio, request, personality))


def found(studio: Studio, request: gr.Request, chosen: str) -> Personality | None:
    """None where it was deleted meanwhile, or is somebody else's."""
    if not chosen:
        return None
    try:
        return studio.personalities.get(chosen, owner_of(request))
    except NotFound:
        return None
