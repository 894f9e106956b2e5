"""`avatar`: from a text or a recording and a face to a video."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from studio.api.avatar_requests import engine_row
from studio.cli import performing
from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.ordering import options_from, order_from
from studio.cli.output import print_json
from studio.cli.parser import speak_defaults
from studio.cli.saving import shown_progress
from studio.control import Control
from studio.errors import BadInput, StudioError, unknown
from studio.files import publishing
from studio.services.avatar_values import AvatarOrder, GivenSound, Says, Subtitles, VideoRecord
from studio.services.face_geometry import landmarks_by_hand
from studio.services.face_values import FaceChoice
from studio.services.studio import Studio
from studio.services.video_files import FORMATS
from studio.video.types import Landmarks, Point

#: Options of `speak` that say something else here, or have a use with a recording as well.
_SHARED = frozenset(
    {"text", "engine", "model", "option", "language", "output", "subtitles", "quiet", "json"}
)


def avatar(studio: Studio, given: argparse.Namespace) -> None:
    """`app.py avatar`: make a video, wait, and say where it is; or list the built-in faces. Ctrl+C stops
    it: what was spoken stays in the history then."""
    if given.list_faces:
        _list_faces(studio, given)
        return
    if given.output:
        _check_target(Path(given.output))
    order = AvatarOrder(
        says=_says(studio, given),
        face=_face(studio, given),
        engine=given.engine,
        model=given.model,
        fps=given.fps,
        max_height=given.max_height,
        subtitles=Subtitles(given.subtitles),
        label=False if given.no_label else None,
        options=options_from(given),
    )
    with stopping_on_interrupt() as control:
        record = studio.avatars.make(order, on_status=shown_progress(given), control=control)
    try:
        files = _saved(studio, given, record)
    except (StudioError, OSError):
        print(f"The video is kept as {studio.avatars.path(record)}.", file=sys.stderr)
        raise
    if given.json:
        print_json({"ok": True, **_row(record), **files})
    else:
        print(files["file"])


def _check_target(path: Path) -> None:
    """Raises BadInput where no video can be written, before a long one is made for nothing."""
    if path.suffix.lower() != ".mp4":
        raise unknown("video format", path.suffix, [".mp4"])
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name a file in it, such as video.mp4.")


def _says(studio: Studio, given: argparse.Namespace) -> Says:
    if given.audio is not None:
        _refuse_speech(given)
        return GivenSound(Path(given.audio), given.transcript, given.language)
    if given.transcript:
        raise BadInput("--transcript goes with --audio only.", "Leave it out.")
    shared = {name: value for name, value in vars(given).items() if name in vars(speak_defaults())}
    spoken = {
        **vars(speak_defaults()),
        **shared,
        "engine": given.speech_engine,
        "model": given.speech_model,
        "option": given.speech_option,
    }
    options = argparse.Namespace(**spoken)
    if given.personality is not None:
        return performing.order_from(studio, options)
    performing.refuse_options(options)
    return order_from(studio, options)


def _refuse_speech(given: argparse.Namespace) -> None:
    """Raises BadInput for an option that only a text has a use for."""
    unset = vars(speak_defaults()) | {"speech_engine": None, "speech_model": "", "speech_option": []}
    for option, default in unset.items():
        if option not in _SHARED and getattr(given, option, default) != default:
            flag = "--" + option.replace("_", "-")
            raise BadInput(f"{flag} does not go with --audio.", "Leave one of them out.")


def _face(studio: Studio, given: argparse.Namespace) -> FaceChoice:
    """A built-in avatar where one has that name, else a file."""
    number = None
    if given.face_number is not None:
        if given.face_number < 1:
            raise BadInput(f"There is no face {given.face_number}.", "1 is the leftmost.")
        number = given.face_number - 1
    landmarks = _landmarks(given)
    known = [avatar.id for avatar in studio.faces.built_in()]
    if given.face is None or given.face in known:
        return FaceChoice(given.face or "", None, number, landmarks)
    file = Path(given.face)
    if not file.exists():
        raise unknown("file or built-in avatar", given.face, known)
    return FaceChoice("", file, number, _as_looked_at(studio, file, landmarks))


def _as_looked_at(studio: Studio, file: Path, landmarks: Landmarks | None) -> Landmarks | None:
    """Points of the file as points of what is looked at, which may be smaller."""
    if landmarks is None:
        return None
    looked = studio.faces.look(file, Control())
    along, down = (seen / whole for seen, whole in zip(looked.size, looked.whole, strict=True))
    points = (getattr(landmarks, field.name) for field in fields(landmarks))
    return Landmarks(*(Point(point.x * along, point.y * down) for point in points))


def _landmarks(given: argparse.Namespace) -> Landmarks | None:
    """The points that --eyes and --mouth say."""
    if given.eyes is None and given.mouth is None:
        return None
    if given.eyes is None or given.mouth is None:
        raise BadInput("--eyes and --mouth go together.", "Give both, or neither.")
    if given.face_number is not None:
        raise BadInput("--face-number does not go with --eyes.", "Leave one of them out.")
    return landmarks_by_hand(*_points(given.eyes), *_points(given.mouth))


def _points(text: str) -> tuple[Point, Point]:
    try:
        x1, y1, x2, y2 = map(float, text.split(","))
    except ValueError as error:
        raise BadInput(f"“{text[:40]}” is no two points.", "Write them as 120,80,180,82.") from error
    return Point(x1, y1), Point(x2, y2)


def _saved(studio: Studio, given: argparse.Namespace, record: VideoRecord) -> dict[str, Any]:
    """Write what --output asks for; returns where the files are."""
    source = studio.avatars.path(record)
    path = Path(given.output) if given.output else source
    beside = [ending for ending in FORMATS if source.with_suffix(f".{ending}").exists()]
    if given.output:
        for ending in ("mp4", *beside):
            with publishing(path.with_suffix(f".{ending}") if ending != "mp4" else path) as partial:
                shutil.copyfile(source.with_suffix(f".{ending}"), partial)
    return {
        "file": str(path),
        "subtitles": [str(path.with_suffix(f".{ending}")) for ending in beside],
    }


def _row(record: VideoRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "avatar": record.avatar,
        "engine": record.engine,
        "model": record.model,
        "take": record.take,
        "text": record.text,
        "duration": round(record.duration, 3),
        "seconds": round(record.seconds, 3),
        "rtf": round(record.rtf, 4),
        "width": record.width,
        "height": record.height,
        "fps": record.fps,
        "notes": list(record.notes),
    }


def _list_faces(studio: Studio, given: argparse.Namespace) -> None:
    avatars = studio.faces.built_in()
    if not given.json:
        width = max(len(avatar.id) for avatar in avatars)
        for avatar in avatars:
            print(f"{avatar.id:{width}}  {avatar.label}: {avatar.description}")
        return
    rows = [
        {
            "id": avatar.id,
            "label": avatar.label,
            "description": avatar.description,
            "picture": str(avatar.picture),
        }
        for avatar in avatars
    ]
    engines = [engine_row(info, studio.avatars.models(info.id)) for info in studio.avatars.engines()]
    print_json({"ok": True, "faces": rows, "engines": engines})
