"""The phones of English (ARPAbet), how alike they are, and eSpeak NG's IPA in their terms."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

#: Groups of similar phones.
_CLASSES = (
    ("IY", "IH", "Y"),
    ("EH", "AE", "EY"),
    ("AH", "UH", "ER"),
    ("AA", "AO", "AW", "AY"),
    ("OW", "UW", "W", "OY"),
    ("L", "R"),
    ("M", "N", "NG"),
    ("P", "T", "K"),
    ("B", "D", "G"),
    ("F", "TH", "HH"),
    ("S", "SH", "CH", "Z", "ZH", "JH"),
    ("V", "DH"),
)
PHONES = tuple(phone for group in _CLASSES for phone in group)
#: The label of a frame whose phone is not known: the last index.
UNKNOWN = len(PHONES)
_INDEX = {phone: index for index, phone in enumerate(PHONES)}

#: Added to the distance (of about 1) between frames: of like phones, and of unlike ones.
_LIKE, _UNLIKE = 0.35, 0.8

_IPA = {
    "ə": "AH", "ɐ": "AH", "ʌ": "AH", "ɜː": "ER", "ɚ": "ER", "ɪ": "IH", "ᵻ": "IH", "i": "IY", "iː": "IY",
    "ɛ": "EH", "æ": "AE", "a": "AE", "ɑː": "AA", "ɑ": "AA", "ɒ": "AA", "ɔː": "AO", "ɔ": "AO", "ʊ": "UH",
    "uː": "UW", "u": "UW", "eɪ": "EY", "aɪ": "AY", "ɔɪ": "OY", "oʊ": "OW", "əʊ": "OW", "aʊ": "AW",
    "ɹ": "R", "l": "L", "w": "W", "j": "Y", "m": "M", "n": "N", "ŋ": "NG", "n̩": "N", "p": "P", "b": "B",
    "t": "T", "ʔ": "T", "d": "D", "ɾ": "D", "k": "K", "ɡ": "G", "f": "F", "v": "V", "θ": "TH", "ð": "DH",
    "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "tʃ": "CH", "dʒ": "JH", "əl": "L", "oː": "AO",
    "iə": "IH", "eə": "EH", "ʊə": "UH", "ɔːɹ": "AO R", "oːɹ": "AO R", "ɑːɹ": "AA R", "ɛɹ": "EH R",
    "ɪɹ": "IH R", "ʊɹ": "UH R", "aɪɚ": "AY ER", "aɪə": "AY AH",
}  # fmt: skip

#: The IPA symbols of each phone; those of a diphthong as eSpeak NG writes them, in one.
_TO_IPA = {
    "AH": "ʌ", "ER": "ɜː", "IH": "ɪ", "IY": "iː", "EH": "ɛ", "AE": "æ", "AA": "ɑː", "AO": "ɔː", "UH": "ʊ",
    "UW": "uː", "EY": "eɪ", "AY": "aɪ", "OY": "ɔɪ", "OW": "oʊ", "AW": "aʊ", "R": "ɹ", "L": "l", "W": "w",
    "Y": "j", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "B": "b", "T": "t", "D": "d", "K": "k", "G": "ɡ",
    "F": "f", "V": "v", "TH": "θ", "DH": "ð", "S": "s", "Z": "z", "SH": "ʃ", "ZH": "ʒ", "HH": "h",
    "CH": "tʃ", "JH": "dʒ",
}  # fmt: skip


def from_ipa(symbol: str) -> tuple[str, ...]:
    """The phones of one of eSpeak NG's English symbols; none for a symbol of another language."""
    plain = symbol.strip("ˈˌ")
    return tuple((_IPA.get(plain) or _IPA.get(plain.rstrip("ː")) or "").split())


def to_ipa(phone: str) -> str:
    """An ARPAbet phone in eSpeak NG's IPA; "" for silence and the like."""
    return _TO_IPA.get(phone, "")


def index_of(phone: str) -> int:
    """The label of an ARPAbet phone; UNKNOWN for silence and the like."""
    return _INDEX.get(phone, UNKNOWN)


@functools.cache
def penalties() -> npt.NDArray[np.float32]:
    """How unlike two labels are, [len(PHONES) + 1, the same]."""
    group = np.array([number for number, members in enumerate(_CLASSES) for _ in members] + [-1])
    table = np.where(group[:, None] == group, _LIKE, _UNLIKE)
    np.fill_diagonal(table, 0)
    table[UNKNOWN, :] = table[:, UNKNOWN] = _LIKE
    return table.astype(np.float32)
