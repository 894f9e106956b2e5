"""Which language a text is in: by its script where that decides, else by its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import regex  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

#: Fewer letters than this do not tell languages of one script apart.
MIN_LETTERS = 20
#: Characters looked at; more change nothing and cost time.
_SAMPLE = 4_000
#: How sure the words must make us; below it the default is taken.
_MIN_SHARE = 0.35
#: The default wins unless another language is this many times likelier: Scots is like English.
_DEFAULT_FAVOUR = 3.0

#: Script (as in Unicode) -> the languages written in it, the most spoken first. Kana and Han are
#: told apart in `_script`.
_SCRIPTS: dict[str, tuple[str, ...]] = {
    "Japanese": ("ja",),
    "Han": ("zh",),
    "Hangul": ("ko",),
    "Thai": ("th",),
    "Greek": ("el",),
    "Hebrew": ("he",),
    "Tamil": ("ta",),
    "Telugu": ("te",),
    "Kannada": ("kn",),
    "Malayalam": ("ml",),
    "Gujarati": ("gu",),
    "Gurmukhi": ("pa",),
    "Oriya": ("or",),
    "Sinhala": ("si",),
    "Lao": ("lo",),
    "Khmer": ("km",),
    "Myanmar": ("my",),
    "Georgian": ("ka",),
    "Armenian": ("hy",),
    "Ethiopic": ("am",),
    "Cherokee": ("chr",),
    "Tibetan": ("bo", "dz"),
    "Bengali": ("bn", "as"),
    "Devanagari": ("hi", "mr", "ne", "sa", "gom"),
    "Arabic": ("ar", "fa", "ur", "ps", "ug", "sd"),
    "Cyrillic": ("ru", "uk", "bg", "sr", "be", "mk", "kk", "ky", "mn", "tt", "ba", "tg"),
    "Latin": ("en",),  # and every language that no other entry names
}
_SCRIPT_OF = {code: script for script, codes in _SCRIPTS.items() for code in codes}

#: One letter of each script; the groups are named as in _SCRIPTS.
_LETTER = regex.compile(
    r"(?P<Japanese>[\p{Script=Hiragana}\p{Script=Katakana}])|"
    + "|".join(rf"(?P<{script}>[\p{{L}}&&\p{{Script={script}}}])" for script in _SCRIPTS if script != "Japanese"),
    regex.VERSION1,
)  # fmt: skip

#: Codes that mean the same language, or one that is close enough to be spoken by the other's voice.
_ALIASES: dict[str, tuple[str, ...]] = {
    "zh": ("cmn", "zho"),
    "cmn": ("zh",),
    "no": ("nb", "nn"),
    "nb": ("no",),
    "nn": ("no", "nb"),
    "tl": ("fil",),
    "fil": ("tl",),
    "he": ("iw",),
    "iw": ("he",),
    "gom": ("kok",),
    "id": ("in", "ms"),
    "ms": ("id",),
}
#: Written in more than one script.
_SEVERAL_SCRIPTS = ("sr", "kk", "ky", "mn", "tg", "tt", "pa", "sd", "ug")
#: Which of several variants speaks for a language that is named without one.
_PREFERRED = ("en-us", "en-gb", "pt-br", "es-es", "fr-fr", "zh-cn", "vi")


@dataclass(frozen=True)
class LanguageGuess:
    """The language to speak a text in."""

    code: str  # one of those that could be chosen; the default where none fits
    reason: str  # a phrase for people, to be put in brackets
    detected: str = ""  # BCP 47: what the text seems to be in, speakable or not; "" when not told


def closest(code: str, available: Iterable[str]) -> str | None:
    """The entry of `available` that speaks `code` (BCP 47), or None.

    The code itself comes first, then its primary language ("de-AT" -> "de"), then another name of
    it ("zh" -> "cmn"), then a variant ("en" -> "en-us"). Case and "_" for "-" do not matter.
    """
    return _closest(code, tuple(available))


@lru_cache(maxsize=8192)  # asked for every language there is, for each part of a text
def _closest(code: str, available: tuple[str, ...]) -> str | None:
    codes = {_normal(entry): entry for entry in available}
    wanted = _normal(code)
    primary = wanted.split("-")[0]
    if not primary:
        return None
    for candidate in (wanted, primary, *_ALIASES.get(wanted, ()), *_ALIASES.get(primary, ())):
        if candidate in codes:
            return codes[candidate]
    for base in (primary, *_ALIASES.get(primary, ())):
        variants = sorted(entry for entry in codes if entry.startswith(f"{base}-"))
        preferred = [variant for variant in _PREFERRED if variant in variants]
        if variants:
            return codes[(preferred or variants)[0]]
    return None


def in_its_script(text: str, language: str) -> bool:
    """Whether `text` is in the script that `language` (BCP 47) is written in, mostly; so is a text
    without letters. A romanised transcript is not."""
    _, script = _script(text[:_SAMPLE])
    expected = _script_of(language)
    alike = script == expected or (script, expected) == ("Han", "Japanese")
    return not script or alike or _primary(language) in _SEVERAL_SCRIPTS


def detect(text: str, among: Collection[str], default: str) -> LanguageGuess:
    """The language of `text` among the codes `among`, else `default`, with the reason.

    A script that only one language uses decides at once. For the others py3langid is asked, from
    MIN_LETTERS letters on; shorter texts are taken to be in the default language, or in the most
    spoken one of their script where the default is written in another.
    """
    fallback = closest(default, among) or default
    letters, script = _script(text[:_SAMPLE])
    if not script:
        return LanguageGuess(fallback, "no words to tell it from: the default")
    if script == "Latin":
        candidates = [code for code in among if _script_of(code) == "Latin"]
    else:
        found = (closest(code, among) for code in _SCRIPTS[script])
        candidates = [code for code in found if code is not None]
    name = {"Han": "Chinese characters", "Japanese": "kana"}.get(script, f"{script} script")
    if not candidates:
        detected = _SCRIPTS[script][0] if script != "Latin" else ""
        reason = f"no voice for what is written in {name}: the default"
        return LanguageGuess(fallback, reason, detected)
    native = fallback if _script_of(fallback) == script and fallback in among else candidates[0]
    if script == "Latin" and native != fallback:
        native = closest("en", among) or candidates[0]
    if script == "Han" and letters < MIN_LETTERS and _primary(fallback) == "ja" and fallback in among:
        return LanguageGuess(fallback, "too short to tell from Chinese: the default", "ja")
    if len(_SCRIPTS[script]) == 1 and script != "Latin":
        return LanguageGuess(native, f"written in {name}", _SCRIPTS[script][0])
    if letters < MIN_LETTERS:
        if native == fallback:
            return LanguageGuess(fallback, "too short to tell: the default")
        return LanguageGuess(native, f"written in {name}, too short to tell more", _primary(native))
    return _by_words(text[:_SAMPLE], candidates, native)


def _by_words(text: str, candidates: Collection[str], native: str) -> LanguageGuess:
    """py3langid's choice among `candidates`; `native` is favoured where it is nearly as likely."""
    shares: dict[str, float] = {}
    for label, share in _identifier().rank(text):
        code = closest(label, candidates)
        # An alias lends its voice ("ms" to "id") but a variant of one language counts once.
        if code is not None and (code not in shares or _primary(code) == label):
            shares[code] = max(share, shares.get(code, 0.0))
    total = sum(shares.values())
    if not total:
        return LanguageGuess(native, "its words are not known: the default")
    if _primary(native) in {_primary(code) for code in shares}:
        shares[native] = max(
            share for code, share in shares.items() if _primary(code) == _primary(native)
        )
    best = max(shares, key=lambda code: shares[code])
    if shares[best] < _DEFAULT_FAVOUR * shares.get(native, 0.0):
        best = native
    share = shares[best] / total
    if share < _MIN_SHARE and best != native:
        return LanguageGuess(native, "its words fit several languages: the default")
    return LanguageGuess(best, f"told from its words, {min(share, 0.99):.0%} sure", _primary(best))


def _script(text: str) -> tuple[int, str]:
    """How many letters of the commonest script there are, and which it is ("" without letters)."""
    counts = Counter(match.lastgroup for match in _LETTER.finditer(text) if match.lastgroup)
    # Japanese is mostly Han characters with kana between; Chinese has none.
    if counts["Japanese"] * 20 > counts["Han"]:
        counts["Japanese"] += counts.pop("Han", 0)
    script, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return (count, str(script)) if count else (0, "")


def _script_of(code: str) -> str:
    primary = _primary(code)
    if primary in ("cmn", "yue", "wuu", "hak"):
        return "Han"
    return _SCRIPT_OF.get(primary, "Latin")


def _primary(code: str) -> str:
    return _normal(code).split("-")[0]


def _normal(code: str) -> str:
    return code.strip().lower().replace("_", "-")


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
