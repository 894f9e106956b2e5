"""The face that is to speak, as somebody has chosen it in a window."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from studio.control import Control
from studio.errors import BadInput
from studio.files import write_bytes
from studio.services.face_geometry import face_by_hand, landmarks_by_hand
from studio.services.face_values import FaceChoice
from studio.services.faces import told_of
from studio.services.studio import Studio
from studio.video.pictures import jpeg_bytes
from studio.video.types import Face, Landmarks, Point
from tabs.waveform import file_url

#: The longer side of a preview, pixels.
_PREVIEW = 720

NO_FACE = "No face was found.", "Set the eyes and the mouth on the picture, or choose another one."


@dataclass(frozen=True)
class Portrait:
    """A built-in avatar, or a picture or video with what was found in it."""

    avatar: str = ""  # id of a built-in one; "" where a file was given
    file: Path | None = None
    name: str = ""
    address: str = ""  # of the picture, for the page
    size: tuple[int, int] = (1, 1)  # px, of the picture that is shown; what the faces are in
    whole: tuple[int, int] = (1, 1)  # px, of the file
    faces: tuple[Face, ...] = ()  # from left to right
    chosen: int | None = None
    by_hand: bool = False  # the points of the chosen face were set by a person
    asking: bool = False  # they are being set
    seconds: float | None = None  # of a video
    notes: tuple[str, ...] = ()
    problem: tuple[str, str] | None = None  # why the file cannot be used, and what to do

    @property
    def face(self) -> Face | None:
        return self.faces[self.chosen] if self.chosen is not None else None


def built_in(studio: Studio, avatar: str = "") -> Portrait:
    """The built-in avatar of that id; the default one for "" and for one that there is no longer."""
    brought = studio.faces.built_in()
    found = next((each for each in brought if each.id == avatar), brought[0])
    return Portrait(
        avatar=found.id,
        name=found.label,
        address=f"api/avatar/pictures/{found.id}",
        size=_size_of(found.picture),
        faces=(found.face,),
        chosen=0,
    )


def of_file(studio: Studio, file: Path, name: str = "") -> Portrait:
    """What is seen in an upload, called `name` or by its file. Why it cannot be used stands in its
    `problem`."""
    name = name or file.name
    try:
        looked = studio.faces.look(file, Control())
        preview = jpeg_bytes(looked.preview, _PREVIEW)
    except BadInput as error:
        return Portrait(file=file, name=name, problem=(error.message, error.hint))
    folder = studio.workspace.gradio_temp / "faces"
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"{hashlib.sha256(preview).hexdigest()[:32]}.jpg"
    if not picture.exists():
        write_bytes(picture, preview)
    return Portrait(
        file=file,
        name=name,
        address=file_url(picture),
        size=looked.size,
        whole=looked.whole,
        faces=looked.faces,
        chosen=looked.chosen,
        asking=not looked.faces,
        seconds=looked.seconds,
        notes=looked.notes,
    )


def choice(portrait: Portrait) -> FaceChoice:
    """What an order says of it. Raises BadInput for one that cannot speak, or not yet."""
    if portrait.problem is not None:
        raise BadInput(*portrait.problem)
    if portrait.file is None:
        return FaceChoice(portrait.avatar)
    face = portrait.face
    if face is None:
        raise BadInput(*NO_FACE)
    if portrait.by_hand:
        return FaceChoice(file=portrait.file, landmarks=face.landmarks, name=portrait.name)
    return FaceChoice(file=portrait.file, face=portrait.chosen, name=portrait.name)


def of_choice(studio: Studio, wanted: FaceChoice) -> Portrait:
    """The same again of an order that was kept; its file is looked at anew."""
    if wanted.file is None:
        return built_in(studio, wanted.avatar)
    found = of_file(studio, wanted.file, wanted.name)
    if wanted.landmarks is not None:
        return _by_hand(found, wanted.landmarks)
    if wanted.face is not None and wanted.face < len(found.faces):
        return replace(found, chosen=wanted.face)
    return found


def pressed(studio: Studio, portrait: Portrait, words: list[str]) -> Portrait:
    """After a press: `avatar ID`; `face NUMBER` (from 0), or `area NUMBER` where it was pressed on the
    picture; `ask` and `found` for setting the points by hand and for going back; `points` with eight
    numbers, x and y of the eyes, then of the corners of the mouth. Raises BadInput for anything else."""
    match words:
        case ["avatar", avatar]:
            return built_in(studio, avatar)
        case ["face" | "area", number] if number.isdecimal() and int(number[:6]) < len(portrait.faces):
            notes = told_of(portrait.faces[int(number)], portrait.size)
            return replace(portrait, chosen=int(number), asking=False, notes=notes)
        case ["ask"] if portrait.file is not None and portrait.problem is None:
            return replace(portrait, asking=True)
        case ["found"] if portrait.file is not None:
            return of_file(studio, portrait.file, portrait.name)
        case ["points", *numbers] if len(numbers) == 8 and portrait.file is not None:
            return _by_hand(portrait, _landmarks(numbers))
        case _:
            raise BadInput("That is nothing this page can do.", "Reload the page.")


def _landmarks(numbers: list[str]) -> Landmarks:
    try:
        left_eye, right_eye, mouth_left, mouth_right = (
            Point(float(x), float(y)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        )
    except ValueError as error:
        raise BadInput("A point is no two numbers.", "Set the points again.") from error
    return landmarks_by_hand(left_eye, right_eye, mouth_left, mouth_right)


def _by_hand(portrait: Portrait, points: Landmarks) -> Portrait:
    """With a face that a person has set, and no other one. Raises BadInput for points that make none."""
    face = face_by_hand(points, portrait.size)
    notes = told_of(face, portrait.size)
    return replace(portrait, faces=(face,), chosen=0, by_hand=True, asking=False, notes=notes)


def _size_of(picture: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(picture) as image:
        return image.size
