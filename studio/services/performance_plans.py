"""From a tagged text to a plan: which emotion speaks which words, and the silences between them.

Everything that can be checked is checked here, before the first sound.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import regex  # type: ignore[import-untyped]

from engines.base import Capability, EngineInfo, SpeechEngine
from studio.errors import BadInput
from studio.services.performance_values import PerformOrder, Unknown
from studio.services.personality_values import NEUTRAL, Emotion, Personality
from studio.services.planning import Plan, make_plan
from studio.services.takes import AUTO_LANGUAGE, MAX_SEED, Loudness, Reference, SpeechOrder
from studio.settings import Settings
from studio.text import emotions, tagged
from studio.text.language import closest, detect
from studio.text.sentences import clean, has_words, speakable
from studio.text.tagged import Pause, Problem, Say, Tagged

MAX_GAP_S = 10.0
#: The silence where the emotion changes within a sentence, seconds.
_WITHIN_SENTENCE_S = 0.1
#: How many names an error or a note lists.
_NAMED = 12

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_ENDED = regex.compile(r"""[\p{Sentence_Terminal}…][\p{Quotation_Mark}\p{Close_Punctuation}\s]*$""")


@dataclass(frozen=True)
class PartPlan:
    """What one tag stands before."""

    index: int
    emotion: Emotion
    strength: float  # 0 to 1
    text: str  # as typed
    gap_s: float  # silence before it, seconds
    plan: Plan  # of its words; its reference is the emotion's recording


@dataclass(frozen=True)
class PerformancePlan:
    """An order in which nothing is left open."""

    order: PerformOrder  # the text cleaned, the personality's id, the engine, the model
    personality: Personality
    engine: EngineInfo
    language: str  # of most of it
    parts: tuple[PartPlan, ...]
    end_gap_s: float  # silence at the end, seconds
    seed: int  # of the parts for which none was chosen
    notes: tuple[str, ...]


def make_performance_plan(
    order: PerformOrder,
    personality: Personality,
    engine: SpeechEngine,
    settings: Settings,
    owner: str = "",
) -> PerformancePlan:
    """Check `order` against what `personality` and `engine` can do, and settle what it leaves open. What
    somebody other than `owner` has trained is not found.

    Raises BadInput (NotFound for an unknown language, ModelMissing) with the remedy: tags that the
    personality has not, a recording that is gone, an engine that cannot clone.
    """
    text = clean(order.text)
    if len(text) > settings.max_text_chars:
        raise BadInput(
            f"The text has {len(text):,} characters.",
            f"Speak at most {settings.max_text_chars:,} at once, or raise max_text_chars.",
        )
    if order.gap_s is not None and not 0 <= order.gap_s <= MAX_GAP_S:
        raise BadInput(
            f"A gap of {order.gap_s:g} s is out of range.", f"Use 0 to {MAX_GAP_S:g} seconds."
        )
    speech, notes = _parsed(text, order.unknown, personality)
    said = [piece for piece in speech.pieces if isinstance(piece, Say)]
    speakable(" ".join(piece.said for piece in said if has_words(piece.said)))
    chosen = {piece.tag: _emotion(piece.tag, personality) for piece in said}
    if any(piece.strength < 1 for piece in said):
        _emotion("", personality)  # to be blended with
    guide = _Languages(order, personality, engine.info, settings, said)
    seed = order.seed if order.seed is not None else zlib.crc32(personality.id.encode()) % MAX_SEED
    parts: list[PartPlan] = []
    model = order.model
    for piece, gap in _with_gaps(speech.pieces, text, order, settings):
        emotion = chosen[piece.tag]
        asked = SpeechOrder(
            mode=Capability.CLONE,
            text=piece.said,
            engine=order.engine,
            model=model,
            language=guide.of(piece.said),
            reference=Reference(emotion.audio, emotion.transcript),
            speed=order.speed,
            seed=seed,
            loudness=Loudness.AS_MADE,
            sampling=order.sampling,
            options=order.options,
        )
        plan = make_plan(asked, engine, settings, owner)
        model = plan.model
        # Beside the neutral one there is nothing to blend.
        strength = 1.0 if emotion.tag == NEUTRAL else piece.strength
        parts.append(PartPlan(len(parts), emotion, strength, piece.text, gap, plan))
    return PerformancePlan(
        order=replace(order, text=text, personality=personality.id, model=model),
        personality=personality,
        engine=engine.info,
        language=guide.main,
        parts=tuple(parts),
        end_gap_s=_silence_at_end(speech.pieces),
        seed=seed,
        notes=tuple(dict.fromkeys((*parts[0].plan.notes, *guide.notes, *notes))),
    )


class _Languages:
    """The language of each part: the one asked for, else told from its words where they suffice, else
    that of the whole text."""

    def __init__(
        self,
        order: PerformOrder,
        personality: Personality,
        info: EngineInfo,
        settings: Settings,
        said: Iterable[Say],
    ) -> None:
        self._asked, self._info = order.language, info
        self.main = order.language
        self.notes: tuple[str, ...] = ()
        if order.language == AUTO_LANGUAGE:
            own = closest(personality.language, info.languages) if personality.language else None
            default = own or settings.default_language
            guess = detect(" ".join(piece.said for piece in said), info.languages, default)
            name = info.languages.get(guess.code, guess.code)
            self.main, self.notes = guess.code, (f"Language: {name} ({guess.reason})",)

    def of(self, said: str) -> str:
        if self._asked != AUTO_LANGUAGE:
            return self._asked
        return detect(said, self._info.languages, self.main).code


def _parsed(text: str, unknown: Unknown, personality: Personality) -> tuple[Tagged, tuple[str, ...]]:
    """The text in pieces, each Say with a tag of the personality or ""; and notes."""
    known = {emotion.tag: emotion.aliases for emotion in personality.emotions}
    speech = tagged.parse(text, lambda tag: emotions.resolve(tag, known))
    wrong = [problem for problem in speech.problems if not problem.tag]
    strange = list(dict.fromkeys(problem.tag for problem in speech.problems if problem.tag))
    if unknown is Unknown.REPORT and strange:
        raise _no_such_emotions(strange, personality)
    if unknown is Unknown.REPORT and wrong:
        raise BadInput(
            f"{wrong[0].message} It is at “{_around(text, wrong[0])}”.",
            "Correct it; write \\[ and \\] for brackets that are to be read, or have unknown tags read "
            "aloud.",
        )
    notes = []
    if strange:
        notes.append(f"Read aloud, for {personality.name} has no such emotion: {_listed(strange)}.")
    notes += [f"{problem.message} It was read as it is." for problem in wrong[:_NAMED]]
    empty = [piece for piece in speech.pieces if isinstance(piece, Say) and not has_words(piece.said)]
    notes += [f"There is nothing to speak in “{piece.text[:40]}”." for piece in empty[:_NAMED]]
    return speech, tuple(notes)


def _no_such_emotions(tags: Sequence[str], personality: Personality) -> BadInput:
    has = [emotion.tag for emotion in personality.emotions]
    what = "emotion" if len(tags) == 1 else "emotions"
    return BadInput(
        f"{personality.name} has no {what} {_listed(tags)}.",
        f"There are: {', '.join(has)}. Write \\[ for a bracket that is to be read, or have unknown "
        "tags read aloud.",
    )


def _listed(tags: Sequence[str]) -> str:
    more = f" and {len(tags) - _NAMED} more" if len(tags) > _NAMED else ""
    return ", ".join(f"“{tag[:40]}”" for tag in tags[:_NAMED]) + more


def _around(text: str, problem: Problem) -> str:
    return " ".join(text[max(0, problem.start - 15) : problem.end + 15].split())[:80]


def _emotion(tag: str, personality: Personality) -> Emotion:
    """The personality's emotion for a tag of its own, the neutral one for "". Raises BadInput where it
    cannot be spoken."""
    emotion = personality.emotion(tag or NEUTRAL)
    if emotion is None:
        raise BadInput(
            f"{personality.name} has no neutral emotion.", "Give it one, or put a tag before every word."
        )
    if not emotion.audio.is_file():
        raise BadInput(
            f"The recording of “{emotion.tag}” is gone from {personality.name}.",
            "Give this emotion a recording again, or speak without it.",
        )
    return emotion


def _with_gaps(
    pieces: Sequence[Say | Pause], text: str, order: PerformOrder, settings: Settings
) -> Iterable[tuple[Say, float]]:
    """What is spoken, each with the silence before it: pauses that were written, exactly; else what
    suits how the part before it ended."""
    before: Say | None = None
    written: float | None = None
    for piece in pieces:
        if isinstance(piece, Pause):
            written = (written or 0.0) + piece.seconds
            continue
        if not has_words(piece.said):
            continue
        if written is not None:
            yield piece, written
        else:
            yield piece, _gap(before, piece, text, order, settings) if before is not None else 0.0
        before, written = piece, None


def _gap(before: Say, after: Say, text: str, order: PerformOrder, settings: Settings) -> float:
    if order.gap_s is not None:
        return order.gap_s
    between = text[before.end : after.start]
    if _PARAGRAPH.search(between):
        gap = settings.pause_paragraph_s
    elif "\n" in between or _ENDED.search(before.text):
        gap = settings.pause_sentence_s
    else:
        gap = min(_WITHIN_SENTENCE_S, settings.pause_sentence_s)
    return gap / order.speed


def _silence_at_end(pieces: Sequence[Say | Pause]) -> float:
    """The pauses after the last words."""
    seconds = 0.0
    for piece in reversed(pieces):
        if isinstance(piece, Pause):
            seconds += piece.seconds
        elif has_words(piece.said):
            break
    return seconds
