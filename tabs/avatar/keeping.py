"""The videos that were kept: show one again, mark it, annotate, delete, page through them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import BadInput, NotFound
from studio.services.avatar_values import VideoRecord
from studio.services.studio import Studio
from tabs.avatar import view
from tabs.avatar.place import Place
from tabs.avatar.posters import poster
from tabs.edge import owner_of

PAGE_SIZE = 12


def shown(
    studio: Studio,
    request: gr.Request,
    place: Place,
    search: str,
    favourites: bool,
    autoplay: bool = False,
) -> list[Any]:
    """The chosen video and the list, in the order of `AvatarTab.shown`."""
    record = found(studio, request, place.video)
    place = replace(place, video=record.id if record else "")
    player = view.video(record, poster(studio, record), autoplay) if record else ""
    note = record.note if record else ""
    return [place, player, note, listed(studio, request, place, search, favourites)]


def listed(studio: Studio, request: gr.Request, place: Place, search: str, favourites: bool) -> str:
    """A page of the list."""
    wanted = (search or "").strip()
    records = studio.avatars.list(
        owner_of(request), wanted, bool(favourites), PAGE_SIZE + 1, place.offset
    )
    newer = max(0, place.offset - PAGE_SIZE) if place.offset else None
    older = place.offset + PAGE_SIZE if len(records) > PAGE_SIZE else None
    page = [(record, poster(studio, record)) for record in records[:PAGE_SIZE]]
    return view.entries(page, place.video, newer, older, bool(wanted or favourites))


def found(studio: Studio, request: gr.Request, video: str) -> VideoRecord | None:
    """None where it was deleted meanwhile, or is somebody else's."""
    try:
        return studio.avatars.get(video, owner_of(request)) if video else None
    except NotFound:
        return None


def on_press(
    studio: Studio, request: gr.Request, place: Place, search: str, favourites: bool, pressed: str
) -> list[Any]:
    """What a button in the page's own HTML asks for, its words and then the number of presses: `show ID`,
    `favourite ID`, `delete ID`, `page OFFSET`."""
    owner = owner_of(request)
    match (pressed or "").split()[:-1]:
        case ["page", offset] if offset.isdecimal() and len(offset) < 9:
            place = replace(place, offset=int(offset))
            return [place, gr.skip(), gr.skip(), listed(studio, request, place, search, favourites)]
        case ["show", video]:
            place = replace(place, video=studio.avatars.get(video, owner).id)
        case ["favourite", video]:
            record = studio.avatars.get(video, owner)
            studio.avatars.set_favourite(video, owner, not record.favourite)
        case ["delete", video]:
            studio.avatars.delete(video, owner)
            gr.Info("Deleted.")
        case _:
            raise BadInput("That is nothing this page can do.", "Reload the page.")
    return shown(studio, request, place, search, favourites)


def on_search(
    studio: Studio, request: gr.Request, place: Place, search: str, favourites: bool
) -> list[Any]:
    """The list anew, from its beginning."""
    place = replace(place, offset=0)
    return [place, listed(studio, request, place, search, favourites)]


def on_note(
    studio: Studio, request: gr.Request, place: Place, search: str, favourites: bool, note: str
) -> str:
    """Keep what was written about the video; the list shows it."""
    if not place.video:
        raise BadInput("No video is chosen.", "Choose one in the list first.")
    studio.avatars.set_note(place.video, owner_of(request), note or "")
    gr.Info("Saved.")
    return listed(studio, request, place, search, favourites)
