"""A video of a face that speaks: what is asked for, how it stands, and what the history keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from studio.services.face_values import FaceChoice
from studio.services.performance_values import PerformOrder
from studio.services.takes import SpeechOrder

#: The kind of the tasks that make one.
TASK_KIND = "avatar"

DEFAULT_ENGINE = "animator"
#: Frames a second that can be asked for, the default first.
FPS = (25, 30)
MIN_HEIGHT, DEFAULT_HEIGHT, MAX_HEIGHT = 128, 720, 2160
#: Less sound than this shows no movement, seconds.
MIN_SOUND_S = 0.05


class Subtitles(str, Enum):
    """Where the words are shown."""

    NONE = "none"
    BURNT = "burnt"  # in the picture
    FILE = "file"  # an .srt and a .vtt beside the video

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class GivenSound:
    """A recording to be spoken by the picture: any file the audio layer reads."""

    audio: Path
    text: str = ""  # what it says; the lips follow it more closely then, where it is English
    language: str = "auto"  # BCP 47 or "auto", of the text
    name: str = ""  # of the recording, for people; "": the file's


#: What is to be said, and how it comes to sound.
Says: TypeAlias = SpeechOrder | PerformOrder | GivenSound


@dataclass(frozen=True)
class AvatarOrder:
    """What a person asks for: one face that says one thing."""

    says: Says
    face: FaceChoice = field(default_factory=FaceChoice)
    engine: str = DEFAULT_ENGINE
    model: str = ""  # key of the engine's model; "": the best that is installed
    fps: int = FPS[0]
    max_height: int = DEFAULT_HEIGHT  # of the picture; a larger face is scaled down
    subtitles: Subtitles = Subtitles.NONE
    label: bool | None = None  # "AI-generated" in the picture; None: as the setting avatar_label says
    options: Mapping[str, float] = field(default_factory=dict)  # keys of AvatarInfo.options


@dataclass(frozen=True)
class VideoRecord:
    """A video in the history."""

    id: str
    created: float  # Unix time, s
    owner: str
    engine: str
    model: str
    text: str  # what is said; "" where that is not known
    avatar: str  # whose face, for people
    settings: Mapping[str, object]  # what `avatar_orders.from_settings` needs to do it again
    duration: float  # s
    seconds: float  # s it took
    drawing_seconds: float  # of these, for lip sync and encoding
    width: int
    height: int
    fps: int
    file: str  # below the outputs folder
    face: str = ""  # the studio's copy of the face, a name below the faces folder; "": a built-in one
    take: str = ""  # id of the speech in the history; "": the sound was given
    notes: tuple[str, ...] = ()  # what the person should know: fallbacks, guesses
    note: str = ""  # the person's own
    favourite: bool = False

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of work for a second of video."""
        return self.seconds / self.duration if self.duration else 0.0


@dataclass(frozen=True, eq=False)
class Making:
    """TaskStatus.detail while a video is made; TaskStatus.result is the VideoRecord."""

    stage: str  # one of STAGES
    frame: int = 0  # frames that are encoded
    frames: int = 0  # in all; 0 until the sound is there
    preview: bytes = b""  # the newest frame as JPEG, at most twice a second
    take: str = ""  # id of the speech, once it is in the history


#: Making.stage, in their order.
STAGE_FACE = "face"
STAGE_SPEECH = "speech"
STAGE_TIMINGS = "timings"
STAGE_DRAWING = "lip sync and encoding"
STAGES = (STAGE_FACE, STAGE_SPEECH, STAGE_TIMINGS, STAGE_DRAWING)
