"""The interface of a recognizer: what it is asked, what it gives back, what it says of itself.

Requests and results are frozen dataclasses that pickle, as those of engines.base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from engines.base import ModelChoice, Placement
from studio.audio.types import Audio
from studio.control import Control

#: Hz; what every recognizer is given.
RECOGNITION_RATE = 16_000

AUTO_LANGUAGE = "auto"


class Task(str, Enum):
    """What is written down."""

    TRANSCRIBE = "transcribe"  # what is said, in its language
    TRANSLATE = "translate"  # what it means, in English

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Word:
    """A word as recognised; `start` and `end` in seconds from the start of the sound."""

    text: str
    start: float
    end: float
    probability: float | None = None  # 0 to 1, where the recognizer tells


@dataclass(frozen=True)
class Segment:
    """A stretch of speech; `start` and `end` in seconds from the start of the sound."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    probability: float | None = None  # 0 to 1, of the text as a whole
    language: str = ""  # BCP 47, lower case


@dataclass(frozen=True)
class RecognitionRequest:
    """Sound to be written down: at most about 30 s, mono at RECOGNITION_RATE."""

    audio: Audio
    language: str = AUTO_LANGUAGE  # BCP 47, lower case, or "auto"
    task: Task = Task.TRANSCRIBE
    prompt: str = ""  # words that are likely to occur, or the text so far
    word_times: bool = True
    model: str = ""  # the key that is loaded, for recognizers that have models


@dataclass(frozen=True)
class Recognition:
    """What was recognised; no segments where nothing was said."""

    segments: tuple[Segment, ...]
    language: str  # BCP 47, lower case; the one asked for, or the one detected
    language_probability: float | None = None  # 0 to 1, where it was detected


@dataclass(frozen=True)
class RecognizerInfo:
    """What a recognizer says of itself without being loaded."""

    id: str
    label: str
    license: str  # SPDX where it has one
    description: str  # one honest sentence, shown wherever it is chosen
    languages: Mapping[str, str]  # BCP 47 code -> name in English
    tasks: frozenset[Task]
    detects_language: bool
    draft: bool = False  # good enough for a first guess only
    model_keys: tuple[str, ...] = ()  # of studio.models.registry; empty: needs no download
    embedded: bool = False  # small and always there: stays loaded beside other engines
    missing: str = ""  # why it cannot be used here, such as an optional package; "" where it can


class Recognizer(Protocol):
    """A recognizer. Only `engines.manager` calls it; the calls that need it loaded come one at a
    time, `info` and `models` from any thread."""

    @property
    def info(self) -> RecognizerInfo: ...

    @property
    def is_loaded(self) -> bool: ...

    @property
    def loaded_model(self) -> str:
        """The key of the model that is loaded; "" when none is, or it has no models."""

    def models(self) -> tuple[ModelChoice, ...]:
        """Its models, the best first, installed or not; empty where it needs none."""

    def load(self, placement: Placement, model: str) -> None:
        """Get `model` ready, in place of what was loaded; raises EngineFailed with a remedy."""

    def unload(self) -> None:
        """Give the memory back; harmless when not loaded."""

    def recognize(self, request: RecognitionRequest, control: Control) -> Recognition:
        """Write `request` down. Raises BadInput for a language or task it does not have,
        Cancelled when the control says so, EngineFailed."""
