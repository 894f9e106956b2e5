"""How numbers stand in texts: as ordinals, times, years; and what parts them."""

from __future__ import annotations

import regex  # type: ignore[import-untyped]

DIGIT = regex.compile(r"\p{Nd}")
LEFT = regex.compile(r"[\p{Nd}\p{No}]+")
_TURKISH_WORDS = (
    "sıfır|bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz|on|yirmi|otuz|kırk|elli|altmış|yetmiş|seksen|doksan"
    "|yüz|bin|milyon|milyar|trilyon"
)
#: num2words joins them; a dictionary writes them apart.
TURKISH = regex.compile(rf"({_TURKISH_WORDS})(?={_TURKISH_WORDS})")
#: The word before tells a day from the end of a sentence, and whether it is inflected.
_GERMAN_DAY = (
    r"(?:(?<=\b(?:[Aa]m|[Dd]em|[Dd]en|[Dd]es|[Zz]um|[Vv]om|[Bb]eim|[Ii]m|[Bb]is|[Aa]b)\s)"
    r"|(?P<first>(?<=\b(?:[Dd]er|[Dd]ie|[Dd]as)\s)))"
)
#: What makes a number an ordinal: language -> pattern with its figures and, maybe, its ending.
ORDINALS = {
    "en": regex.compile(r"(?<!\d)(?<n>\d{1,9})(?<end>st|nd|rd|th)\b"),
    "fr": regex.compile(r"(?<!\d)(?<n>\d{1,9})(?<end>ers?|ères?|res?|es?|èmes?|emes?|nde?s?)\b"),
    "es": regex.compile(r"(?<!\d)(?<n>\d{1,9})\.?(?<end>[ºª]|er\b)"),
    "pt": regex.compile(r"(?<!\d)(?<n>\d{1,9})\.?(?<end>[ºª])"),
    "it": regex.compile(r"(?<!\d)(?<n>\d{1,9})(?<end>[ºª])"),
    "nl": regex.compile(r"(?<!\d)(?<n>\d{1,9})(?<end>e|de|ste)\b"),
    "ru": regex.compile(r"(?<!\d)(?<n>\d{1,9})-(?<end>[оы]?й|ая|я|ое|е|ого|го|ому|му|ом|м|ых|х)\b"),
    "de": regex.compile(_GERMAN_DAY + r"(?<n>\d{1,2})\.(?<end>)(?=\s)"),
    "cs": regex.compile(r"(?<n>3[01]|[12]?\d)\.(?=\s(?<end>\p{Ll}+))"),
    "tr": regex.compile(r"(?<!\d)(?<n>\d{1,9})(?:\.(?=\s\p{Ll})|['’]?(?<end>[iıuü]nc[iıuü]))"),
    "hu": regex.compile(r"(?<!\d)(?<n>\d{1,9})\.(?<end>)(?=\s\p{Ll})"),
    "ko": regex.compile(r"(?<!\d)(?<n>[1-9]\d?)\s?(?<end>번째)"),
}
CLOCK = regex.compile(
    r"(?<![\d:.,])(?<h>[01]?\d|2[0-4])(?::|(?<=\d)\s?h\s?(?=\d\d\b))(?<m>[0-5]\d)(?![\d:])(?:\s?Uhr\b)?"
)
YEARS = regex.compile(
    r"(?<![\d.,-])(?<first>1[1-9]\d\d|20\d\d)\s?-\s?(?<last>1[1-9]\d\d|20\d\d)(?![\d-])"
)
DECADE = regex.compile(r"(?:(?<!\w)['’])?(?<!\d)(?<n>(?:1[1-9]|20)?\d0)s\b")
ZH_YEAR = regex.compile(r"(?<!\d)(?<n>\d{4})(?=年)")
#: Counted with Korea's own numerals, as far as that is certain.
KO_COUNTED = regex.compile(
    r"(?<![\d.,])(?<n>1\d|[1-9])\s?(?=개(?!월)|명|시(?!민)|살|마리|잔|권|사람|가지)"
)
#: Between figures these are not spoken: 12/05, 555-1234, 1.2.3.
JOINED = regex.compile(r"(?<=\d)[/:-](?=\d)|(?<=\d\.\d+)\.(?=\d)")
