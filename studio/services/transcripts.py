"""A transcript: one recording written down, from the order to the text in the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from engines.recognition import AUTO_LANGUAGE, Segment, Task
from studio.control import Control
from studio.text.transcripts import plain

#: The recognizer that order may name to leave the choice to the studio.
AUTO = "auto"


@dataclass(frozen=True)
class TranscribeOrder:
    """What a person asks for: one recording to be written down."""

    audio: Path  # anything the audio layer reads
    engine: str = AUTO  # id of a recognizer, or "auto": the best one for the language
    model: str = ""  # key of its model; "": the best that is installed
    language: str = AUTO_LANGUAGE  # BCP 47, or "auto": told from the first speech
    task: Task = Task.TRANSCRIBE
    prompt: str = ""  # names and words that are likely to occur
    words: bool = True  # when each word is spoken as well
    process: bool = True  # let the language model correct it, where one is set
    name: str = ""  # of the recording, for people; "": the file's


@dataclass(frozen=True)
class Transcript:
    """What was recognised; times in seconds from the recording's start."""

    segments: tuple[Segment, ...]
    language: str  # BCP 47; "" where nothing was said
    language_probability: float | None  # 0 to 1, where it was detected
    duration: float  # of the recording, seconds

    @property
    def text(self) -> str:
        return plain(self.segments)


class Processed(Protocol):
    """A text that was corrected; `notices` are sentences for people."""

    @property
    def text(self) -> str: ...
    @property
    def notices(self) -> tuple[str, ...]: ...


#: Corrects a raw text: given the text, its language (BCP 47), the order's prompt as context, and a
#: control. A StudioError leaves the raw text, with a notice.
PostProcess = Callable[[str, str, str, Control], Processed]


class TranscriptState(str, Enum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # by the person; what was recognised so far is kept
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        return self not in (TranscriptState.WAITING, TranscriptState.RUNNING)


@dataclass(frozen=True)
class TranscriptRecord:
    """A transcript in the history."""

    id: str
    created: float  # Unix time, s
    owner: str
    name: str  # of the recording, as the person knows it
    recording: str  # the studio's copy of it, a name below the recordings folder
    engine: str
    model: str
    task: str
    transcript: Transcript
    recognised: float  # up to here, s; the duration when it was not stopped
    seconds: float  # s it took
    status: str  # "done"; "stopped", "failed": what was recognised until then
    settings: Mapping[str, object]  # what was asked for
    raw_text: str  # as it was recognised
    text: str  # processed by the language model, edited by the person
    file: str  # stem of the .txt, _raw.txt and .json below the outputs folder
    notes: tuple[str, ...] = ()  # what the person should know: the choice, guesses, faults
    note: str = ""  # the person's own

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of work for a second of the recording."""
        return self.seconds / self.recognised if self.recognised else 0.0


@dataclass(frozen=True)
class TranscriptStatus:
    """How a transcript stands; what the page, the API and the command line show while it is made."""

    id: str
    state: TranscriptState
    stage: str
    fraction: float  # of the recording, 0 to 1
    elapsed: float  # s
    eta: float | None  # s until the end, None while it cannot be told
    audio_seconds: float  # recognised so far
    duration: float  # of the recording, s
    rtf: float | None
    engine: str
    model: str
    language: str  # "auto" until it is told
    segments: tuple[Segment, ...] = ()  # recognised so far
    notes: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    record: TranscriptRecord | None = None  # when it is in the history

    @property
    def text(self) -> str:
        """What was recognised so far."""
        return plain(self.segments)
