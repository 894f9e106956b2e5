"""How words are to be spoken: finding a lexicon's words in a text and putting what to say in their
place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]

from studio.errors import BadInput
from studio.text.language import closest
from studio.text.notation import NOTATION

#: Writes IPA as the engine takes it within a text; raises BadInput naming a symbol it has no sound
#: for.
IpaWriter = Callable[[str], str]

_WORD_CHAR = regex.compile(r"[\p{L}\p{N}\p{M}_\u200c\u200d]")
#: Scripts that put no space between words: one of their words may begin or end anywhere.
_UNSPACED = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}"
    r"\p{Script=Myanmar}\p{Script=Tibetan}]"
)
_APOSTROPHES = "'’ʼ"
#: Languages in which a short word elided before an apostrophe is a word of its own: l'homme.
_ELIDING = frozenset(("fr", "it", "ca", "oc", "lij", "vec", "ht"))
#: Languages in which endings follow a name after an apostrophe: Ankara'da.
_SUFFIXING = frozenset(("tr", "az", "kk"))

_VOICELESS = ("p", "t", "k", "f", "θ")
_SIBILANTS = ("s", "z", "ʃ", "ʒ")


@dataclass(frozen=True)
class Entry:
    """One word or phrase of a lexicon."""

    word: str
    language: str = ""  # BCP 47, lower case: "de" counts for "de-at" too; "" for all languages
    respelling: str = ""  # how to write it so that any engine says it rightly
    ipa: str = ""  # for engines that take phonemes; wins over the respelling there
    case_sensitive: bool = False
    note: str = ""
    id: int = 0  # in the database; 0: not there


@dataclass(frozen=True)
class Replacement:
    """What was put in place of text[start:end]; it stands at spoken[spoken_start:spoken_end]."""

    start: int
    end: int
    original: str
    spoken: str
    spoken_start: int
    spoken_end: int
    how: str  # "respelling", "IPA" or "stress"


@dataclass(frozen=True)
class Spoken:
    """A text as it is given to an engine; replacements in order, none overlapping."""

    text: str
    replacements: tuple[Replacement, ...] = ()
    notices: tuple[str, ...] = ()  # sentences for people: what could not be done


@dataclass(frozen=True)
class Change:
    """`spoken` instead of text[start:end]."""

    start: int
    end: int
    spoken: str
    how: str


def apply(text: str, language: str, entries: Iterable[Entry], ipa: IpaWriter | None = None) -> Spoken:
    """`text` with the words of `entries` as they are to be said in `language` (BCP 47).

    Whole words only, the longest match first; of entries for the same word the one for the nearer
    language counts, then the case-sensitive one. A possessive ending stays ("Nguyen's"). Tags and
    [[phonemes]] in the text are left alone. `ipa` None: the engine takes no phonemes, so an entry
    without a respelling leaves its word and a notice.
    """
    changes, notices = find(text, language, entries, ipa)
    return put(text, changes, notices)


def find(
    text: str, language: str, entries: Iterable[Entry], ipa: IpaWriter | None = None
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """What `apply` would change, in order, and its notices."""
    index = _Index(entries, language)
    changes: list[Change] = []
    refused: dict[str, str] = {}
    closed = [match.span() for match in NOTATION.finditer(text)]
    folded = fold(text)
    language = language.split("-")[0]
    position = 0
    while position < len(text):
        if closed and closed[0][0] <= position:
            position = max(position, closed.pop(0)[1])
            continue
        stop = closed[0][0] if closed else len(text)
        found = None
        if folded[position] in index.first and _opens(text, position, language):
            found = index.at(text, folded, position, stop, language)
        if found is None:
            position += 1
            continue
        entry, end = found
        change = _change(text, entry, position, end, language, ipa, refused)
        if change is not None:
            changes.append(change)
        position = change.end if change is not None else end
    return tuple(changes), tuple(refused.values())


def put(text: str, changes: Sequence[Change], notices: tuple[str, ...] = ()) -> Spoken:
    """`text` with `changes` made, which are in order and do not overlap."""
    pieces: list[str] = []
    replacements: list[Replacement] = []
    position = length = 0
    for change in changes:
        kept = text[position : change.start]
        length += len(kept)
        replacements.append(
            Replacement(
                change.start, change.end, text[change.start : change.end], change.spoken,
                length, length + len(change.spoken), change.how,
            )
        )  # fmt: skip
        pieces += (kept, change.spoken)
        length += len(change.spoken)
        position = change.end
    return Spoken("".join((*pieces, text[position:])), tuple(replacements), notices)


def fold(text: str) -> str:
    """`text` of the same length in lower case, every apostrophe straight, every space plain."""
    return "".join(map(_folded, text))


def counts_for(entry_language: str, language: str) -> bool:
    """Whether an entry for `entry_language` counts where `language` is spoken. Two regions of one
    language differ; a region and the language alone do not."""
    if not entry_language:
        return True
    entry, spoken = entry_language.lower(), language.lower()
    if entry == spoken or closest(entry.split("-")[0], [spoken.split("-")[0]]) is None:
        return entry == spoken
    return "-" not in entry or "-" not in spoken


class _Index:
    """A lexicon's entries for one language, by their first character and length."""

    def __init__(self, entries: Iterable[Entry], language: str) -> None:
        self._entries: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.word and counts_for(entry.language, language):
                self._entries.setdefault(fold(entry.word), []).append(entry)
        for same in self._entries.values():
            same.sort(key=lambda entry: (-len(entry.language), not entry.case_sensitive))
        lengths: dict[str, set[int]] = {}
        for key in self._entries:
            lengths.setdefault(key[0], set()).add(len(key))
        self.first = frozenset(lengths)  # characters that a word may begin with
        self._lengths = {char: sorted(found, reverse=True) for char, found in lengths.items()}

    def at(
        self, text: str, folded: str, start: int, stop: int, language: str
    ) -> tuple[Entry, int] | None:
        """The longest entry that stands at `start` as a whole word and ends by `stop`."""
        for length in self._lengths.get(folded[start], ()):
            end = start + length
            same = self._entries.get(folded[start:end]) if end <= stop else None
            if not same or not _closes(text, end, language):
                continue
            for entry in same:
                if not entry.case_sensitive or text[start:end] == entry.word:
                    return entry, end
        return None


