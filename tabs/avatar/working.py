"""How the making of a video stands. It is a task of the studio, so a page that was loaded anew finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import NotFound
from studio.services.avatar_values import VideoRecord
from studio.services.studio import Studio
from studio.services.tasks import TaskStatus
from tabs.avatar import form, keeping, view
from tabs.avatar.place import Place
from tabs.avatar.portrait import Portrait
from tabs.edge import owner_of


def now(
    studio: Studio,
    request: gr.Request,
    has: Place,
    search: str,
    favourites: bool,
    wanted: Place | None = None,
    listed: bool = False,
) -> list[Any]:
    """In the order of `AvatarTab.work`: what follows from the task, and its video once it is there, unless
    another one was opened. `has`: what the window shows; `wanted`: what it is to show, where that is
    another. `listed`: the list is sent in any case."""
    place = wanted or has
    task = followed(studio, request, place)
    busy = task is not None and not task.state.finished
    made = None if task is None or place.over else task.result
    if task is not None:
        place = replace(place, task=task.id, over=not busy)
    if isinstance(made, VideoRecord):
        if place.video:  # another one was opened meanwhile, and may be playing
            listed = True
            gr.Info("Your video is ready: it is the first in the list.")
        else:
            place = replace(place, video=made.id, offset=0)
    if place.video != has.video:
        autoplay = made is not None
        videos = keeping.shown(studio, request, place, search, favourites, autoplay)
    else:
        videos = [gr.skip() if place == has else place, *[gr.skip()] * 3]
        if listed:
            videos[-1] = keeping.listed(studio, request, place, search, favourites)
    return [
        gr.Timer(active=busy),
        gr.Button(interactive=not busy),
        gr.Button(interactive=busy),
        view.status(task) if task is not None else "" if place.video else view.NOTHING,
        *videos,
    ]


def followed(studio: Studio, request: gr.Request, place: Place) -> TaskStatus | None:
    """The making that this window has begun, else one that is under way for whoever asks."""
    owner = owner_of(request)
    if place.task:
        return _task(studio, place.task, owner)
    return next((task for task in studio.avatars.running(owner) if not task.state.finished), None)


def on_make(
    studio: Studio,
    names: Sequence[str],
    request: gr.Request,
    place: Place,
    search: str,
    favourites: bool,
    portrait: Portrait,
    said: str,
    *values: Any,
) -> list[Any]:
    """Start; the timer shows how it comes along. `said`: TEXT or RECORDING; `values`: of the fields `names`."""
    order = form.to_order(
        studio, owner_of(request), portrait, said, dict(zip(names, values, strict=True))
    )
    started = studio.avatars.start(order, owner_of(request))
    # The newest picture takes the place of the video that was shown.
    return now(studio, request, place, search, favourites, Place(started, over=False))


def on_show(
    studio: Studio, request: gr.Request, place: Place, search: str, favourites: bool, remembered: str
) -> list[Any]:
    """The tab comes into view: what is under way and the list; in a page that was loaded anew also the
    making or the video that its window was showing, by its id."""
    wanted = place
    if place == Place() and remembered and followed(studio, request, place) is None:
        if keeping.found(studio, request, remembered) is not None:
            wanted = Place(video=remembered)
        elif _task(studio, remembered, owner_of(request)) is not None:
            wanted = Place(remembered, over=False)
    return now(studio, request, place, search, favourites, wanted, listed=True)


def on_tick(
    studio: Studio, request: gr.Request, place: Place, search: str, favourites: bool
) -> list[Any]:
    return now(studio, request, place, search, favourites)


def on_stop(studio: Studio, request: gr.Request, place: Place) -> None:
    """Stop what this window follows; what was spoken is kept."""
    task = followed(studio, request, place)
    if task is not None:
        studio.avatars.stop(task.id, owner_of(request))


def _task(studio: Studio, task: str, owner: str) -> TaskStatus | None:
    """None for one that ended long ago, or is somebody else's."""
    try:
        return studio.avatars.status(task, owner)
    except NotFound:
        return None
