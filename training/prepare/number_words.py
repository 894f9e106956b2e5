"""How languages read numbers, beyond what num2words knows: signs, currencies, and two languages more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class NumberWords:
    """What is said around a number in one language. Forms: one; one and many; or one, few and many."""

    minus: str
    point: str  # between a number and its decimals
    percent: tuple[str, ...]
    percent_first: bool = False  # it is said before the number
    comma: bool = False  # decimals follow a comma, and points or spaces part the thousands
    digits: bool = False  # decimals are read one by one
    joiner: str = ""  # between euros and cents
    currencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # where they are named
    to: str = ""  # between two years: 1914-1918
    hour: tuple[str, ...] = ()  # between hours and minutes


#: By BCP 47. A language that is missing here keeps its figures.
NUMBER_WORDS: Mapping[str, NumberWords] = MappingProxyType(
    {
        "en": NumberWords(
            *("minus", "point", ("percent",)),
            digits=True,
            joiner="and",
            currencies={
                "€": ("euro", "euros"),
                "$": ("dollar", "dollars"),
                "£": ("pound", "pounds"),
                "¥": ("yen",),
                "₹": ("rupee", "rupees"),
            },
            cents={"€": ("cent", "cents"), "$": ("cent", "cents"), "£": ("penny", "pence")},
            to="to",
        ),
        "de": NumberWords(
            *("minus", "Komma", ("Prozent",)),
            comma=True,
            digits=True,
            currencies={"€": ("Euro",), "$": ("Dollar",), "£": ("Pfund",), "¥": ("Yen",)},
            to="bis",
            hour=("Uhr",),
        ),
        "fr": NumberWords(
            *("moins", "virgule", ("pour cent",)),
            comma=True,
            currencies={
                "€": ("euro", "euros"),
                "$": ("dollar", "dollars"),
                "£": ("livre", "livres"),
                "¥": ("yen", "yens"),
            },
            to="à",
            hour=("heure", "heures"),
        ),
        "es": NumberWords(
            *("menos", "coma", ("por ciento",)),
            comma=True,
            joiner="con",
            currencies={
                "€": ("euro", "euros"),
                "$": ("dólar", "dólares"),
                "£": ("libra", "libras"),
                "¥": ("yen", "yenes"),
            },
            to="a",
        ),
        "it": NumberWords(
            *("meno", "virgola", ("per cento",)),
            comma=True,
            joiner="e",
            currencies={
                "€": ("euro",),
                "$": ("dollaro", "dollari"),
                "£": ("sterlina", "sterline"),
                "¥": ("yen",),
            },
            to="a",
        ),
        "pt": NumberWords(
            *("menos", "vírgula", ("por cento",)),
            comma=True,
            joiner="e",
            currencies={
                "€": ("euro", "euros"),
                "$": ("dólar", "dólares"),
                "£": ("libra", "libras"),
                "¥": ("iene", "ienes"),
            },
            to="a",
        ),
        "pl": NumberWords(
            *("minus", "przecinek", ("procent",)),
            comma=True,
            currencies={
                "€": ("euro",),
                "$": ("dolar", "dolary", "dolarów"),
                "£": ("funt", "funty", "funtów"),
            },
            to="do",
        ),
        "cs": NumberWords(
            *("minus", "celá", ("procento", "procenta", "procent")),
            comma=True,
            currencies={
                "€": ("euro", "eura", "eur"),
                "$": ("dolar", "dolary", "dolarů"),
                "£": ("libra", "libry", "liber"),
            },
            to="až",
        ),
        "ru": NumberWords(
            *("минус", "запятая", ("процент", "процента", "процентов")),
            comma=True,
            currencies={
                "€": ("евро",),
                "$": ("доллар", "доллара", "долларов"),
                "£": ("фунт", "фунта", "фунтов"),
                "₽": ("рубль", "рубля", "рублей"),
            },
        ),
        "nl": NumberWords(
            *("min", "komma", ("procent",)),
            comma=True,
            currencies={"€": ("euro",), "$": ("dollar",), "£": ("pond",), "¥": ("yen",)},
            to="tot",
        ),
        "tr": NumberWords(
            *("eksi", "virgül", ("yüzde",)),
            percent_first=True,
            comma=True,
            currencies={"€": ("avro",), "$": ("dolar",), "£": ("sterlin",), "₺": ("lira",)},
        ),
        "ar": NumberWords(
            *("ناقص", "فاصلة", ("بالمئة",)),
            comma=True,
            currencies={"€": ("يورو",), "$": ("دولار",), "£": ("جنيه",)},
            joiner="و",
        ),
        "hu": NumberWords(
            *("mínusz", "egész", ("százalék",)),
            comma=True,
            currencies={"€": ("euró",), "$": ("dollár",), "£": ("font",)},
        ),
        "ko": NumberWords(
            *("마이너스 ", "점", ("퍼센트",)),
            digits=True,
            currencies={"€": ("유로",), "$": ("달러",), "£": ("파운드",), "₩": ("원",), "¥": ("엔",)},
        ),
        "ja": NumberWords(
            *("マイナス", "点", ("パーセント",)),
            digits=True,
            currencies={"€": ("ユーロ",), "$": ("ドル",), "£": ("ポンド",), "¥": ("円",)},
        ),
        "zh": NumberWords(
            *("负", "点", ("百分之",)),
            percent_first=True,
            digits=True,
            currencies={"€": ("欧元",), "$": ("美元",), "£": ("英镑",), "¥": ("元",)},
            to="到",
        ),
        "hi": NumberWords(
            *("माइनस", "दशमलव", ("प्रतिशत",)),
            digits=True,
            currencies={"€": ("यूरो",), "$": ("डॉलर",), "£": ("पाउंड",), "₹": ("रुपया", "रुपये")},
        ),
    }
)

#: Written without spaces around numbers.
UNSPACED = ("zh", "ja", "ko")

_ZH_DIGITS = "零一二三四五六七八九"
_ZH_PLACES = ("", "十", "百", "千")
_ZH_GROUPS = ("", "万", "亿", "万亿")

_HI_BELOW_100 = (
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस "
    "बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस "
    "तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस "
    "चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास "
    "पचास इक्यावन बावन तिरेपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ "
    "साठ इकसठ बासठ तिरेसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर "
    "सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी "
    "अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी "
    "नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे"
)
_HI_PLACES = ((10**7, "करोड़"), (10**5, "लाख"), (1000, "हज़ार"), (100, "सौ"))

_CS_ORDINALS = (
    "nultý první druhý třetí čtvrtý pátý šestý sedmý osmý devátý desátý jedenáctý dvanáctý třináctý "
    "čtrnáctý patnáctý šestnáctý sedmnáctý osmnáctý devatenáctý dvacátý"
)
CZECH_MONTHS = frozenset(
    {
        *("ledna", "února", "března", "dubna", "května", "června"),
        *("července", "srpna", "září", "října", "listopadu", "prosince"),
    }
)


def chinese(number: int) -> str:
    """A number from 0 below 10 to the 16th as it is read: 10 as 十, 101 as 一百零一."""
    if number == 0:
        return _ZH_DIGITS[0]
    made, gap = "", False
    for group in range(len(_ZH_GROUPS) - 1, -1, -1):
        value = number // 10_000**group % 10_000
        gap = gap or (bool(made) and value < 1000)
        if value:
            made += (_ZH_DIGITS[0] if made and gap else "") + _chinese_group(value) + _ZH_GROUPS[group]
            gap = False
    return made.removeprefix("一") if made.startswith("一十") else made


def _chinese_group(value: int) -> str:
    made, gap = "", False
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if digit:
            made += (_ZH_DIGITS[0] if gap and made else "") + _ZH_DIGITS[digit] + _ZH_PLACES[place]
        gap = not digit
    return made


def hindi(number: int) -> str:
    """A number from 0 on, in crores, lakhs, thousands and hundreds."""
    words = []
    for size, name in _HI_PLACES:
        if number >= size:
            words += [hindi(number // size), name]
            number %= size
    if number or not words:
        words.append(_HI_BELOW_100.split()[number])
    return " ".join(words)


def czech_ordinal(number: int, genitive: bool) -> str:
    """The day of a month, 0 to 31, which num2words lacks: pátý, or pátého in a date."""
    tens, ones = divmod(number, 10)
    below_21 = _CS_ORDINALS.split()
    if number <= 20:
        words = [below_21[number]]
    else:
        words = ["dvacátý" if tens == 2 else "třicátý", *([below_21[ones]] if ones else [])]
    if genitive:
        words = [f"{word[:-1]}ého" if word.endswith("ý") else f"{word}ho" for word in words]
    return " ".join(words)
