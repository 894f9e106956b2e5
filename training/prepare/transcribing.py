"""From segments without a text to segments with one: given, recognised, or the reason for none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from engines.manager import EngineManager, Lease
from engines.recognition import AUTO_LANGUAGE, RECOGNITION_RATE, RecognitionRequest, Recognizer
from studio.audio.reading import read
from studio.control import Control
from studio.dataset.targets import Target, target_named
from studio.dataset.values import AUTO, NONE, PrepareSettings, Segment
from studio.text.language import closest, detect
from training.prepare.given_check import Spoken, divided, given_error
from training.prepare.text_store import Heard, TextStore, heard_in
from training.prepare.texts import language_for, normalised
from training.prepare.values import RecognizerChoice

#: A language that was detected with less is doubted where the rest of the recording has another one.
_SURE = 0.8
#: Models that know English only, by the end of their keys.
_ENGLISH = ".en"

Audio = Callable[[Segment], Path]


def write_down(
    segments: Sequence[Segment],
    audio: Audio,
    choice: RecognizerChoice | None,
    settings: PrepareSettings,
    engines: EngineManager,
    store: Path,
    control: Control,
    whole: Mapping[str, str] | None = None,
) -> list[Segment]:
    """The same segments with all that concerns their texts but the pace.

    A segment with a `given` text has that, compared with what is heard where `settings.check_given`
    says so; the others have what `choice` recognises, nothing where it is None or the settings want
    none. `whole`: by source, a given text of the whole recording, which is divided among its segments.
    A segment's `language` is taken for that of its recording; "" where nobody said.

    Each recognition is kept in `store` within seconds, so that what was broken off goes on and a second
    build recognises nothing. Raises what leasing and recognising raise, StorageFailed, Cancelled.
    """
    whole = whole or {}
    if settings.recognizer == NONE:
        choice = None
    languages = _languages(segments, whole, settings)
    hearing = None
    if choice is not None:
        hearing = _Hearing(audio, choice, engines, store, control)
        wanted = [
            segment
            for segment in segments
            if not segment.given or settings.check_given or segment.source in whole
        ]
        hearing.hear(wanted, languages)
    heard = hearing.heard if hearing else {}
    given = _divided(segments, whole, heard, languages)
    writer = _Writer(target_named(settings.target), settings, heard, hearing.refused if hearing else {})
    # What tells no language is taken for what the recognizer was asked to hear.
    usual = choice.language if choice is not None and choice.language != AUTO_LANGUAGE else ""
    return [
        writer.written(each, given.get(each.id), languages.get(each.source) or usual)
        for each in segments
    ]


class _Hearing:
    """What `choice` recognises, from the store or now."""

    def __init__(
        self,
        audio: Audio,
        choice: RecognizerChoice,
        engines: EngineManager,
        store: Path,
        control: Control,
    ) -> None:
        self.heard: dict[str, Heard] = {}  # by segment
        self.refused: dict[str, str] = {}  # why a source cannot be recognised, as a sentence
        self._audio, self._choice, self._engines = audio, choice, engines
        self._folder, self._control = store, control
        self._info = engines.registry.recognizer(choice.engine).info
        self._stores: dict[str, TextStore] = {}

    def hear(self, segments: Sequence[Segment], languages: Mapping[str, str]) -> None:
        """All of them, each in the language of its source; where none is known, once more in that of
        most of its recording if its own was told wrongly, as far as one can tell."""
        asked = {}
        for source in dict.fromkeys(segment.source for segment in segments):
            language = self._asked(languages.get(source, ""))
            if language is None:
                known = f"{self._info.label} does not know {languages[source]}"
                self.refused[source] = f"{known}, so nothing was recognised."
            else:
                asked[source] = language
        able = [segment for segment in segments if segment.source in asked]
        self._recognise([(segment, asked[segment.source]) for segment in able])
        doubted = self._doubted([segment for segment in able if asked[segment.source] == AUTO_LANGUAGE])
        self._recognise(doubted)

    def _asked(self, language: str) -> str | None:
        """What the recognizer is asked for where `language` is spoken; None where it knows it not."""
        if not language:
            return self._choice.language
        if self._choice.model.endswith(_ENGLISH) and closest(language, ("en",)) is None:
            return None
        return closest(language, self._info.languages)

    def _doubted(self, segments: Sequence[Segment]) -> list[tuple[Segment, str]]:
        """Segments whose language was detected without being sure, with the one of the rest."""
        votes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for segment in segments:
            heard = self.heard[segment.id]
            if heard.text and _sure(heard):
                for voter in (segment.source, ""):
                    votes[voter][heard.language] += segment.duration
        doubted = []
        for segment in segments:
            heard = self.heard[segment.id]
            usual = _most(votes[segment.source]) or _most(votes[""])
            if heard.text and not _sure(heard) and usual not in ("", heard.language):
                doubted.append((segment, usual))
        return doubted

    def _recognise(self, work: Sequence[tuple[Segment, str]]) -> None:
        """Fill `heard`; what the store has is taken from there."""
        missing = []
        for segment, language in work:
            self._control.check()
            key = self._key(segment, language)
            kept = self._store(segment).get(key)
            if kept is None:
                missing.append((segment, language, key))
            else:
                self.heard[segment.id] = kept
        try:
            self._recognise_now(missing)
        finally:
            for store in self._stores.values():
                store.save()

    def _recognise_now(self, missing: Sequence[tuple[Segment, str, str]]) -> None:
        total, done = sum(segment.duration for segment, _, _ in missing), 0.0
        lease: Lease[Recognizer] | None = None
        with ExitStack() as stack:
            for segment, language, key in missing:
                self._control.progress("transcribing", done / total)
                if lease is None:
                    lease = stack.enter_context(
                        self._engines.lease_recognizer(
                            self._choice.engine, self._control, self._choice.model
                        )
                    )
                else:
                    lease.give_way()
                heard = self._one(lease.engine, self._audio(segment), language)
                self._store(segment).put(key, heard)
                self.heard[segment.id] = heard
                done += segment.duration

    def _one(self, recognizer: Recognizer, sound: Path, language: str) -> Heard:
        # Without what was said before: a text is to depend on nothing but its own sound.
        request = RecognitionRequest(
            read(sound, RECOGNITION_RATE), language, word_times=False, model=self._choice.model
        )
        return heard_in(recognizer.recognize(request, self._control.within(None)))

    def _store(self, segment: Segment) -> TextStore:
        if segment.source not in self._stores:
            self._stores[segment.source] = TextStore(self._folder, segment.source)
        return self._stores[segment.source]

    def _key(self, segment: Segment, language: str) -> str:
        return self._store(segment).key(segment.id, self._audio(segment), self._choice, language)


@dataclass(frozen=True)
class _Writer:
    """Makes the text of a segment of what was given and heard."""

    target: Target
    settings: PrepareSettings
    heard: Mapping[str, Heard]
    refused: Mapping[str, str]  # by source

    def written(self, segment: Segment, divided: str | None, language: str) -> Segment:
        heard = self.heard.get(segment.id)
        given = segment.given or divided or ""
        spoken = language_for(language or (heard.language if heard else ""), self.target)
        text, note = normalised(given or (heard.text if heard else ""), spoken, self.target)
        if spoken and spoken not in self.target.max_characters:
            note = f"{note} {self.target.label} does not speak {spoken}.".strip()
        compared = given and heard is not None and self.settings.check_given
        return replace(
            segment,
            text=text,
            given=given,
            recognised=heard.text if heard else "",
            text_note=self._note(segment, given, note, divided),
            language=spoken,
            # A given text is none of the recognizer's; how well it fits is its error.
            confidence=heard.confidence if heard and not given else None,
            given_error=given_error(given, heard.text, spoken) if compared and heard else None,
        )

    def _note(self, segment: Segment, given: str, note: str, divided: str | None) -> str:
        heard = self.heard.get(segment.id)
        why_not = self.refused.get(segment.source, "")
        if given:
            unchecked = f"The given text is not checked: {why_not}" if why_not else ""
            return f"{note} {unchecked}".strip()
        if heard is None:
            why_not = why_not or "No recognizer was at work."
            return f"{why_not} {_UNDIVIDED}" if divided is not None else why_not
        if not heard.text:
            return "Nothing was recognised in it."
        if divided is not None:
            return (
                f"Nothing of the given text was found in it; it has what was recognised. {note}".strip()
            )
        return note


_UNDIVIDED = "The given text of the whole recording has to be divided by what is heard."


def _languages(
    segments: Sequence[Segment], whole: Mapping[str, str], settings: PrepareSettings
) -> dict[str, str]:
    """The language of each source (BCP 47): as told by its segments or the settings, or as its given
    text shows; "" where only a recognizer can tell."""
    told: dict[str, str] = {}
    given: dict[str, list[str]] = defaultdict(list)
    for segment in segments:
        told[segment.source] = told.get(segment.source) or segment.language
        if segment.given:
            given[segment.source].append(segment.given)
    for source, text in whole.items():
        given[source].append(text)

    @cache
    def usual() -> str:
        return _shown(" ".join(text for texts in given.values() for text in texts), settings)

    found = {}
    for source, language in told.items():
        if not language and settings.language != AUTO:
            language = settings.language
        if not language and given[source]:
            language = _shown(" ".join(given[source]), settings) or usual()
        found[source] = language
    return found


def _shown(text: str, settings: PrepareSettings) -> str:
    """The language that `text` is written in, among those of the target; "" where it does not tell."""
    known = target_named(settings.target).max_characters
    return detect(text, known, "en").detected


def _divided(
    segments: Sequence[Segment],
    whole: Mapping[str, str],
    heard: Mapping[str, Heard],
    languages: Mapping[str, str],
) -> dict[str, str]:
    """By segment, its part of the text of its whole recording."""
    parts: dict[str, str] = {}
    by_source: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        if segment.source in whole and not segment.given:
            by_source[segment.source].append(segment)
    for source, own in by_source.items():
        known = [segment for segment in sorted(own, key=lambda each: each.start) if segment.id in heard]
        spoken = [Spoken(heard[each.id].text, each.start, each.end) for each in known]
        found = divided(whole[source], spoken, languages.get(source, ""))
        parts |= dict.fromkeys((segment.id for segment in own), "")
        parts |= {segment.id: text for segment, text in zip(known, found, strict=True)}
    return parts


def _sure(heard: Heard) -> bool:
    return heard.language_probability is None or heard.language_probability >= _SURE


def _most(votes: Mapping[str, float]) -> str:
    return max(votes, key=lambda code: (votes[code], code), default="")
