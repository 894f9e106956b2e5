"""Which voices eSpeak NG has, read from its data folder without starting it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from engines.base import Speaker
from engines.espeak.library import data_folder
from studio.errors import unknown


@dataclass(frozen=True)
class Language:
    """One of eSpeak NG's language files, such as "gmw/en-US"."""

    id: str  # what eSpeak NG calls the file
    code: str  # BCP 47, lower case
    name: str  # in English
    aliases: tuple[
        tuple[str, int], ...
    ]  # the codes it answers to, and how badly it fits (lower: better)


@dataclass(frozen=True)
class Variant:
    """A way of speaking that goes with every language."""

    id: str
    label: str
    gender: str
    description: str
    clear: bool  # among the clearest by the words a recogniser understood


#: The variants that stay clear, the clearest first. The others of eSpeak NG's hundred were hoarse,
#: echoing or hard to understand when measured, and are not offered.
VARIANTS: Mapping[str, Variant] = {
    variant.id: variant
    for variant in (
        Variant("f2", "Fiona", "female", "A clear woman's voice.", True),
        Variant("f5", "Flora", "female", "A clear, lighter woman's voice.", True),
        Variant("Diogo", "Diogo", "male", "A clear, soft man's voice.", True),
        Variant("m5", "Martin", "male", "A clear man's voice.", True),
        Variant("m1", "Miles", "male", "A clear, deeper man's voice.", True),
        Variant("", "Plain", "male", "eSpeak NG's own voice.", False),
        Variant("f1", "Faye", "female", "A fuller woman's voice.", False),
        Variant("f3", "Freya", "female", "A livelier woman's voice.", False),
        Variant("anika", "Anika", "female", "A high, young woman's voice.", False),
    )
}

#: Languages whose own code is not the file's name.
_CODES = {"en": "en-gb"}
#: Codes that people give where eSpeak NG's own order would answer otherwise or not at all.
_ALIASES = {
    "en": "gmw/en-US",
    "zh": "sit/cmn",
    "zh-cn": "sit/cmn",
    "zh-tw": "sit/cmn",
    "zh-hk": "sit/yue",
    "no": "gmq/nb",
    "pt": "roa/pt",
}
_DEFAULT_LANGUAGE = "gmw/en-US"


@functools.cache
def languages() -> Mapping[str, Language]:
    """All usable languages by their id, sorted by name. Raises EngineFailed without the data."""
    folder = data_folder() / "lang"
    found = []
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        fields = re.findall(r"^(\w+)\s+(.*?)\s*(?://.*)?$", path.read_text("utf-8"), re.MULTILINE)
        dictionary = next((value for key, value in fields if key == "dictionary"), "")
        dictionary = dictionary or path.name.split("-")[0]
        # Some language files come without their dictionary and cannot speak.
        if not (data_folder() / f"{dictionary}_dict").is_file():
            continue
        name = next((value for key, value in fields if key == "name"), path.name)
        code = _CODES.get(path.name.lower(), path.name.lower())
        aliases = [(code, 0)]
        for value in (value for key, value in fields if key == "language"):
            alias, _, priority = value.partition(" ")
            aliases.append((alias.lower(), int(priority or 5)))
        found.append(Language(path.relative_to(folder).as_posix(), code, name, tuple(aliases)))
    return {language.id: language for language in sorted(found, key=lambda language: language.name)}


def language_names() -> Mapping[str, str]:
    """BCP 47 code -> name in English, for EngineInfo."""
    return {language.code: language.name for language in languages().values()}


def language_for(code: str) -> Language:
    """The language file that speaks `code`, else the one for its first part ("de-at" -> "de").

    Raises NotFound naming the nearest codes.
    """
    wanted = code.lower().replace("_", "-")
    while wanted:
        if wanted in _by_code():
            return languages()[_by_code()[wanted]]
        wanted = wanted.rpartition("-")[0]
    raise unknown("language of eSpeak NG", code, language_names())


def resolve(speaker: str) -> tuple[Language, Variant]:
    """The language and variant of a speaker's id: "gmw/en-US+f2", or shorter "en-us+f2", "de".

    Raises NotFound naming the nearest ids.
    """
    base, _, variant_id = speaker.partition("+")
    by_id = {language_id.lower(): language_id for language_id in languages()}
    language_id = by_id.get(base.lower()) or _by_code().get(base.lower())
    variant = {key.lower(): value for key, value in VARIANTS.items()}.get(variant_id.lower())
    if language_id is None or variant is None:
        valid = [
            _id(language, variant) for language in languages().values() for variant in VARIANTS.values()
        ]
        raise unknown("voice of eSpeak NG", speaker, valid)
    return languages()[language_id], variant


def identifier(language: Language, variant: Variant) -> str:
    """What eSpeak NG knows the voice by; also the speaker's id."""
    return _id(language, variant)


@functools.cache
def speakers() -> tuple[Speaker, ...]:
    """The voices to choose from: first those of American English, the clearest first, then each
    language's own and a female one. Every language also takes the other variants by id."""
    default = languages()[_DEFAULT_LANGUAGE]
    listed = [_speaker(default, variant) for variant in VARIANTS.values()]
    for language in languages().values():
        if language.id != default.id:
            listed += [_speaker(language, VARIANTS[""]), _speaker(language, VARIANTS["f2"])]
    return tuple(listed)


def _speaker(language: Language, variant: Variant) -> Speaker:
    return Speaker(
        id=_id(language, variant),
        label=f"{variant.label}, {language.name}",
        language=language.code,
        gender=variant.gender,
        description=variant.description,
        recommended=variant.clear and language.id == _DEFAULT_LANGUAGE,
    )


def _id(language: Language, variant: Variant) -> str:
    return f"{language.id}+{variant.id}" if variant.id else language.id


@functools.cache
def _by_code() -> Mapping[str, str]:
    best: dict[str, tuple[int, str]] = {}
    for language in languages().values():
        for alias, priority in language.aliases:
            best[alias] = min(best.get(alias, (99, "")), (priority, language.id))
    return {code: language_id for code, (_, language_id) in best.items()} | _ALIASES
