"""Making chimera references, and blends of an emotion with the neutral voice."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engines.base import WordTiming
from engines.manager import EngineManager
from studio.audio.cutting import CutFinder
from studio.audio.fingerprint import fingerprint
from studio.audio.joining import MIN_STRETCH_S, Joined, JoinSettings, check, join
from studio.audio.reading import Limits, probe, read
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.errors import BadInput, Damaged
from studio.files import publishing, read_json, write_json
from studio.services.chimera_values import Chimera, ChimeraOrder
from studio.services.heard import Heard, Source, Timings, WordFinder, words_in
from studio.services.personality_values import Emotion
from studio.services.transcribing import TranscriptService
from studio.text.transcripts import joined
from studio.workspace import Workspace

__all__ = ["BLEND_S", "Chimera", "ChimeraOrder", "ChimeraService", "JoinSettings"]

#: How long a blend is where both recordings are long enough, seconds.
BLEND_S = 10.0
#: The least of either voice in a blend, seconds.
_LEAST_SHARE_S = 1.0
#: Raised whenever the same recordings would give another blend.
_RECIPE = 1


class ChimeraService:
    """Thread-safe. Who calls it must hold no lease of an engine: finding words may need one."""

    def __init__(
        self,
        workspace: Workspace,
        engines: EngineManager,
        transcripts: TranscriptService,
        limits: Limits | None = None,
    ) -> None:
        """`limits` are those of reference recordings."""
        self._blends = workspace.parts / "blends"
        self._finder = WordFinder(engines, transcripts)
        self._limits = limits or Limits()

    def make(self, order: ChimeraOrder, target: Path, control: Control | None = None) -> Chimera:
        """Join the two recordings into `target`, a mono 16-bit WAV that appears when it is complete.

        Raises BadInput for a recording that is silent, too short or cannot be read and for settings
        out of range, StorageFailed, EngineFailed, Cancelled.
        """
        control = control or Control()
        check(order.join)
        sound = read(order.own, limits=self._limits)
        other_sound = read(order.expressive, limits=self._limits)
        other = order.expressive_language or order.language
        own, expressive = (
            self._finder.find(path, text, words, language, control)
            for path, text, words, language in (
                (order.own, order.own_text, order.own_words, order.language),
                (order.expressive, order.expressive_text, order.expressive_words, other),
            )
        )
        made = join(sound, other_sound, order.join, control, _certain(own), _certain(expressive))
        control.progress("saving the reference")
        with publishing(target) as partial, WavWriter(partial, made.audio.sample_rate) as writer:
            writer.append(made.audio.samples)
        durations = sound.duration, other_sound.duration
        return _described(target, made, own, expressive, durations)

    def blend(
        self,
        neutral: Emotion,
        emotion: Emotion,
        strength: float,
        language: str = "",
        control: Control | None = None,
    ) -> Chimera:
        """A reference in which `emotion` has the share `strength`, 0 to 1, and `neutral` the rest; at
        0 and at 1 the recording itself. `language` is the personality's. Kept by content.

        The emotion comes last, where engines listen most, and from its recording's end, since in a
        chimera the expressive part is there. Raises what `make` raises.
        """
        if not 0 <= strength <= 1:
            raise BadInput(
                f"An emotion's strength cannot be {strength:g}.", "Give 0 to 1, as in [happy:0.6]."
            )
        strength = round(strength, 2)
        if strength in (0, 1):
            return _unblended(emotion if strength else neutral)
        about = [(each.transcript, each.language or language, each.words) for each in (neutral, emotion)]
        key = fingerprint(emotion.audio, fingerprint(neutral.audio), strength, _RECIPE, about)
        path, facts = self._blends / f"{key}.wav", self._blends / f"{key}.json"
        kept = _kept(path, facts)
        if kept is not None:
            return kept
        order = ChimeraOrder(
            neutral.audio,
            emotion.audio,
            neutral.transcript,
            emotion.transcript,
            neutral.words,
            emotion.words,
            neutral.language or language,
            emotion.language or language,
            self._shares(neutral, emotion, strength),
        )
        made = self.make(order, path, control)
        write_json(facts, {**asdict(made), "path": path.name})
        return made

    def _shares(self, neutral: Emotion, emotion: Emotion, strength: float) -> JoinSettings:
        """How much is taken of either, so that their lengths have the ratio asked for."""
        spans = [
            CutFinder.of(read(each.audio, limits=self._limits)).sounding() for each in (neutral, emotion)
        ]
        lengths = [end - start for start, end in spans]
        total = min(BLEND_S, lengths[0] / (1 - strength), lengths[1] / strength)
        own_s, expressive_s = (
            max(MIN_STRETCH_S, min(max(share * total, _LEAST_SHARE_S), length))
            for share, length in zip((1 - strength, strength), lengths, strict=True)
        )
        start = max(0.0, spans[1][1] - expressive_s)
        return JoinSettings(own_s=own_s, expressive_s=expressive_s, expressive_start=start)


def _certain(timings: Timings) -> tuple[WordTiming, ...]:
    """Words whose times are good enough to cut by."""
    return timings.words if timings.source is not Source.ESTIMATED else ()


def _described(
    target: Path, made: Joined, own: Timings, expressive: Timings, durations: tuple[float, float]
) -> Chimera:
    half = (made.joint[1] - made.joint[0]) / 2
    # Each is heard until, or from, the moment at which the other one is as loud.
    first = words_in(own, made.own[0], made.own[1] - half)
    second = words_in(expressive, made.expressive[0] + half, made.expressive[1])
    middle = made.joint[0] + half
    moved = (replace(w, start=w.start + middle, end=w.end + middle) for w in second.words)
    parts = (("your recording", own, first), ("the expressive clip", expressive, second))
    silent = [what for what, timings, _ in parts if timings.source is Source.NONE]
    notes = [note for what, timings, heard in parts for note in _notes(what, timings, heard)]
    return Chimera(
        path=target,
        duration=made.audio.duration,
        transcript="" if silent else joined(each.text for each in (first, second) if each.text),
        transcript_estimated=bool(silent) or any(_guessed(t, heard) for _, t, heard in parts),
        words=() if silent else (*first.words, *moved),
        own=_within(made.own, durations[0]),
        expressive=_within(made.expressive, durations[1]),
        joint=made.joint,
        notes=tuple(notes),
    )


def _within(stretch: tuple[float, float], duration: float) -> tuple[float, float]:
    """Without the silence that was put in."""
    return max(0.0, stretch[0]), min(duration, stretch[1])


def _guessed(timings: Timings, heard: Heard) -> bool:
    return timings.source is Source.ESTIMATED and not heard.whole


def _notes(what: str, timings: Timings, heard: Heard) -> list[str]:
    made = []
    if timings.source is Source.NONE:
        made.append(f"What is said in {what} is not known, so the reference has no transcript.")
    if _guessed(timings, heard):
        made.append(
            f"Which words of {what} are heard was estimated: listen, and correct the transcript."
        )
    elif heard.cut and timings.source is not Source.ESTIMATED:
        words = ", ".join(f"“{word}”" for word in heard.cut)
        made.append(f"In {what} there was no place to cut but in {words}.")
    return made


def _unblended(emotion: Emotion) -> Chimera:
    none = (0.0, 0.0)
    whole = (0.0, emotion.duration)
    return Chimera(
        emotion.audio, emotion.duration, emotion.transcript, False, emotion.words, none, whole, none
    )


def _kept(path: Path, facts: Path) -> Chimera | None:
    """A blend that was made before; None where it is not whole, to be made again."""
    if not (path.exists() and facts.exists()):
        return None
    try:
        value: dict[str, Any] = read_json(facts)
        probe(path)
        value["words"] = tuple(WordTiming(**word) for word in value["words"])
        for name in ("own", "expressive", "joint", "notes"):
            value[name] = tuple(value[name])
        return Chimera(**{**value, "path": path})
    except (Damaged, BadInput, KeyError, TypeError):
        return None
