"""Makes ipa.json anew, by asking eSpeak NG: python -m engines.espeak.ipa_table (two minutes).

Its phontab names every language's phonemes by their mnemonics (espeak-ng, src/libespeak-ng/phoneme.h
and synthdata.c). Each one is spoken in several places, and eSpeak NG reports the IPA of what it says. Of
several mnemonics for one symbol the one wins that makes it in most places, and then the shortest.
Where a language changes a sound by its place, as Spanish does b between vowels, so does its voice.
"""

from __future__ import annotations

import json
import re
import struct
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

from engines.espeak import spoken, voices
from engines.espeak.client import EspeakProcess
from engines.espeak.ipa import TABLE
from engines.espeak.library import data_folder
from studio.control import Control
from studio.files import write_bytes

_PHONEME = struct.Struct("<4sIHBBBBBB")  # mnemonic, flags, program, code, type, ...
_TABLE_HEAD = struct.Struct("<BBxx32s")  # number of phonemes, included table (from 1), name
_VOWEL, _CONSONANTS = 2, (3, 4, 5, 6, 7, 8)  # liquid, stop, its voiced kin, fricatives, nasal
_STRESS = "ˈˌ"
#: eSpeak NG's marks for what IPA has no letter for.
_ODD = re.compile(r"[0-9#^\"'`./;_\-\[\]A-Z]|^ʰ|^$")

#: Where a phoneme (X) is tried, and at which place of the utterance it stands.
_VOWEL_PLACES = (("m|'X|m", 1), ("m|X|m|'X|m", 1), ("m|'X|m|X|m", 3), ("'X|t", 0))
_PALATAL_PLACES = (("p|X|'a", 1), ("m|'a|b|X|a", 3))
_CONSONANT_PLACES = (("m|'i|X|a|m", 2), ("X|'a|m", 0), ("m|'a|X", 2), ("m|'a|X|i", 2))


def main() -> None:
    process = EspeakProcess()
    tables = _tables()
    made = {}
    for language in voices.languages().values():
        phonemes = tables[_table_of(language, tables)]
        made[language.code] = {
            "vowels": _chosen(process, language.id, phonemes, (_VOWEL,), _VOWEL_PLACES),
            "consonants": _chosen(process, language.id, phonemes, _CONSONANTS, _CONSONANT_PLACES),
        }
        print(language.code, {kind: len(found) for kind, found in made[language.code].items()})
    process.close()
    shared = {kind: _shared(made, kind) for kind in ("vowels", "consonants")}
    own = {
        code: {kind: _own(found, shared[kind]) for kind, found in kinds.items()}
        for code, kinds in made.items()
    }
    lines = ",\n".join(f"  {json.dumps(code)}: {_compact(own[code])}" for code in sorted(own))
    text = f'{{\n "shared": {_compact(shared)},\n "languages": {{\n{lines}\n }}\n}}\n'
    write_bytes(TABLE, text.encode())


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _shared(made: dict[str, dict[str, dict[str, str]]], kind: str) -> dict[str, str]:
    """What most languages have, with the mnemonic that most of them have for it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for kinds in made.values():
        for symbol, mnemonic in kinds[kind].items():
            counts[symbol][mnemonic] += 1
    return {
        symbol: count.most_common(1)[0][0]
        for symbol, count in counts.items()
        if sum(count.values()) > len(made) / 2
    }


def _own(found: dict[str, str], shared: dict[str, str]) -> dict[str, str]:
    """What a language has otherwise; "" for what it lacks."""
    lacking = dict.fromkeys(shared.keys() - found.keys(), "")
    return lacking | {symbol: name for symbol, name in found.items() if shared.get(symbol) != name}


def _tables() -> dict[str, dict[str, int]]:
    """Each phoneme table with what it includes: mnemonic -> type."""
    content = (data_folder() / "phontab").read_bytes()
    offset = 4
    names: list[str] = []
    tables: dict[str, dict[str, int]] = {}
    for _ in range(content[0]):
        count, included, name = _TABLE_HEAD.unpack_from(content, offset)
        offset += _TABLE_HEAD.size
        phonemes = dict(tables[names[included - 1]]) if included else {}
        for _ in range(count):
            mnemonic, _flags, _program, _code, kind, *_ = _PHONEME.unpack_from(content, offset)
            offset += _PHONEME.size
            phonemes[mnemonic.rstrip(b"\0").decode("latin-1")] = kind
        names.append(name.split(b"\0")[0].decode())
        tables[names[-1]] = phonemes
    return tables


def _table_of(language: voices.Language, tables: Iterable[str]) -> str:
    """The phoneme table of a language: the one it names, else that of one of its codes."""
    text = (data_folder() / "lang" / language.id).read_text("utf-8")
    named = re.findall(r"^phonemes\s+(\S+)", text, re.MULTILINE)
    codes = re.findall(r"^language\s+(\S+)", text, re.MULTILINE)
    candidates = (*named, *codes, *(code.split("-")[0] for code in codes))
    return next((name for name in candidates if name in tables), "base1")


def _chosen(
    process: EspeakProcess,
    voice: str,
    phonemes: dict[str, int],
    kinds: tuple[int, ...],
    places: tuple[tuple[str, int], ...],
) -> dict[str, str]:
    """IPA symbol -> the mnemonic that makes it most faithfully."""
    best: dict[str, tuple[int, int, str]] = {}
    for mnemonic, kind in phonemes.items():
        if kind not in kinds or not mnemonic or "|" in mnemonic:
            continue
        tried = _PALATAL_PLACES if mnemonic == ";" else places
        heard = [_heard(process, voice, pattern.replace("X", mnemonic), at) for pattern, at in tried]
        for symbol in set(heard):
            if not _ODD.search(symbol):
                rank = (len(tried) - heard.count(symbol), len(mnemonic), mnemonic)
                best[symbol] = min(best.get(symbol, rank), rank)
    return {symbol: rank[2] for symbol, rank in best.items()}


def _heard(process: EspeakProcess, voice: str, phonemes: str, at: int) -> str:
    """What is said at place `at` of `phonemes`; "" where their number is another one."""
    said = spoken.speak(
        process, spoken.utterance_of(f"[[{phonemes}]]", voice, phonemes=True), Control()
    ).phonemes
    if len(said) != len(phonemes.split("|")):
        return ""
    return unicodedata.normalize("NFD", said[at].symbol).strip(_STRESS)


if __name__ == "__main__":
    main()
