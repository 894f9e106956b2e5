"""Numbers in Hindi words, which num2words does not know and XTTS's tokenizer asks it for."""

from __future__ import annotations

import re

#: 0 to 99; each is a word of its own.
_TO_NINETY_NINE = (
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ "
    "दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस "
    "बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस "
    "तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस "
    "चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास "
    "पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ "
    "साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर "
    "सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी "
    "अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी "
    "नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे"
)
_WORDS = _TO_NINETY_NINE.split()
_SCALES = ((10_000_000, "करोड़"), (100_000, "लाख"), (1_000, "हज़ार"), (100, "सौ"))
_POINT = "दशमलव"

#: Digits with groups between commas, and what follows a point.
_NUMBER = re.compile(r"(\d+(?:,\d{2,3})*)(?:\.(\d+))?")


def spelled(text: str) -> str:
    """`text` with its numbers in words: "12.5" as "बारह दशमलव पाँच"."""
    return _NUMBER.sub(_number, text)


def words(number: int) -> str:
    """A number from 0 on in words, counted in hundreds, thousands, lakhs and crores."""
    said = []
    for scale, name in _SCALES:
        count, number = divmod(number, scale)
        if count:
            said.append(f"{words(count)} {name}")
    if number or not said:
        said.append(_WORDS[number])
    return " ".join(said)


def _number(match: re.Match[str]) -> str:
    said = [words(int(match[1].replace(",", "")))]
    if match[2]:
        said += [_POINT, *(_WORDS[int(digit)] for digit in match[2])]
    return f" {' '.join(said)} " if _touches(match) else " ".join(said)


def _touches(match: re.Match[str]) -> bool:
    """Whether a letter stands right beside the number, as in "5वाँ" or "A4"."""
    around = match.string[max(0, match.start() - 1) : match.start()] + match.string[match.end() :][:1]
    return any(char.isalpha() for char in around)
