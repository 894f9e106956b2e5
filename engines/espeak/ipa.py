"""IPA in eSpeak NG's own notation, which is all that its [[...]] takes.

eSpeak NG writes IPA but does not read it, and its mnemonics mean another sound in another language.
`ipa.json` says for each language which mnemonic makes which IPA symbol. It was made by asking
eSpeak NG itself (`engines.espeak.ipa_table`): a symbol is in it only if eSpeak NG, given the
mnemonic, says that very symbol.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from engines.espeak import voices
from studio.errors import BadInput

TABLE = Path(__file__).with_name("ipa.json")

STRESS = {"ˈ": "'", "ˌ": ","}
#: Ties, syllable breaks, linking and grouping: they change no sound of ours. U+035C and U+0361 are
#: the ties of "t͡ʃ".
_PASSED_OVER = frozenset("\u035c\u0361.‿|‖()")
#: Other ways to write the same symbol.
_SAME = {"g": "ɡ", "'": "ˈ", ":": "ː", "ʦ": "ts", "ʣ": "dz", "ʧ": "tʃ", "ʤ": "dʒ"}
#: Other letters for a sound, used where the language has none under the first.
_ALSO = {"ɝ": "ɜː", "nʲ": "ɲ", "ɫ": "l"}
#: English dictionaries mean ɹ by r.
_ENGLISH = {"r": "ɹ"}


@dataclass(frozen=True)
class Sounds:
    """A language's symbols (NFD, without stress), each with its mnemonic."""

    vowels: dict[str, str]
    consonants: dict[str, str]

    @functools.cached_property
    def longest(self) -> int:
        """Characters of the longest symbol."""
        return max(map(len, (*self.vowels, *self.consonants)))


class _Kinds(TypedDict):
    vowels: dict[str, str]
    consonants: dict[str, str]


class _Table(TypedDict):
    """ipa.json: a language has what is shared, but for its own entries; "" there means none."""

    shared: _Kinds
    languages: dict[str, _Kinds]


def to_notation(ipa: str, language: str) -> str:
    """`ipa` as phonemes in double brackets, a group a word, for the voice of `language` (BCP 47).

    Stress goes where eSpeak NG wants it, before the vowel; a word without any gets the language's
    own. Raises BadInput naming the first symbol that the language has no sound for, and NotFound
    for a language there is not.
    """
    code = voices.language_for(language).code
    sounds = sounds_of(code)
    words = (_word(word, sounds, code) for word in normal(ipa).split())
    notation = " ".join(f"[[{word}]]" for word in words if word)
    if not notation:
        raise BadInput("There is no sound in the IPA.", "Write it as həˈləʊ.")
    return notation


def normal(ipa: str) -> str:
    """`ipa` in one spelling: NFD, no ties or syllable breaks, ɡ for g."""
    text = unicodedata.normalize("NFD", ipa)
    return "".join(_SAME.get(char, char) for char in text if char not in _PASSED_OVER)


@functools.lru_cache(maxsize=16)
def sounds_of(code: str) -> Sounds:
    """The symbols of the language `code`, as eSpeak NG calls it."""
    table = _table()
    shared, own = table["shared"], table["languages"].get(code, _Kinds(vowels={}, consonants={}))
    return Sounds(
        {ipa: name for ipa, name in (shared["vowels"] | own["vowels"]).items() if name},
        {ipa: name for ipa, name in (shared["consonants"] | own["consonants"]).items() if name},
    )


@functools.cache
def _table() -> _Table:
    found: _Table = json.loads(TABLE.read_text("utf-8"))
    return found


def _word(word: str, sounds: Sounds, code: str) -> str:
    phonemes: list[str] = []
    stress = ""
    position = 0
    while position < len(word):
        if word[position] in STRESS:
            stress = STRESS[word[position]]
            position += 1
            continue
        symbol, vowel, mnemonic = _next(word, position, sounds, code)
        phonemes.append(stress + mnemonic if vowel else mnemonic)
        if vowel:
            stress = ""
        position += len(symbol)
    return "|".join(phonemes)


def _next(word: str, position: int, sounds: Sounds, code: str) -> tuple[str, bool, str]:
    """The longest symbol at `position`: itself, whether it is a vowel, its mnemonic."""
    for length in range(min(sounds.longest, len(word) - position), 0, -1):
        symbol = word[position : position + length]
        if _modified(word[position + length :], sounds):
            continue
        meant = _ENGLISH.get(symbol, symbol) if code.startswith("en") else symbol
        for known in (meant, _ALSO.get(meant, "")):
            if known in sounds.vowels:
                return symbol, True, sounds.vowels[known]
            if known in sounds.consonants:
                return symbol, False, sounds.consonants[known]
    end = position + 1
    while _modified(word[end:], sounds):
        end += 1
    name = voices.language_for(code).name
    raise BadInput(
        f"eSpeak NG has no sound for “{word[position:end]}” in {name}.",
        "Write the word with a neighbouring sound, or give a respelling.",
    )


def _modified(rest: str, sounds: Sounds) -> bool:
    """Whether `rest` begins with a mark or length sign, which makes another sound of the one before."""
    if not rest or rest[0] in STRESS or rest[0] in sounds.consonants:
        return False
    return unicodedata.category(rest[0]) in ("Mn", "Lm")
