"""An order of a video as plain data: what the history and the sidecar keep of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from studio.errors import Damaged
from studio.services import orders, performance_orders
from studio.services.avatar_values import AvatarOrder, GivenSound, Says, Subtitles
from studio.services.face_values import FaceChoice
from studio.services.performance_values import PerformOrder
from studio.services.takes import TakeRecord
from studio.video.types import Landmarks, Point

_SPEECH, _PERFORMANCE, _SOUND = "speech", "performance", "sound"


def to_settings(order: AvatarOrder) -> dict[str, Any]:
    """Everything of `order` but its text, as JSON can hold it. Of files only the names are kept: of the
    face the studio has a copy, of a given sound it has none."""
    return {
        "says": _says_to_dict(order.says),
        "face": _face_to_dict(order.face),
        "engine": order.engine,
        "model": order.model,
        "fps": order.fps,
        "max_height": order.max_height,
        "subtitles": order.subtitles.value,
        "label": order.label,
        "options": dict(order.options),
    }


def from_settings(settings: Mapping[str, Any], text: str = "", face: Path | None = None) -> AvatarOrder:
    """The order that `to_settings` was made from; `face` is the studio's copy of the face, where there is
    one. A given sound has to be given again: only its name is known. Raises Damaged where the settings make no sense."""
    try:
        return AvatarOrder(
            says=_says_from_dict(settings["says"], text),
            face=_face_from_dict(settings["face"], face),
            engine=str(settings["engine"]),
            model=str(settings.get("model", "")),
            fps=int(settings["fps"]),
            max_height=int(settings["max_height"]),
            subtitles=Subtitles(settings.get("subtitles", Subtitles.NONE.value)),
            label=settings.get("label"),
            options={key: float(value) for key, value in settings.get("options", {}).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"These settings cannot be read: {error}.", "Make them anew.") from error


def as_spoken(order: AvatarOrder, take: TakeRecord | None) -> AvatarOrder:
    """`order` with what it says as `take` says it: by the studio's copy of a reference, with the seed that
    was drawn. As it is where the sound was given."""
    if take is None:
        return order
    if isinstance(order.says, PerformOrder):
        return replace(order, says=performance_orders.from_settings(take.settings, take.text))
    return replace(order, says=orders.from_settings(take.settings, take.text))


def _says_to_dict(says: Says) -> dict[str, Any]:
    if isinstance(says, GivenSound):
        name = (says.name or says.audio.name).encode("utf-8", "replace").decode()
        return {"kind": _SOUND, "name": name, "language": says.language}
    if isinstance(says, PerformOrder):
        return {"kind": _PERFORMANCE, **performance_orders.to_settings(says), "text": says.text}
    return {"kind": _SPEECH, **orders.to_settings(says)}


def _says_from_dict(value: Mapping[str, Any], text: str) -> Says:
    kind = value["kind"]
    if kind == _SOUND:
        return GivenSound(Path(), text, str(value.get("language", "auto")), str(value["name"]))
    if kind == _PERFORMANCE:
        return performance_orders.from_settings(value, str(value["text"]))
    return orders.from_settings(value, text)


def _face_to_dict(face: FaceChoice) -> dict[str, Any]:
    return {
        "avatar": face.avatar,
        "name": _name_of(face),
        "face": face.face,
        "landmarks": asdict(face.landmarks) if face.landmarks is not None else None,
    }


def _face_from_dict(value: Mapping[str, Any], file: Path | None) -> FaceChoice:
    points = value.get("landmarks")
    landmarks = None
    if points is not None:
        landmarks = Landmarks(**{name: Point(*point) for name, point in points.items()})
    name = str(value.get("name", "")) if file is not None else ""
    return FaceChoice(str(value.get("avatar", "")), file, value.get("face"), landmarks, name)


def _name_of(face: FaceChoice) -> str:
    """Of its file; "" where it is a built-in one."""
    if face.file is None:
        return ""
    return (face.name or face.file.name).encode("utf-8", "replace").decode()
