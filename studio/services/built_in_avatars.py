"""The avatars that come with the studio: drawings of ours, and where the face is in each."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from studio.errors import Damaged, unknown
from studio.files import read_json
from studio.services.face_values import BuiltInAvatar
from studio.settings import CHECKOUT
from studio.video.types import Face, Landmarks, Point

_FOLDER = CHECKOUT / "assets" / "avatars"


def built_in() -> tuple[BuiltInAvatar, ...]:
    """All of them, the default first. Raises Damaged where their list cannot be read."""
    return _read(_FOLDER)


def find(avatar_id: str) -> BuiltInAvatar:
    """The one with this id, "" for the default; raises NotFound naming the others."""
    for avatar in built_in():
        if avatar_id in ("", avatar.id):
            return avatar
    raise unknown("built-in avatar", avatar_id, (avatar.id for avatar in built_in()))


@cache
def _read(folder: Path) -> tuple[BuiltInAvatar, ...]:
    path = folder / "avatars.json"
    try:
        written = read_json(path)
        avatars = [_avatar(folder, each) for each in written["avatars"]]
        default = written["default"]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Damaged(
            f"The list of built-in avatars cannot be read: {path}: {error}.",
            "Restore the folder assets/avatars from the project.",
        ) from error
    return tuple(sorted(avatars, key=lambda avatar: avatar.id != default))


def _avatar(folder: Path, written: dict[str, Any]) -> BuiltInAvatar:
    names = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
    landmarks = Landmarks(*(Point(*map(float, written[name])) for name in names))
    left, top, right, bottom = map(float, written["box"])
    face = Face(left, top, right, bottom, landmarks)
    picture = folder / Path(written["picture"]).name
    return BuiltInAvatar(written["id"], written["label"], written["description"], picture, face)
