"""The Avatar tab in somebody's window, from the handlers' side, and what is given to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from studio.services.avatar_values import AvatarOrder, Subtitles
from studio.services.studio import Studio
from tabs.avatar import choosing, form, keeping, portrait, working
from tabs.avatar.place import Place
from tabs.avatar.tab import TEXT
from tests import face_files
from tests.asking import Asker
from tests.face_files import nobody, save
from tests.running import until

#: The fields of the form as they are at first, but for a small picture.
FIELDS: dict[str, Any] = {
    "text": "Hi there.",
    "voice": "",
    "speech_engine": "espeak",
    "speech_model": "",
    "language": "auto",
    "speed": 1.0,
    "seed": "",
    "audio": None,
    "transcript": "",
    "engine": "animator",
    "model": "",
    "fps": 25,
    "max_height": 144,
    "subtitles": Subtitles.NONE.value,
    "label": True,
}


class Window:
    """The tab in somebody's window: what it holds, and what it shows."""

    def __init__(self, studio: Studio, name: str) -> None:
        self.studio, self.asker = studio, Asker(name)
        self.request: Any = self.asker
        self.place, self.portrait = Place(), portrait.built_in(studio)
        self.search, self.favourites = "", False
        self.shown: dict[str, str] = {}
        self.ticking = self.may_make = self.may_stop = False

    @property
    def here(self) -> tuple[Place, str, bool]:
        return self.place, self.search, self.favourites

    def _keep(self, names: tuple[str, ...], told: list[Any]) -> Window:
        for name, value in zip(names, told, strict=True):
            if value != gr.skip():
                self.shown[name] = value
        return self

    def _videos(self, place: Any, *told: Any) -> Window:
        self.place = self.place if place == gr.skip() else place
        return self._keep(("video", "note", "entries"), list(told))

    def _work(self, told: list[Any]) -> Window:
        timer, make, stop, status, *videos = told
        self.ticking, self.may_make, self.may_stop = (
            timer.active,
            make.interactive,
            stop.interactive,
        )
        return self._keep(("status",), [status])._videos(*videos)

    def show(self, remembered: str = "") -> Window:
        return self._work(working.on_show(self.studio, self.request, *self.here, remembered))

    def make(self, said: str = TEXT, **changes: Any) -> Window:
        given = FIELDS | changes
        return self._work(
            working.on_make(
                self.studio,
                list(given),
                self.request,
                *self.here,
                self.portrait,
                said,
                *given.values(),
            )
        )

    def tick(self) -> Window:
        return self._work(working.on_tick(self.studio, self.request, *self.here))

    def stop(self) -> None:
        working.on_stop(self.studio, self.request, self.place)

    def until_over(self) -> Window:
        until(lambda: not self.tick().ticking)
        assert "alert" not in self.shown["status"], self.shown["status"]
        return self

    def press(self, words: str) -> Window:
        return self._videos(*keeping.on_press(self.studio, self.request, *self.here, f"{words} 1"))

    def pick(self, words: str) -> Window:
        return self._faces(choosing.on_picked(self.studio, self.request, self.portrait, f"{words} 1"))

    def give(self, file: Path) -> Window:
        *told, box = choosing.on_file(self.studio, self.request, str(file))
        assert box is None  # free for the next one
        return self._faces(told)

    def _faces(self, told: list[Any]) -> Window:
        self.portrait, *html = told
        return self._keep(("face", "gallery"), html)

    def order(self, said: str = TEXT, **changes: Any) -> AvatarOrder:
        return form.to_order(self.studio, self.asker.username, self.portrait, said, FIELDS | changes)

    @property
    def video(self) -> str:
        """The id of the video that is shown."""
        (found,) = re.findall(r'data-key="avatar-video" data-value="(\w+)"', self.shown["video"])
        return str(found)

    @property
    def listed(self) -> list[str]:
        return re.findall(r'data-value="show (\w+)"', self.shown["entries"])


def two_faces(folder: Path) -> Path:
    """A picture of the same face twice, the right one larger."""
    small = np.concatenate([face_files.portrait()[::2, ::2], nobody(150, 150)])
    picture = np.concatenate([small, face_files.portrait()], axis=1)
    return save(picture, folder / "two & more.png")
