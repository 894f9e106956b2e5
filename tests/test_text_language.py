"""What language detection promises: the script where it decides, the words where they can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.text.language import closest, detect

ESPEAK = (
    "en-us", "en-gb", "de", "fr", "fr-be", "es", "es-419", "pt", "pt-br", "it", "nl", "sv", "nb", "pl", "tr",
    "vi", "cmn", "ja", "ko", "ru", "uk", "bg", "hi", "mr", "ne", "ar", "fa", "ur", "bn", "ta", "el", "he", "ka",
)  # fmt: skip
QWEN = ("zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("你好，世界", "cmn"),
        ("東京へ行きます", "ja"),
        ("カタカナ", "ja"),
        ("안녕하세요", "ko"),
        ("Γεια σου κόσμε", "el"),
        ("שלום עולם", "he"),
        ("বাংলা ভাষা", "bn"),
        ("தமிழ் மொழி", "ta"),
        ("ქართული ენა", "ka"),
    ],
)
def test_a_script_of_one_language_decides_at_once(text: str, code: str) -> None:
    guess = detect(text, ESPEAK, "en-us")
    assert guess.code == code
    assert "written in" in guess.reason


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Guten Morgen, wie geht es Ihnen heute?", "de"),
        ("The quick brown fox jumps over the lazy dog.", "en-us"),
        ("Bonjour tout le monde, comment allez-vous ?", "fr"),
        ("El perro come carne todos los días.", "es"),
        ("Eu não sei o que você quer dizer.", "pt"),
        ("Hei, hvordan går det med deg i dag, min venn?", "nb"),
        ("Xin chào, hôm nay bạn có khỏe không?", "vi"),
        ("Привет, как у тебя сегодня дела, друг мой?", "ru"),
        ("Привіт, як справи сьогодні у вас?", "uk"),
        ("سلام دوست من، امروز حال شما چطور است؟", "fa"),
        ("مرحبا، كيف حالك اليوم يا صديقي العزيز؟", "ar"),
        ("मी आज शाळेत जाणार आहे आणि नंतर घरी येईन.", "mr"),
    ],
)
def test_words_decide_within_a_script(text: str, code: str) -> None:
    guess = detect(text, ESPEAK, "en-us")
    assert guess.code == code
    assert "told from its words" in guess.reason


@pytest.mark.parametrize(
    ("text", "default", "code"),
    [
        ("Hello", "de", "de"),
        ("Привет", "uk", "uk"),  # the default is written in the script
        ("Привет", "en-us", "ru"),
        ("Hello", "ru", "en-us"),
        ("東京大学", "ja", "ja"),
        ("नमस्ते", "en-us", "hi"),
        ("123 😀 !", "fr", "fr"),
        ("", "fr", "fr"),
    ],
)
def test_a_short_text_is_in_the_default_or_the_commonest_of_its_script(
    text: str, default: str, code: str
) -> None:
    assert detect(text, ESPEAK, default).code == code


def test_a_language_without_a_voice_is_named_and_the_default_taken() -> None:
    guess = detect("สวัสดีครับ", QWEN, "en-us")
    assert (guess.code, guess.detected) == ("en", "th")
    assert "no voice" in guess.reason


def test_codes_are_those_of_the_engine() -> None:
    assert detect("你好", QWEN, "en").code == "zh"
    assert detect("Wie geht es Ihnen heute Morgen?", QWEN, "en-us").code == "de"


def test_a_few_foreign_words_change_nothing() -> None:
    assert (
        detect("Gestern haben wir in Berlin 寿司 gegessen und Кино gesehen.", ESPEAK, "en-us").code
        == "de"
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("de_DE", "de"),
        ("EN", "en-us"),
        ("en-gb", "en-gb"),
        ("en-AU", "en-us"),
        ("zh", "cmn"),
        ("zh-Hans", "cmn"),
        ("pt", "pt"),
        ("pt-BR", "pt-br"),
        ("no", "nb"),
        ("xx", None),
        ("", None),
        ("e", None),
    ],
)
def test_closest_finds_the_code_that_speaks_a_language(code: str, expected: str | None) -> None:
    assert closest(code, ESPEAK) == expected


def test_closest_takes_a_variant_where_there_is_nothing_else() -> None:
    assert closest("pt", ["en-us", "pt-br"]) == "pt-br"
    assert closest("en", ["en-029", "en-gb"]) == "en-gb"
    assert closest("cmn", ["zh", "en"]) == "zh"
    assert closest("zh", ["ZH-CN"]) == "ZH-CN"
    assert closest("en", []) is None


@given(st.text(max_size=300))
def test_any_text_gets_one_of_the_codes_and_a_reason(text: str) -> None:
    guess = detect(text, ESPEAK, "en-us")
    assert guess.code in ESPEAK
    assert guess.reason
