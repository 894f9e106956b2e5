"""The coverage coach: which sounds and kinds of sentences a data set's texts have, which are rare, and
what to record next."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from engines.base import Phonemizer
from engines.manager import EngineManager
from studio.control import Control
from studio.errors import EngineFailed, NotFound
from studio.text.coaching import (
    Candidate,
    Chosen,
    Missing,
    choose,
    coach_sentences,
    pairs_of,
)
from studio.text.sentence_types import TYPES, types_of

#: Knows how words are spoken in all languages of the coach; always there.
_PHONEMIZER = "espeak"
#: A phoneme that is heard fewer times than this is rare: a voice meets it in too few surroundings.
ENOUGH = 10
#: The same for a kind of sentence.
ENOUGH_SENTENCES = 5
PROPOSALS = 10
#: Texts asked about at once; the others get a turn and a cancel is heard in between.
_BATCH = 100
#: Texts whose sounds are remembered, so that a corrected text does not ask about ten thousand others.
_REMEMBERED = 40_000


@dataclass(frozen=True)
class PhonemeCount:
    """How often a phoneme of the language occurs."""

    symbol: str  # IPA
    count: int
    usual: float  # its share of all phonemes in the coach's sentences, 0 to 1


@dataclass(frozen=True)
class Proposal:
    """A sentence to record."""

    text: str
    adds: tuple[str, ...]  # phonemes and kinds of sentences that are rare or absent
    pairs: int  # pairs of neighbouring phonemes that were never heard


@dataclass(frozen=True)
class Coverage:
    """What the texts cover of their language."""

    language: str
    phonemes: tuple[PhonemeCount, ...]  # those of the language, the most usual first
    covered_share: float | None  # of them occur, 0 to 1; None where the language has no list
    rare: tuple[str, ...]  # phonemes that occur fewer than ENOUGH times, the rarest first
    absent: tuple[str, ...]
    sentence_types: Mapping[str, int]  # by code of sentence_types.TYPES, all of them
    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...]  # what could not be told, as sentences


@dataclass(frozen=True)
class _Read:
    """A text's phonemes, None where they cannot be told, and kinds of sentences."""

    phonemes: tuple[str, ...] | None
    types: Counter[str]


class CoverageService:
    """Thread-safe. Who calls it must hold no lease of an engine."""

    def __init__(self, engines: EngineManager) -> None:
        self._engines = engines
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], _Read] = OrderedDict()

    def report(
        self, texts: Sequence[str], language: str, control: Control, most: int = PROPOSALS
    ) -> Coverage:
        """What `texts` cover of `language` (BCP 47), with up to `most` sentences to record next. The same
        texts give the same report.

        About half a second for a thousand texts, and much less for those it has seen before. Raises
        Cancelled, EngineFailed. A language that eSpeak NG does not speak has notes and no phonemes.
        """
        if not language:
            return _unread(texts, language, "The language of the texts is not known yet.")
        sentences = coach_sentences(language)
        try:
            asked = [sentence.reading for sentence in sentences]
            coach = self._read(asked, language, control.between(0.0, 0.05))
            found = self._read(texts, language, control.between(0.05, 1.0))
        except NotFound as error:
            return _unread(texts, language, str(error))
        said = {_folded(text) for text in texts}
        candidates = [
            Candidate(
                sentence.text,
                Counter(symbol for symbol in read.phonemes or () if symbol),
                pairs_of(read.phonemes or ()),
                types_of(sentence.text, language),
            )
            for sentence, read in zip(sentences, coach, strict=True)
        ]
        usual = _inventory(candidates)
        counts = _sum(Counter(filter(None, read.phonemes or ())) for read in found)
        types = _sum(read.types for read in found)
        missing = Missing(
            {symbol: ENOUGH - counts[symbol] for symbol in usual if counts[symbol] < ENOUGH},
            {kind: ENOUGH_SENTENCES - types[kind] for kind in TYPES if types[kind] < ENOUGH_SENTENCES},
            _union(each.pairs for each in candidates)
            - _union(pairs_of(read.phonemes or ()) for read in found),
        )
        new = [each for each in candidates if _folded(each.text) not in said]
        listed = _listed(counts, usual)
        present = sum(each.count > 0 for each in listed)
        rarest = sorted(listed, key=lambda each: (each.count, each.symbol))
        return Coverage(
            language=language,
            phonemes=listed,
            covered_share=present / len(listed) if usual else None,
            rare=tuple(each.symbol for each in rarest if usual and 0 < each.count < ENOUGH),
            absent=tuple(each.symbol for each in listed if not each.count),
            sentence_types={kind: types[kind] for kind in TYPES},
            proposals=tuple(_proposal(each) for each in choose(new, missing, most)),
            notes=_notes(found, language, bool(sentences)),
        )

    def _read(self, texts: Sequence[str], language: str, control: Control) -> list[_Read]:
        """Each text's sounds, from memory where they are known."""
        wanted = list(dict.fromkeys(texts))
        with self._lock:
            keys = ((language, text) for text in wanted)
            found = {key[1]: self._known[key] for key in keys if key in self._known}
        unknown = iter([text for text in wanted if text not in found])
        while batch := list(islice(unknown, _BATCH)):
            control.progress("reading the texts", len(found) / len(wanted))
            found.update(self._asked(batch, language, control))
        with self._lock:
            for text in wanted:
                self._known[language, text] = found[text]
                self._known.move_to_end((language, text))
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return [found[text] for text in texts]

    def _asked(self, texts: list[str], language: str, control: Control) -> dict[str, _Read]:
        engine = self._engines.registry.get(_PHONEMIZER)
        if not isinstance(engine, Phonemizer):
            raise EngineFailed(f"{engine.info.label} does not tell how words are spoken.")
        with self._engines.lease(_PHONEMIZER, control.within()):
            phonemes = engine.phonemes(texts, language, control)
        return {
            text: _Read(read, types_of(text, language))
            for text, read in zip(texts, phonemes, strict=True)
        }


