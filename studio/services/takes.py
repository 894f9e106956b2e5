"""A take: one spoken text, from the order to the file in the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from engines.base import Capability, SamplingParams

#: The three ways to a voice; each is a tab of the page.
MODES = (Capability.CLONE, Capability.PRESET, Capability.DESIGN)

AUTO_LANGUAGE = "auto"

#: Seeds are drawn from and kept in this range, which every engine's generator takes.
MAX_SEED = 2**31 - 1


class Loudness(str, Enum):
    """What happens to the level of the finished file."""

    STANDARD = "standard"  # Settings.loudness_lufs, peak at most -1 dBFS
    AS_MADE = "as made"


@dataclass(frozen=True)
class Reference:
    """A recording to speak like: any file the audio layer reads, or a region of it."""

    audio: Path
    text: str = ""  # its transcript
    start: float | None = None  # s
    end: float | None = None  # s
    x_vector_only: bool = False  # only the timbre
    more: tuple[Reference, ...] = ()  # further recordings of the same voice
    voice: str = ""  # id of the saved voice it is of; "": it was given as a file
    name: str = ""  # of that voice, for people; "": the file's


@dataclass(frozen=True)
class SpeechOrder:
    """What a person asks for: one text in one voice. `mode` says which of `speaker`, `reference`
    and `description` counts."""

    mode: Capability
    text: str
    engine: str
    language: str = AUTO_LANGUAGE  # BCP 47 or "auto"
    speaker: str = ""
    reference: Reference | None = None
    description: str = ""  # of the voice for design; how to speak for preset with INSTRUCT
    speed: float = 1.0
    seed: int | None = None  # None: draw one, and record it
    loudness: Loudness = Loudness.STANDARD
    sampling: SamplingParams = field(default_factory=SamplingParams)
    options: Mapping[str, float] = field(default_factory=dict)
    model: str = ""  # key of the engine's model; "": the best that is installed
    retries: int | None = None  # how often a part that went wrong is spoken again; None: as is set


class TakeState(str, Enum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # by the person; what was spoken so far is kept
    FAILED = "failed"
    REJECTED = "rejected"  # one part that went wrong and was spoken again; only in the history

    @property
    def finished(self) -> bool:
        return self not in (TakeState.WAITING, TakeState.RUNNING)


@dataclass(frozen=True)
class TakeRecord:
    """A take in the history."""

    id: str
    created: float  # Unix time, s
    owner: str
    mode: str
    engine: str
    voice: str  # for people
    language: str
    text: str
    settings: Mapping[str, object]  # what `orders.from_settings` needs to do it again
    seed: int
    duration: float  # s of sound
    seconds: float  # s it took
    sample_rate: int  # Hz
    file: str  # below the outputs folder
    status: str  # "done"; "stopped", "failed": what was spoken until then; "rejected": a bad part
    note: str = ""
    favourite: bool = False

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of work for a second of sound."""
        return self.seconds / self.duration if self.duration else 0.0


@dataclass(frozen=True)
class TakeStatus:
    """How a take stands; what the page and the API show while it runs."""

    id: str
    state: TakeState
    stage: str
    fraction: float  # of the text, 0 to 1
    elapsed: float  # s
    eta: float | None  # s until the end, None while it cannot be told
    audio_seconds: float  # spoken so far
    rtf: float | None
    seed: int
    sample_rate: int
    first_audio: float | None  # s from the order to the first sound
    notes: tuple[str, ...] = ()  # what the person should know: fallbacks, guesses
    error: str = ""
    hint: str = ""
    record: TakeRecord | None = None  # when it is in the history
