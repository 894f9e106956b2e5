"""Numbers in words, as a model is trained on them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex  # type: ignore[import-untyped]

from studio.text.language import closest
from training.prepare.number_patterns import (
    CLOCK,
    DECADE,
    DIGIT,
    JOINED,
    KO_COUNTED,
    LEFT,
    ORDINALS,
    TURKISH,
    YEARS,
    ZH_YEAR,
)
from training.prepare.number_words import (
    CZECH_MONTHS,
    NUMBER_WORDS,
    UNSPACED,
    NumberWords,
    chinese,
    czech_ordinal,
    hindi,
)

#: Longer numbers, and those with a zero ahead, are read figure by figure.
_MAX_DIGITS = 15

#: Years that are read in two halves where the language does so.
_HALVED_YEARS = {"en": (1100, 1999, 2010, 2099), "de": (1100, 1999), "nl": (1100, 1999)}

#: Ending -> case and gender as num2words has them.
_RUSSIAN = {"й": "n m", "я": "n f", "е": "n n", "го": "g m", "му": "d m", "м": "p m", "х": "g p"}


@dataclass(frozen=True)
class Spelled:
    """A text with its numbers in words."""

    text: str
    left: tuple[str, ...] = ()  # figures that have no words here


def spelled(text: str, language: str) -> Spelled:
    """`text` in `language` (BCP 47) with numbers, ordinals, years, times, percentages and amounts in
    words, as read by num2words and `number_words`.

    What has no words is left and named, as all is in a language that is not in NUMBER_WORDS. Endings of
    cases are mostly not known: a number is in the form in which it is counted.
    """
    if not LEFT.search(text):
        return Spelled(text)
    code = closest(language, NUMBER_WORDS) if language else None
    made = _reader(code).read(_ascii_digits(text)) if code else text
    return Spelled(made, tuple(dict.fromkeys(LEFT.findall(made))))


class _Reader:
    """Reads the numbers of one language."""

    def __init__(self, language: str, words: NumberWords) -> None:
        self._language, self._words = language, words
        self._unspaced = language in UNSPACED

    def read(self, text: str) -> str:
        """The most particular first: what is an amount or a time is no plain number."""
        steps: list[tuple[regex.Pattern[str], Callable[[regex.Match[str]], str]]] = [
            (self._amount, self._read_amount),
            (CLOCK, self._read_clock),
            (self._percentage, self._read_percentage),
            (YEARS, self._read_years),
        ]
        if self._language in ORDINALS:
            steps.append((ORDINALS[self._language], self._read_ordinal))
        if self._language == "en":
            steps.append((DECADE, self._read_decade))
        if self._language == "ko":
            steps.append((KO_COUNTED, lambda found: _korean_count(int(found["n"]))))
        if self._language == "zh":
            steps.append((ZH_YEAR, lambda found: self._figures(found["n"])))
        for pattern, make in steps:
            text = pattern.sub(lambda found, make=make: self._set_apart(found, make(found)), text)
        text = JOINED.sub(" ", text)
        number = regex.compile(rf"(?<minus>(?<!\S)-)?(?<n>{self._number})")
        return number.sub(
            lambda found: self._set_apart(found, self._signed(found["minus"], found["n"])), text
        )

    @cached_property
    def _number(self) -> str:
        if self._words.comma:
            return r"\d{1,3}(?:[. ٬]\d{3})+(?!\d)(?:[,٫]\d+)?|\d+(?:[.,٫]\d+)?"
        return r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"

    @cached_property
    def _amount(self) -> regex.Pattern[str]:
        signs, n = regex.escape("".join(self._words.currencies)), self._number
        more = rf"(?:\s(?<more>{'|'.join(_MAGNITUDES.get(self._language, ()))})\b)?"
        more = more if self._language in _MAGNITUDES else "(?<more>)"
        return regex.compile(
            rf"(?<sign>[{signs}])\s?(?<n>{n}){more}|(?<n>{n}){more}\s?(?<sign>[{signs}])"
        )

    @cached_property
    def _percentage(self) -> regex.Pattern[str]:
        minus = r"(?<minus>(?<!\S)-)?"
        return regex.compile(
            rf"{minus}(?<n>{self._number})\s?[%٪％]|{minus}[%٪％]\s?(?<n>{self._number})"
        )

    def _read_amount(self, found: regex.Match[str]) -> str:
        sign = found["sign"]
        whole, decimals = self._parts(found["n"])
        forms = self._words.currencies[sign]
        if found["more"]:
            return self._together(self._plain(found["n"]), found["more"], forms[-1])
        if len(decimals) != 2:
            return self._with_unit(found["n"], forms)
        made = self._with_unit(whole, forms)
        if int(decimals):
            cents = decimals.lstrip("0")
            named = self._words.cents.get(sign)
            joiner = [self._words.joiner] if self._words.joiner else []
            minor = self._with_unit(cents, named) if named else self._cardinal(cents)
            made = self._together(made, *joiner, minor)
        return made

    def _with_unit(self, number: str, forms: tuple[str, ...]) -> str:
        value = self._plain(number)
        for whole, counted in _BEFORE_NOUNS.get(self._language, ()):
            value = regex.sub(whole, counted, value)
        return self._together(value, self._form(number, forms))

    def _read_percentage(self, found: regex.Match[str]) -> str:
        value = self._signed(found["minus"], found["n"])
        unit = self._form(found["n"], self._words.percent)
        return self._together(*((unit, value) if self._words.percent_first else (value, unit)))

    def _read_clock(self, found: regex.Match[str]) -> str:
        hours, minutes = found["h"], found["m"]
        spoken = [self._cardinal(str(int(hours)))]
        if self._words.hour:
            spoken.append(self._form(hours, self._words.hour))
            if spoken[0] == "eins":
                spoken[0] = "ein"
            elif self._language == "fr":
                spoken[0] = regex.sub(r"\bun$", "une", spoken[0])
        if int(minutes):
            zero = minutes.startswith("0") and self._language == "en"
            spoken += ["oh"] * zero + [self._cardinal(str(int(minutes)))]
        return self._together(*spoken)

    def _read_years(self, found: regex.Match[str]) -> str:
        to = [self._words.to] if self._words.to else []
        return self._together(self._plain(found["first"]), *to, self._plain(found["last"]))

    def _read_decade(self, found: regex.Match[str]) -> str:
        word = self._plain(found["n"])
        return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"

    def _read_ordinal(self, found: regex.Match[str]) -> str:
        number, end = int(found["n"]), found["end"] or ""
        language = self._language
        if language == "ru":
            case, gender = next(v for k, v in _RUSSIAN.items() if end.endswith(k)).split()
            how = {"plural": True} if gender == "p" else {"gender": gender}
            return _num2words(number, "ru", "ordinal", case=case, **how)
        if language == "cs":
            return czech_ordinal(number, genitive=end in CZECH_MONTHS)
        made = _num2words(number, language, "ordinal")
        if language == "fr" and number == 1:
            made = "premier" if end.startswith("er") else "première"
        elif language in ("es", "pt", "it") and end == "ª":
            made = regex.sub(r"o\b", "a", made)
        elif end == "er":  # primer, tercer
            made = made.removesuffix("o")
        elif language == "de" and found["first"] is None:
            made += "n"
        elif language == "tr":
            made = TURKISH.sub(r"\1 ", made)
        return made

    def _signed(self, minus: str | None, number: str) -> str:
        return self._together(self._words.minus, self._plain(number)) if minus else self._plain(number)

    def _plain(self, number: str) -> str:
        """A number as it stands in the text, with its thousands and decimals."""
        whole, decimals = self._parts(number)
        if not decimals:
            value = int(whole)
            spans = _HALVED_YEARS.get(self._language, ())
            years = zip(spans[::2], spans[1::2], strict=True)
            if len(number) == 4 and any(first <= value <= last for first, last in years):
                return _num2words(value, self._language, "year").replace("negentien ", "negentien")
            return self._cardinal(whole)
        if self._language in ("ru", "hu") and len(decimals) <= 3:
            return _num2words(f"{whole}.{decimals}", self._language, "cardinal")
        zeros = len(decimals) - len(decimals.lstrip("0"))
        apart = self._words.digits or zeros == len(decimals)
        rest = decimals if apart else decimals[zeros:]
        fraction = self._figures(rest) if apart else self._cardinal(rest)
        padding = [] if apart else [self._cardinal("0")] * zeros
        return self._together(self._cardinal(whole), self._words.point, *padding, fraction)

    def _parts(self, number: str) -> tuple[str, str]:
        """The figures before and after the decimal sign; "" for no decimals."""
        if not self._words.comma:
            whole, _, decimals = number.replace(",", "").partition(".")
            return whole, decimals
        if regex.fullmatch(r"\d{1,3}(?:[. ٬]\d{3})+(?:[,٫]\d+)?", number):
            number = regex.sub(r"[. ٬]", "", number)
        whole, _, decimals = regex.sub("[,٫]", ".", number).partition(".")
        return whole, decimals

    def _cardinal(self, digits: str) -> str:
        if len(digits) > _MAX_DIGITS or (len(digits) > 1 and digits.startswith("0")):
            return self._figures(digits)
        value = int(digits)
        if self._language == "zh":
            return chinese(value)
        if self._language == "hi":
            return hindi(value)
        made = _num2words(value, self._language, "cardinal").replace(",", "")
        made = TURKISH.sub(r"\1 ", made) if self._language == "tr" else made
        return made.replace(" ", "") if self._unspaced else made

    def _figures(self, digits: str) -> str:
        if self._language == "ja":
            return "".join("〇一二三四五六七八九"[int(digit)] for digit in digits)
        return self._together(*map(self._cardinal, digits))

    def _form(self, number: str, forms: tuple[str, ...]) -> str:
        """The unit as it is counted: 1 dollar, 2 dollars; the three numbers of Slavic languages."""
        whole, decimals = self._parts(number)
        value = int(whole)
        if len(forms) == 1:
            return forms[0]
        if decimals:
            return forms[1]
        if len(forms) == 2:
            one = value < 2 if self._language == "fr" else value == 1
            return forms[0] if one else forms[1]
        teens = 11 <= value % 100 <= 14
        if value == 1 or (self._language == "ru" and value % 10 == 1 and not teens):
            return forms[0]
        few = 2 <= value % 10 <= 4 and not teens and (self._language != "cs" or value < 5)
        return forms[1] if few else forms[2]

    def _together(self, *words: str) -> str:
        return ("" if self._unspaced else " ").join(words)

    def _set_apart(self, found: regex.Match[str], made: str) -> str:
        """`made` with spaces where it would run into letters: B2, 4x4. Endings stay where they are: 80er."""
        if self._unspaced:
            return made
        before = found.string[: found.start()][-1:]
        after = found.string[found.end() :][:1]
        endings = self._language in ("de", "hu", "tr", "ar", "hi")
        first = " " if before.isalpha() and self._language != "ar" else ""
        return first + made + (" " if after.isalpha() and not endings else "")


#: What may stand between an amount and its currency, where no preposition follows it.
_MAGNITUDES = {
    "en": ("thousand", "million", "billion", "trillion"),
    "de": ("Tausend", "Millionen", "Million", "Milliarden", "Milliarde"),
    "nl": ("duizend", "miljoen", "miljard"),
}
#: A number before what it counts.
_BEFORE_NOUNS = {
    "de": ((r"\beins$", "ein"),),
    "es": ((r"\bveintiuno$", "veintiún"), (r"uno$", "un")),
    "it": ((r"^uno$", "un"),),
}


@lru_cache(maxsize=32)
def _reader(language: str) -> _Reader:
    return _Reader(language, NUMBER_WORDS[language])


@lru_cache(maxsize=4096)
def _num2words(number: int | str, language: str, kind: str, **how: object) -> str:
    from num2words import num2words  # type: ignore[import-untyped]

    made: str = num2words(number, lang=language, to=kind, **how)
    return made.strip()


def _korean_count(number: int) -> str:
    """Before what is counted: 한, 두, 세."""
    ordinal = _num2words(number, "ko", "ordinal")
    return "한 " if number == 1 else ordinal.removesuffix("번째")


def _ascii_digits(text: str) -> str:
    """Digits of every script as 0 to 9; those that are younger than Python's tables are left out."""
    return DIGIT.sub(lambda found: str(unicodedata.digit(found.group(), "")), text)