def _unread(texts: Sequence[str], language: str, why: str) -> Coverage:
    types = _sum(types_of(text, language) for text in texts)
    return Coverage(
        language=language,
        phonemes=(),
        covered_share=None,
        rare=(),
        absent=(),
        sentence_types={kind: types[kind] for kind in TYPES},
        proposals=(),
        notes=(f"The sounds cannot be counted. {why}",),
    )


def _inventory(candidates: Sequence[Candidate]) -> Counter[str]:
    """The phonemes of the language, as the coach's sentences show them. What occurs in one of them only is
    a foreign word's, or a freak of its place."""
    sentences = _sum(dict.fromkeys(each.phonemes, 1) for each in candidates)
    counts = _sum(each.phonemes for each in candidates)
    return Counter({symbol: counts[symbol] for symbol in counts if sentences[symbol] > 1})


def _listed(counts: Counter[str], usual: Counter[str]) -> tuple[PhonemeCount, ...]:
    """The phonemes of the language; foreign words have others, which nobody has to record. Where the language
    has no list, what was found is listed."""
    total = max(usual.total(), 1)
    order = sorted(usual or counts, key=lambda symbol: (-usual[symbol], -counts[symbol], symbol))
    return tuple(PhonemeCount(symbol, counts[symbol], usual[symbol] / total) for symbol in order)


def _proposal(chosen: Chosen) -> Proposal:
    kinds = (TYPES[kind] for kind in chosen.types)
    return Proposal(chosen.candidate.text, (*chosen.phonemes, *kinds), chosen.pairs)


def _notes(found: Sequence[_Read], language: str, coached: bool) -> tuple[str, ...]:
    notes = []
    unread = sum(read.phonemes is None for read in found)
    if unread:
        notes.append(
            f"The sounds of {unread:,} of {len(found):,} texts are not counted: eSpeak NG reads kana only, "
            "and they have kanji."
        )
    if not coached:
        notes.append(
            f"There are no sentences to propose for the language {language}, nor a list of its sounds."
        )
    return tuple(notes)


def _sum(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _union(pairs: Iterable[frozenset[tuple[str, str]]]) -> frozenset[tuple[str, str]]:
    return frozenset(pair for each in pairs for pair in each)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
