"""The components of the Avatar tab, as handlers read and fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tabs.speech import missing
from tabs.speech.layout import EngineGroup

ID = "avatar"

#: The views of what is said, by the names that a window remembers them by (assets/personalities.js).
TEXT, RECORDING = "said-text", "said-recording"


@dataclass
class AvatarTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    missing: missing.MissingNotice = field(init=False)
    # the face
    face: Any = field(init=False)  # the chosen one, with what is found in it
    gallery: Any = field(init=False)  # the built-in ones
    file: Any = field(init=False)
    webcam: Any = field(init=False)
    # everything else that is asked for, by the names of `form`
    fields: dict[str, Any] = field(default_factory=dict)
    tags: Any = field(init=False)  # those of the personality that speaks, else examples
    speech_models: Any = field(init=False)  # shown for speech engines that have some
    lips_note: Any = field(init=False)
    groups: list[EngineGroup] = field(default_factory=list)  # shown for what moves the lips
    # the making
    make: Any = field(init=False)
    stop: Any = field(init=False)
    status: Any = field(init=False)
    # the videos
    video: Any = field(init=False)
    note: Any = field(init=False)
    save_note: Any = field(init=False)
    search: Any = field(init=False)
    favourites: Any = field(init=False)
    entries: Any = field(init=False)
    # what the page keeps, and what it tells
    refresh: Any = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    picked: Any = field(init=False)  # what was pressed of the face, see `portrait.pressed`
    pressed: Any = field(init=False)  # what was pressed of the videos, see `keeping.on_press`
    reuse: Any = field(init=False)  # the video whose settings are wanted
    view: Any = field(init=False)  # TEXT or RECORDING, which the window knows
    remembered: Any = field(init=False)  # the video that the window was showing
    portrait: Any = field(init=False)  # a portrait.Portrait
    place: Any = field(init=False)  # a place.Place
    timer: Any = field(init=False)

    @property
    def portrayed(self) -> list[Any]:
        """What shows the chosen face, in the order of `choosing.shown`."""
        return [self.portrait, self.face, self.gallery]

    @property
    def shown(self) -> list[Any]:
        """What shows a video and the list of them, in the order of `keeping.shown`."""
        return [self.place, self.video, self.note, self.entries]

    @property
    def work(self) -> list[Any]:
        """All of what comes and goes, in the order of `working.now`."""
        return [self.timer, self.make, self.stop, self.status, *self.shown]
