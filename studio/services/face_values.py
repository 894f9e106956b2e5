"""Which face is to speak: what is asked for, and what was seen in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.video.types import Face, Landmarks, Picture


@dataclass(frozen=True)
class FaceChoice:
    """Who is to speak. With nothing given, the default built-in avatar."""

    avatar: str = ""  # id of a built-in avatar
    file: Path | None = None  # a picture or a video of one's own
    face: int | None = None  # of several, counted from the left (Looked.faces); None: Looked.chosen
    landmarks: Landmarks | None = None  # set by hand on Looked.preview, instead of detection
    name: str = ""  # of the file, for people; "": the one it has


@dataclass(frozen=True, eq=False)
class Looked:
    """What a quick look at a file showed. No face is no error here: the person may set it by hand."""

    still: bool  # a picture, or a video of a single frame
    size: tuple[int, int]  # width and height of `preview`, which faces and landmarks are measured on
    whole: tuple[int, int]  # the same of the file as it is shown, which may be larger
    preview: Picture  # the picture, or the frame of the video in which the faces were counted
    faces: tuple[Face, ...]  # from left to right
    chosen: (
        int | None
    )  # the one that is taken where nothing is said: the largest; None where there is none
    notes: tuple[str, ...]  # what a person should know, in sentences
    seconds: float | None  # of the video; None for a picture


@dataclass(frozen=True)
class BuiltInAvatar:
    """A drawing of ours that can speak."""

    id: str
    label: str
    description: str  # for those who do not see the picture
    picture: Path  # PNG
    face: Face
