"""What is said for a text: the language model's version of it, then stress, then the lexicon."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from engines.base import EngineInfo, WordTiming
from studio.control import Control
from studio.services.language_model import LanguageModel
from studio.services.lexicon import Lexicon
from studio.services.planning import Plan, reworded
from studio.settings import Settings
from studio.text.notation import NOTATION
from studio.text.pronunciation import Change, Entry, IpaWriter, Replacement, Spoken, find, put
from studio.text.sentences import clean
from studio.text.stress import LANGUAGE, StressMarker, StressMissing, installed_marker, stress

#: How many words a note names.
_NAMED = 5
#: A word is looked for this far ahead in the spoken text, characters.
_REACH = 500


@dataclass(frozen=True)
class Preview:
    """What will be said for a text."""

    text: str  # as typed, cleaned
    language: str  # BCP 47
    prepared: str  # after the language model; the same as `text` without one
    spoken: str  # what the engine gets
    replacements: tuple[Replacement, ...]  # `start` and `end` count in `prepared`
    notices: tuple[str, ...]  # sentences for people


class Wording:
    """Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        lexicon: Lexicon,
        model: LanguageModel,
        marker: Callable[[], StressMarker] = installed_marker,
    ) -> None:
        self._settings, self._lexicon, self._model, self._marker = settings, lexicon, model, marker

    def quick(self, plan: Plan) -> Plan:
        """`plan` with the lexicon's words; takes milliseconds. Raises StorageFailed, Damaged."""
        return self._said(plan, clean(plan.order.text))

    def full(self, plan: Plan, control: Control) -> Plan:
        """`plan` with everything that the settings ask for; may take as long as the language model.

        Raises Cancelled, and BadInput for a prompt of the language model that cannot be used. What
        else goes wrong is in the plan's notes, and the text is said as it is.
        """
        text = clean(plan.order.text)
        notes: tuple[str, ...] = ()
        changes: tuple[Change, ...] = ()
        if self._model.enabled("tts"):
            text, notes = self._prepared(text, plan.language, control)
            plan = replace(plan, prepared=text)
        if self._settings.use_stress and language_of(plan).split("-")[0] == LANGUAGE:
            control.progress("stress marks")
            changes, more = self._stressed(text, plan.engine, control)
            notes += more
        return self._said(plan, text, changes, notes)

    def _prepared(self, text: str, language: str, control: Control) -> tuple[str, tuple[str, ...]]:
        done = self._model.process(text, "tts", language, control=control)
        prepared = clean(done.text)
        if Counter(NOTATION.findall(prepared)) != Counter(NOTATION.findall(text)):
            said = "The language model changed what stands in brackets; the text stays as it was."
            return text, (said,)
        told = ("Prepared by the language model.",) if prepared != text else ()
        return prepared, (*told, *done.notices)

    def _stressed(
        self, text: str, engine: EngineInfo, control: Control
    ) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        if not engine.stress_marks:
            return (), (f"The stress is not marked: {engine.label} does not follow stress marks.",)
        try:
            marker = self._marker()

            def mark(line: str) -> str:
                control.check()
                return marker(line)

            return stress(text, mark), ()
        except StressMissing as error:
            return (), (str(error),)

    def _said(
        self,
        plan: Plan,
        text: str,
        stressed: Sequence[Change] = (),
        notes: tuple[str, ...] = (),
    ) -> Plan:
        spoken = said(text, language_of(plan), plan.engine, self._lexicon.entries(), stressed)
        earlier = notes_of(plan.spoken)
        kept = tuple(note for note in plan.notes if note not in earlier)
        notes = (*kept, *notes, *notes_of(spoken))
        return reworded(replace(plan, notes=notes), spoken, self._settings)


def said(
    text: str,
    language: str,
    engine: EngineInfo,
    entries: Iterable[Entry],
    stressed: Sequence[Change] = (),
) -> Spoken:
    """`text` as `engine` gets it; the lexicon wins over stress marks."""
    changes, notices = find(text, language, entries, ipa_writer(engine, language))
    taken = {place for change in changes for place in range(change.start, change.end)}
    others = [change for change in stressed if taken.isdisjoint(range(change.start, change.end))]
    ordered = sorted((*changes, *others), key=lambda change: change.start)
    return put(text, ordered, notices)


def ipa_writer(engine: EngineInfo, language: str) -> IpaWriter | None:
    """How IPA is written for `engine`; None where it takes none."""
    if engine.phonemes == "espeak":
        from engines.espeak.ipa import to_notation

        return functools.partial(to_notation, language=language)
    return None


def language_of(plan: Plan) -> str:
    """The language that is heard: a voice with a language of its own keeps to it."""
    if plan.speaker is not None and not plan.speaker.multilingual:
        return plan.speaker.language
    return plan.language


def notes_of(spoken: Spoken) -> tuple[str, ...]:
    """What people should know of how a text was changed."""
    notes = []
    for how, by in (("lexicon", "by the lexicon"), ("stress", "with a stress mark")):
        words = [
            each.original for each in spoken.replacements if (each.how == "stress") == (how == "stress")
        ]
        if words:
            named = list(dict.fromkeys(words))
            more = ", …" if len(named) > _NAMED else ""
            count = f"{len(words)} word{'s' if len(words) > 1 else ''}"
            notes.append(f"{count} {by}: {', '.join(named[:_NAMED])}{more}")
    return (*notes, *spoken.notices)


def preview_of(plan: Plan) -> Preview:
    return Preview(
        text=plan.order.text,
        language=plan.language,
        prepared=plan.prepared or plan.order.text,
        spoken=plan.spoken.text,
        replacements=plan.spoken.replacements,
        notices=plan.notes,
    )


def as_written(words: Iterable[WordTiming], spoken: Spoken) -> list[WordTiming]:
    """The timings of `spoken` with the words as they were written, for subtitles.

    What was said in several words for one, or in one for several, gets one timing. A word that is
    not found again in the text stays as the engine has it.
    """
    made: list[WordTiming] = []
    waiting = list(spoken.replacements)
    last: Replacement | None = None
    position = 0
    for word in words:
        start = spoken.text.find(word.text, position, position + _REACH + len(word.text))
        if start < 0:
            made.append(word)
            continue
        position = start + len(word.text)
        text, begins_new = "", True
        at = start
        if last is not None and start < last.spoken_end:  # a further word of the same replacement
            begins_new, at = False, min(last.spoken_end, position)
        while waiting and waiting[0].spoken_start < position:
            last = waiting.pop(0)
            text += spoken.text[at : last.spoken_start] + last.original
            at = min(last.spoken_end, position)
        text += spoken.text[at:position]
        if begins_new:
            made.append(WordTiming(text, word.start, word.end))
        else:
            made[-1] = WordTiming(made[-1].text + text, made[-1].start, word.end)
    return made
