"""Reading the IPA that eSpeak NG writes: which phonemes a text has."""

from __future__ import annotations

import functools
import re
import unicodedata

#: It says in brackets where it changes to another language's voice, and where it comes back.
_CHANGE = re.compile(r"\([a-z-]+\)")
#: Stress, tones and its marks for what IPA has no letter for: kinds of one phoneme, not others.
_MARKS = re.compile(r"[ˈˌ0-9^\"'`/;\-#]")
#: Chinese: the third tone comes out as the letter of "3", and mnemonics with a dot are retroflex.
_TONE_LETTER = re.compile(r"(?<=.)ɜ$")
_DOTTED = {"s.": "ʂ", "ts.": "ʈʂ", "ts.h": "ʈʂh", "z.": "ʐ", "i.": "ɨ"}
_ASPIRATED = re.compile(r"(?<=[ptksʂɕ])h$")


def parsed(ipa: str) -> tuple[str, ...]:
    """The phonemes of `ipa`, in which "_" and spaces stand between them and lines are clauses. "" stands
    between clauses, and for words that are said in another language."""
    found = [""]
    for line in ipa.split("\n"):
        for index, stretch in enumerate(_CHANGE.split(line)):
            if index % 2 == 0:  # it changes there and back
                found += filter(None, map(_symbol, re.split(r"[_\s]+", stretch)))
            if found[-1]:
                found.append("")
    return tuple(found[1:-1])


@functools.lru_cache(maxsize=4_096)  # texts are many and symbols few
def _symbol(piece: str) -> str:
    """ "" for a sign that is no sound by itself."""
    plain = _TONE_LETTER.sub("", _MARKS.sub("", unicodedata.normalize("NFC", piece)))
    symbol = _ASPIRATED.sub("ʰ", _DOTTED.get(plain, plain).replace(".", ""))
    return symbol if any(unicodedata.category(char) == "Ll" for char in symbol) else ""
