"""What is given as IPA is what eSpeak NG says, by its own report."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from engines.espeak import ipa, spoken, voices
from engines.espeak.client import EspeakProcess
from studio.control import Control
from studio.errors import BadInput, NotFound


@pytest.fixture(scope="module")
def process() -> Iterator[EspeakProcess]:
    running = EspeakProcess()
    yield running
    running.close()


def said(process: EspeakProcess, text: str, language: str) -> str:
    """What eSpeak NG reports while it speaks, in the table's spelling."""
    voice = voices.language_for(language).id
    heard = spoken.speak(process, spoken.utterance_of(text, voice, phonemes=True), Control())
    return ipa.normal("".join(phoneme.symbol for phoneme in heard.phonemes))


def plain(text: str) -> str:
    """Without stress, whose place a syllable's beginning or its vowel may be."""
    return ipa.normal(text).replace("ˈ", "").replace("ˌ", "")


#: Places to speak a symbol in, not all of those that the table was made with.
NOTATIONS = {
    "vowels": ("p|'X|p", "p|X|p|'X|p", "p|'X|p|X|p"),
    "consonants": ("p|'a|X|a", "X|'a|p", "p|'a|X", "p|X|'a"),
}
WORDS = [
    ("en-us", "nʊˈkuːləs"),
    ("en-us", "ˈhɛloʊ"),
    ("en-us", "tʃɪˈkæɡoʊ"),
    ("en-us", "t͡ʃɪ.ˈkæ.ɡoʊ"),
    ("en-us", "ʒɑːˈnɪn"),
    ("en-us", "ɡɹɛɪm"),
    ("en-gb", "ˈlɛstə"),
    ("en-gb", "ɡɹəʊv"),
    ("de", "ˈʃtʊtɡaʁt"),
    ("de", "kœln"),
    ("de", "ˈmyːnçən"),
    ("fr-fr", "paˈʁi"),
    ("fr-fr", "bɔ̃ˈʒuʁ"),
    ("es", "xaˈlapa"),
    ("it", "ˈɲɔkko"),
    ("pl", "vrɔtswaf"),
    ("ru", "maskˈva"),
    ("ru", "zˈɑmək"),
]


@pytest.mark.parametrize(("language", "given"), WORDS)
def test_espeak_says_the_ipa_that_is_given(process: EspeakProcess, language: str, given: str) -> None:
    try:
        notation = ipa.to_notation(given, language)
    except BadInput as error:
        pytest.fail(str(error))
    assert plain(said(process, notation, language)) == plain(given)


def test_stress_goes_where_it_is_given(process: EspeakProcess) -> None:
    assert said(process, ipa.to_notation("ˈkɑːntɛnt", "en-us"), "en-us") == "kˈɑːntɛnt"
    assert said(process, ipa.to_notation("kɑːnˈtɛnt", "en-us"), "en-us") == "kɑːntˈɛnt"


@pytest.mark.parametrize(
    "language", ["en-us", "en-gb", "de", "fr-fr", "es", "it", "pl", "ru", "sv", "tr"]
)
def test_every_symbol_of_a_language_s_table_is_what_is_said(
    process: EspeakProcess, language: str
) -> None:
    sounds = ipa.sounds_of(voices.language_for(language).code)
    wrong = []
    for kind, found in (("vowels", sounds.vowels), ("consonants", sounds.consonants)):
        for symbol, mnemonic in found.items():
            for pattern in NOTATIONS[kind]:
                heard = said(process, f"[[{pattern.replace('X', mnemonic)}]]", language)
                if symbol in heard:
                    break
            else:
                wrong.append(symbol)
    assert wrong == []


def test_every_language_has_a_table_with_vowels_and_consonants() -> None:
    table = json.loads(ipa.TABLE.read_text("utf-8"))["languages"]
    assert set(table) == {language.code for language in voices.languages().values()}
    for code in table:
        sounds = ipa.sounds_of(code)
        assert len(sounds.vowels) >= 5, code
        assert len(sounds.consonants) >= 15, code


@pytest.mark.parametrize(
    ("given", "language", "named"),
    [
        ("ǃkaː", "en-us", "ǃ"),
        ("θɒt", "ru", "ɒ"),
        ("bɔ̃", "es", "ɔ̃"),
        ("ryː", "ru", "yː"),
        ("hello7", "en-us", "7"),
        ("]]x[[", "en-us", "]"),
        ("ˈ", "en-us", "no sound"),
        ("", "en-us", "no sound"),
    ],
)
def test_a_symbol_without_a_sound_is_named(given: str, language: str, named: str) -> None:
    with pytest.raises(BadInput) as caught:
        ipa.to_notation(given, language)
    assert named in caught.value.message
    assert caught.value.hint


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(NotFound):
        ipa.to_notation("a", "xx")