def _change(
    text: str, entry: Entry, start: int, end: int, language: str, ipa: IpaWriter | None,
    refused: dict[str, str],
) -> Change | None:  # fmt: skip
    """The change for `entry` at text[start:end], or None with a notice in `refused`."""
    why = "this engine takes no phonemes, and there is no respelling"
    if entry.ipa and ipa is not None:
        sounds, whole = entry.ipa, end
        if language == "en" and _possessive(text, end):  # an engine would read 's by itself as "ess"
            sounds, whole = entry.ipa + _possessive_sound(entry.ipa), end + 2
        try:
            return Change(start, whole, ipa(sounds), "IPA")
        except BadInput as error:
            why = error.message.rstrip(".")
    if entry.respelling:
        return Change(start, end, entry.respelling, "respelling")
    refused.setdefault(entry.word, f"“{entry.word}” is spoken as it is written: {why}.")
    return None


def _possessive_sound(ipa: str) -> str:
    last = ipa.rstrip(")ː")
    if last.endswith(_SIBILANTS):
        return "ɪz"
    return "s" if last.endswith(_VOICELESS) else "z"


def _possessive(text: str, position: int) -> bool:
    """Whether 's, the end of a word, stands at `position`."""
    return (
        text[position : position + 1] in tuple(_APOSTROPHES)
        and text[position + 1 : position + 2].lower() == "s"
        and not _is_word(text, position + 2)
    )


def _opens(text: str, position: int, language: str) -> bool:
    """Whether a word can begin at `position`."""
    if not _divided(text, position):
        return False
    if position >= 2 and text[position - 1] in _APOSTROPHES and _is_word(text, position - 2):
        return language in _ELIDING
    return True


def _closes(text: str, position: int, language: str) -> bool:
    """Whether a word can end at `position`."""
    if not _divided(text, position):
        return False
    following = text[position : position + 1]
    if following and following in _APOSTROPHES and _is_word(text, position + 1):
        return language in _SUFFIXING or _possessive(text, position)
    return True


def _divided(text: str, position: int) -> bool:
    """Whether no word or number goes on across `position` (after UAX 29, without its dictionaries)."""
    if not 0 < position < len(text):
        return True
    before, after = text[position - 1], text[position]
    if _WORD_CHAR.match(before) and _WORD_CHAR.match(after):
        if regex.match(r"[\p{M}\u200c\u200d]", after):
            return False
        return bool(_UNSPACED.match(before) or _UNSPACED.match(after))
    if after in ".," and before.isdigit():  # within 2.5
        return not text[position + 1 : position + 2].isdigit()
    if before in ".," and after.isdigit():
        return not (position >= 2 and text[position - 2].isdigit())
    return True


def _is_word(text: str, position: int) -> bool:
    return position < len(text) and _WORD_CHAR.match(text[position]) is not None


def _folded(char: str) -> str:
    if char in _APOSTROPHES:
        return "'"
    if char.isspace():
        return " "
    lower = char.lower()
    return lower if len(lower) == 1 else char
