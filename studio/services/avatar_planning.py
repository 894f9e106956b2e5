"""From an order to a plan: every check of a video that can be made before anything is spoken or drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from engines.avatar import AvatarEngine, AvatarInfo
from engines.base import Capability, ModelChoice
from engines.choosing import of_owner
from engines.option_values import check_values
from engines.registry import Registry
from studio.audio.opening import open_file
from studio.audio.reading import Limits, probe
from studio.errors import BadInput, ModelMissing, NotFound, unknown
from studio.services.avatar_values import (
    FPS,
    MAX_HEIGHT,
    MIN_HEIGHT,
    MIN_SOUND_S,
    AvatarOrder,
    GivenSound,
    Subtitles,
)
from studio.services.built_in_avatars import find
from studio.services.face_values import FaceChoice
from studio.services.history import History
from studio.services.performance_values import MODE, PerformOrder
from studio.services.performing import PerformanceService
from studio.services.speech import SpeechService
from studio.services.transcribing import TranscriptService
from studio.services.transcripts import TranscribeOrder
from studio.settings import Settings
from studio.text.sentences import clean

#: A text is refused at once where it would be spoken for so much longer than a video may be, since how
#: long it will be is a guess; what comes out too long after all is refused then.
_SURELY = 1.5
#: Seconds of work to align a second of sound with its text.
_ALIGNING = 0.2


@dataclass(frozen=True)
class Expected:
    """Guesses, in seconds."""

    sound: float  # its length
    speaking: float  # the work to speak it
    timing: float  # the work to find out when what is said


@dataclass(frozen=True)
class AvatarPlan:
    """An order in which nothing is left open."""

    order: AvatarOrder  # with its model and its label
    engine: AvatarInfo
    text: str  # what is said; "" where that is not known
    avatar: str  # whose face, for people
    expected: Expected
    notes: tuple[str, ...]

    @property
    def label(self) -> bool:
        """Whether the picture says that it is AI-generated."""
        return bool(self.order.label)


@dataclass(frozen=True)
class Planner:
    """What planning asks."""

    settings: Settings
    registry: Registry
    speech: SpeechService
    performances: PerformanceService
    transcripts: TranscriptService
    takes: History

    def plan(self, order: AvatarOrder, owner: str) -> AvatarPlan:
        """Check `order` and settle what it leaves open. Raises BadInput, NotFound and ModelMissing with
        the remedy. Whether there is a face in the picture is not looked at."""
        engine = self.registry.avatar(order.engine)
        _check_numbers(order, engine.info)
        model, notes = _model(order, engine, owner)
        avatar = self._avatar(order.face)
        text, expected = self._said(order, owner)
        if order.subtitles is Subtitles.BURNT:
            _check_letters(text)
        label = self.settings.avatar_label if order.label is None else order.label
        if engine.info.notice:
            notes = (*notes, engine.info.notice)
        settled = replace(order, model=model, label=label)
        return AvatarPlan(settled, engine.info, text, avatar, expected, notes)

    def _avatar(self, face: FaceChoice) -> str:
        """The name of the face for people. Raises BadInput, NotFound."""
        if face.file is not None:
            if face.avatar:
                raise BadInput("Both a built-in avatar and a file are given.", "Leave one of them out.")
            with open_file(face.file, "picture or video"):
                # A file's name may hold bytes that are no text; the history cannot.
                stem = Path(face.name or face.file.name).stem
                return stem[:40].encode("utf-8", "replace").decode() or "unnamed"
        return find(face.avatar).label

    def _said(self, order: AvatarOrder, owner: str) -> tuple[str, Expected]:
        says = order.says
        if isinstance(says, GivenSound):
            return self._given(says, order.subtitles)
        if isinstance(says, PerformOrder):
            performance = self.performances.plan(says, owner)
            settled, engine = performance.order, performance.engine
            text = " ".join(part.text for part in performance.parts)
            estimate = self.takes.estimate(MODE, settled.engine, len(text), settled.speed)
        else:
            plan = self.speech.plan(says, owner)
            engine, text, estimate = plan.engine, plan.order.text, self.speech.estimate(plan.order)
        sound = estimate.audio_seconds
        if sound > _SURELY * self.settings.max_video_s:
            raise self._too_long(sound)
        speaking = sound * (0.1 if engine.embedded else 2.0)
        timed = Capability.TIMING in engine.capabilities
        return text, Expected(sound, estimate.seconds or speaking, 0.0 if timed else sound * _ALIGNING)

    def _given(self, given: GivenSound, subtitles: Subtitles) -> tuple[str, Expected]:
        text = " ".join(clean(given.text).split())
        if len(text) > self.settings.max_text_chars:
            raise BadInput(
                f"The text has {len(text):,} characters.",
                f"Give at most {self.settings.max_text_chars:,}, or raise max_text_chars.",
            )
        facts = probe(given.audio, Limits(max_seconds=self.settings.max_video_s))
        check_sound(facts.duration)
        if subtitles is not Subtitles.NONE and not text:
            self._check_recognizer(given.audio, given.language)
        return text, Expected(facts.duration, 0.0, facts.duration * _ALIGNING if text else 0.0)

    def check_length(self, seconds: float) -> None:
        """Raises BadInput for a video of so many seconds."""
        check_sound(seconds)
        if seconds > self.settings.max_video_s + 1e-3:
            raise self._too_long(seconds)

    def _too_long(self, seconds: float) -> BadInput:
        most = self.settings.max_video_s
        return BadInput(
            f"The video would last {seconds / 60:.1f} min, over the limit of {most / 60:.1f} min.",
            "Make several shorter ones, or raise max_video_s.",
        )

    def _check_recognizer(self, audio: Path, language: str) -> None:
        """Subtitles of a recording without its text need somebody to write it down."""
        try:
            draft = self.transcripts.plan(TranscribeOrder(audio, language=language)).choice.info.draft
        except (ModelMissing, NotFound):
            draft = True
        if draft:
            raise BadInput(
                "What the recording says is not known, so there can be no subtitles.",
                "Give its text, or get a Whisper model: python app.py models download whisper-turbo",
            )


def check_sound(seconds: float) -> None:
    """Raises BadInput where there is too little to show."""
    if not math.isfinite(seconds) or seconds < MIN_SOUND_S:
        raise BadInput(
            f"The sound is {max(seconds, 0.0) * 1000:.0f} ms long.",
            f"Give at least {MIN_SOUND_S * 1000:.0f} ms.",
        )


def _check_numbers(order: AvatarOrder, info: AvatarInfo) -> None:
    if order.fps not in FPS:
        raise BadInput(
            f"A video cannot have {order.fps:g} frames a second here.",
            f"Choose {' or '.join(map(str, FPS))}.",
        )
    if not MIN_HEIGHT <= order.max_height <= MAX_HEIGHT:
        raise BadInput(
            f"A height of {order.max_height} pixels is out of range.",
            f"Use {MIN_HEIGHT} to {MAX_HEIGHT}.",
        )
    check_values(order.options, info.options, f"option of {info.label}")


def _model(order: AvatarOrder, engine: AvatarEngine, owner: str) -> tuple[str, tuple[str, ...]]:
    """The key of the model that will move the lips, and what the person should know of it."""
    choices = of_owner(engine.models(), owner)
    info = engine.info
    if not choices:
        if order.model:
            raise BadInput(f"{info.label} has no models to choose from.", "Leave the model out.")
        return "", ()
    chosen = _chosen(choices, order.model)
    if not chosen.installed:
        get = f"practice {info.id}" if chosen.practice else f"download {chosen.key}"
        hint = f"Get it in the Models tab, or with: python app.py models {get}"
        if not chosen.practice and any(choice.practice for choice in choices):
            hint += f". To try without a download: python app.py models practice {info.id}"
        raise ModelMissing(f"{chosen.label} is not installed.", hint)
    return chosen.key, (f"Model: {chosen.label}",) + ((chosen.note,) if chosen.note else ())


def _chosen(choices: tuple[ModelChoice, ...], wanted: str) -> ModelChoice:
    if not wanted:
        return next((choice for choice in choices if choice.installed), choices[0])
    for choice in choices:
        if wanted.lower() in (choice.key.lower(), choice.label.lower()):
            return choice
    raise unknown("model", wanted, [choice.key for choice in choices])


def _check_letters(text: str) -> None:
    """Raises BadInput where the font of burnt-in subtitles lacks letters of `text`."""
    from studio.video.captions import Caption, Overlay

    Overlay((64, 64), FPS[0], [Caption(text, 0.0, 1.0)])
