"""What the mouth does for each phoneme: of IPA in any language as eSpeak NG writes it, and of ARPAbet."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple


class Viseme(NamedTuple):
    """A position of the mouth."""

    opening: float  # between the lips, in mouth widths
    width: float = 1.0  # of the mouth, in times of its width at rest
    teeth: float = 0.0  # how much of the upper teeth is seen where the mouth is open, 0 to 1
    tongue: float = 0.0  # the same of the tongue
    dominance: float = 1.0  # how much it asserts itself against its neighbours
    rest: bool = False  # as in the picture, whatever that is
    firm: bool = False  # reached whatever the neighbours are: closed lips, the lip at the teeth


REST = Viseme(0.0, dominance=0.8, rest=True)
# What is reached in any case need not pull its neighbours.
CLOSED = Viseme(0.0, 0.97, dominance=0.3, firm=True)
LIP_TO_TEETH = Viseme(0.035, 1.0, 1.0, dominance=0.3, firm=True)

_ROUND = Viseme(0.075, 0.74)
_ALVEOLAR = Viseme(0.11, 1.02, 0.8, 0.5, 0.6)
_HISS = Viseme(0.075, 1.06, 1.0, 0.0, 0.8)
_HUSH = Viseme(0.09, 0.82, 1.0, 0.0, 0.9)
_DENTAL = Viseme(0.10, 1.0, 0.6, 0.9, 0.8)
_PALATAL = Viseme(0.11, 1.07, 0.8, 0.3, 0.7)
_BACK = Viseme(0.14, 1.0, 0.5, 0.3, 0.5)
_GLOTTAL = Viseme(0.15, 1.0, 0.5, 0.2, 0.3)
_RHOTIC = Viseme(0.12, 0.88, 0.5, 0.2, 0.8)

#: Letters of IPA. Vowels by height, then how far forward, then whether the lips are rounded.
_LETTERS = {
    "i": Viseme(0.11, 1.13, 0.9, 0.1), "y": Viseme(0.09, 0.80, 0.3), "ɨ": Viseme(0.11, 1.05, 0.8, 0.1),
    "ʉ": Viseme(0.09, 0.82, 0.3), "ɯ": Viseme(0.11, 1.0, 0.6, 0.1), "u": Viseme(0.09, 0.72, 0.1),
    "ɪ": Viseme(0.14, 1.08, 0.8, 0.2), "ᵻ": Viseme(0.13, 1.05, 0.8, 0.2), "ʏ": Viseme(0.12, 0.84, 0.4),
    "ʊ": Viseme(0.12, 0.80, 0.2, 0.1), "e": Viseme(0.17, 1.09, 0.8, 0.2), "ø": Viseme(0.15, 0.84, 0.4),
    "ɘ": Viseme(0.16, 1.02, 0.6, 0.2), "ɵ": Viseme(0.15, 0.86, 0.4, 0.1), "ɤ": Viseme(0.17, 1.0, 0.5, 0.2),
    "o": Viseme(0.18, 0.79, 0.2, 0.2), "ə": Viseme(0.16, 1.0, 0.6, 0.2, 0.7), "ɛ": Viseme(0.22, 1.06, 0.7, 0.3),
    "œ": Viseme(0.20, 0.88, 0.4, 0.2), "ɜ": Viseme(0.20, 0.98, 0.6, 0.2), "ɞ": Viseme(0.20, 0.89, 0.4, 0.2),
    "ʌ": Viseme(0.23, 1.0, 0.6, 0.3), "ɔ": Viseme(0.24, 0.86, 0.3, 0.3), "æ": Viseme(0.26, 1.06, 0.6, 0.3),
    "ɐ": Viseme(0.24, 1.02, 0.6, 0.3), "a": Viseme(0.28, 1.03, 0.6, 0.35), "ɶ": Viseme(0.26, 0.92, 0.5, 0.3),
    "ɑ": Viseme(0.29, 0.99, 0.5, 0.35), "ɒ": Viseme(0.26, 0.90, 0.4, 0.3),
    "ɚ": Viseme(0.15, 0.90, 0.5, 0.2), "ɝ": Viseme(0.17, 0.90, 0.5, 0.2),
    "β": Viseme(0.05, 0.95, 0.2), "ɸ": Viseme(0.05, 0.92, 0.2),
}  # fmt: skip
_LETTERS |= {
    letter: viseme
    for letters, viseme in (
        ("pbmɓʘʙ", CLOSED),
        ("fvɱʋⱱ", LIP_TO_TEETH),
        ("wʍɥ", _ROUND),
        ("tdnlɾrɬɮɫɗǃǀǁʈɖɳɭɽɺ", _ALVEOLAR),
        ("θð", _DENTAL),
        ("szɕʑ", _HISS),
        ("ʃʒʂʐɧ", _HUSH),
        ("jʝçcɟɲʎʄǂ", _PALATAL),
        ("kɡgŋxɣqɢɴχʁʀɰʟɠʛħʕʢʜ", _BACK),
        ("hɦʔʡ", _GLOTTAL),
        ("ɹɻ", _RHOTIC),
    )
    for letter in letters
}

#: Letters written otherwise: ligatures, and Greek ones in place of those of IPA.
_SPELLINGS = str.maketrans(
    {
        "ʦ": "ts",
        "ʣ": "dz",
        "ʧ": "tʃ",
        "ʤ": "dʒ",
        "ʨ": "tɕ",
        "ʥ": "dʑ",
        "ε": "ɛ",
        "Φ": "ɸ",
        "φ": "ɸ",
        "λ": "ʎ",
    }
)

#: The phones of ARPAbet, in IPA; with or without a digit for the stress.
_ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AX": "ə", "AXR": "ɚ", "AY": "aɪ", "B": "b", "CH": "tʃ",
    "D": "d", "DH": "ð", "DX": "ɾ", "EH": "ɛ", "EL": "l", "EM": "m", "EN": "n", "ER": "ɝ", "EY": "eɪ", "F": "f",
    "G": "ɡ", "HH": "h", "IH": "ɪ", "IX": "ɨ", "IY": "i", "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n",
    "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "Q": "ʔ", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ",
    "UH": "ʊ", "UW": "u", "UX": "ʉ", "V": "v", "W": "w", "WH": "ʍ", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_ARPABET_FORM = re.compile(r"([A-Z]{1,3})[0-2]?")
#: eSpeak NG's mark of another language within a text.
_SWITCH = re.compile(r"\(.*?\)")
#: Names that aligners and recognizers give to stretches without speech.
_NO_SPEECH = frozenset(
    {"", "SIL", "SP", "SPN", "NSN", "<SIL>", "<S>", "</S>", "+SPN+", "+NSN+", "_", "_:"}
)

#: What a letter of no table is taken for: something between the lips is seen, and nothing stands out.
_UNKNOWN = Viseme(0.12, 1.0, 0.5, 0.2, 0.4)
_LONG = 0.8  # what a length mark adds to a letter's share of the time
_GLIDE = 0.6  # the share of a letter that makes no syllable


@functools.lru_cache(maxsize=4096)
def visemes_of(symbol: str) -> tuple[tuple[Viseme, float], ...]:
    """The positions of the mouth for a phoneme in their order, each with its share of the phoneme's time;
    the shares sum to 1. Diphthongs and affricates have several, silence has REST."""
    plain = symbol.strip()
    if plain.upper() in _NO_SPEECH:
        return ((REST, 1.0),)
    arpabet = _ARPABET_FORM.fullmatch(plain)
    if arpabet and arpabet[1] in _ARPABET:
        plain = _ARPABET[arpabet[1]]
    found: list[tuple[Viseme, float]] = []
    for char in unicodedata.normalize("NFD", _SWITCH.sub("", plain).translate(_SPELLINGS)):
        if found and char in "ːˑ":
            found[-1] = (found[-1][0], found[-1][1] + _LONG)
        elif found and char == "\N{COMBINING INVERTED BREVE BELOW}":
            found[-1] = (found[-1][0], _GLIDE)
        elif found and char in "ʷᵝ":
            found[-1] = (found[-1][0]._replace(width=min(found[-1][0].width, 0.84)), found[-1][1])
        elif char in _LETTERS:
            found.append((_LETTERS[char], 1.0))
        elif unicodedata.category(char) in ("Ll", "Lo", "Lu"):
            found.append((_UNKNOWN, 1.0))
    if not found:
        return ((REST, 1.0),)
    whole = sum(share for _, share in found)
    return tuple((viseme, share / whole) for viseme, share in found)
