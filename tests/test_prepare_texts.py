"""What the text of a segment promises: one line of what is spoken, with its numbers in words."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.dataset.targets import TARGETS
from studio.dataset.values import Segment
from training.prepare.given_check import Spoken, divided, given_error
from training.prepare.number_words import NUMBER_WORDS
from training.prepare.numbers import spelled
from training.prepare.text_measures import with_pace, word_count
from training.prepare.texts import language_for, normalised

XTTS, QWEN = TARGETS["xtts"], TARGETS["qwen"]


def segment(number: int, text: str, seconds: float = 4.0, **more: object) -> Segment:
    each = Segment(f"a-{number:04}", "a", 0.0, seconds, "Ann", text=text, language="en")
    return replace(each, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Hello\u00a0 “world” — it’s\n\nfine…  Really!! ", 'Hello "world" - it\'s fine... Really!'),
        ("=SUM(A)|x", "SUM(A) x"),
        ("- Hello, you", "Hello, you"),
        ("@home, + more", "home, + more"),
        ("<i>Hi</i> {\\an8}there", "Hi there"),
        ("😀 Hi 👍🏽 ★ you ™", "Hi you"),
        ("cafe\u0301 \u202eabc\u202c\x00", "café abc"),
        ("a|b\\c~d", "a b c d"),
        ("« Bonjour ! » dit-il", '"Bonjour!" dit-il'),
        ("He said (as I do) so", "He said (as I do) so"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
    ],
)
def test_a_text_is_one_line_of_what_is_spoken(text: str, expected: str) -> None:
    assert normalised(text, "en", QWEN) == (expected, "")
    assert normalised(expected, "en", QWEN) == (expected, "")


def test_noises_are_left_out_and_named() -> None:
    text, note = normalised("[laughs] Well (music), ♪ la la ♪ *coughs* hello", "en", XTTS)
    assert text == "Well, hello"
    assert "[laughs]" in note
    assert "Left out as not spoken" in note


@pytest.mark.parametrize("text", ["", "...", "[Music]", "|||", "\n\t", "😀", "=+-@"])
def test_what_has_no_word_has_no_text_and_the_reason(text: str) -> None:
    made, note = normalised(text, "en", XTTS)
    assert made == ""
    assert "no word" in note


pieces = st.sampled_from(
    [
        *("|", "\n", "=", "+", "-", "@", "'", '"', "“", "«", "»", "[", "]", "<", ">", "<b>", "*", "♪", "…", "—"),
        *("12", "3.5", "1,000", "€", "$", "%", "10:30", "1st", "½", "٣", "२", "5", " ", "  ", "a", "Zoë", "你好"),
    ]
)  # fmt: skip


@given(
    st.lists(st.one_of(pieces, st.text(max_size=6)), max_size=30).map("".join),
    st.sampled_from([*NUMBER_WORDS, "fi", ""]),
    st.sampled_from([XTTS, QWEN]),
)
@settings(max_examples=200, deadline=None)
def test_whatever_comes_the_result_fits_a_cell(text, language, target) -> None:
    made, note = normalised(text, language, target)
    assert not set("|\n\r\t\0") & set(made)
    assert made == made.strip()
    assert "  " not in made
    assert not made.startswith(("=", "+", "@"))
    assert unicodedata.is_normalized("NFC", made)
    assert made or note


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "50 soldiers, 12.5 seconds", "fifty soldiers, twelve point five seconds"),
        ("en", "the 1st of May 1945 at 10:05", "the first of May nineteen forty-five at ten oh five"),
        ("en", "$20.15, £1, $1.5 million", "twenty dollars and fifteen cents, one pound, one point five million dollars"),
        ("en", "the 1980s, 1914-1918, 14%", "the nineteen eighties, nineteen fourteen to nineteen eighteen, fourteen percent"),
        ("en", "-5, B2 and 007", "minus five, B two and zero zero seven"),
        ("de", "am 3. Oktober um 10:30 Uhr", "am dritten Oktober um zehn Uhr dreißig"),
        ("de", "Er wurde 45. Das macht 20,15€.", "Er wurde fünfundvierzig. Das macht zwanzig Euro fünfzehn."),
        ("fr", "le 1er mai à 10h30, 80 %", "le premier mai à dix heures trente, quatre-vingts pour cent"),
        ("es", "21€ y la 1ª, 12,5", "veintiún euros y la primera, doce coma cinco"),
        ("it", "20,15€, 3ª", "venti euro e quindici, terza"),
        ("pt", "12,5 e 21ª", "doze vírgula cinco e vigésima primeira"),
        ("pl", "$1, $2, $5, $22", "jeden dolar, dwa dolary, pięć dolarów, dwadzieścia dwa dolary"),
        ("cs", "3. října, 14%", "třetího října, čtrnáct procent"),
        ("ru", "3-я, $21, 12,5", "третья, двадцать один доллар, двенадцать целых пять десятых"),
        ("nl", "in 1945 de 3e", "in negentienhonderd vijfenveertig de derde"),
        ("tr", "%14, 1945", "yüzde on dört, bin dokuz yüz kırk beş"),
        ("ar", "١٢٣", "مائة و ثلاثة و عشرون"),
        ("hu", "12,5 és 14%", "tizenkettő egész öt tized és tizennégy százalék"),
        ("ko", "50명, 3시, 14%", "오십명, 세 시, 십사퍼센트"),
        ("ja", "1945年に50人", "千九百四十五年に五十人"),
        ("zh-cn", "1945年，14%，20005", "一九四五年，百分之十四，二万零五"),
        ("hi", "२०२४ में 14%", "दो हज़ार चौबीस में चौदह प्रतिशत"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_read_them(language: str, text: str, expected: str) -> None:
    assert spelled(text, language).text == expected
    assert normalised(text, language, XTTS) == (expected, "")
    assert normalised(expected, language, XTTS) == (expected, "")
    assert spelled(text, language).left == ()


def test_every_language_of_xtts_spells_numbers_and_qwen_keeps_its_figures() -> None:
    for language in XTTS.max_characters:
        for text in ("0", "7 8", "1999", "2,5", "1.234.567", "123456789012345678901", "3%", "$4"):
            assert spelled(text, language).left == (), (language, text)
    assert normalised("50 % of 1945", "en", QWEN) == ("50 % of 1945", "")


def test_what_cannot_be_put_in_words_is_named() -> None:
    assert normalised("½ cup", "en", XTTS) == ("½ cup", "Not put in words: ½.")
    assert normalised("50 sotilasta", "fi", XTTS)[1] == "Not put in words: 50."


def test_codes_of_languages_are_those_of_the_target() -> None:
    assert [language_for(code, XTTS) for code in ("zh", "cmn", "en-gb", "pt-br", "fi", "")] == [
        *("zh-cn", "zh-cn", "en", "pt", "fi", "")
    ]
    assert language_for("zh-cn", QWEN) == "zh"


def test_a_given_text_is_compared_by_what_is_heard() -> None:
    assert (
        given_error(
            "In 1945, “Dr.” Zoë paid $5!", "in nineteen forty-five dr zoe paid five dollars", "en"
        )
        == 0
    )
    assert given_error("hello world", "", "en") == 1
    assert given_error("hello there", "hallo there", "en") == pytest.approx(0.1)
    assert given_error("你好。世界", "你好世界", "zh-cn") == 0
    assert given_error("one", "one " * 50, "en") == 1  # never more than all of it


TALE = (
    "It was late in the autumn. The river had risen over its banks, and nobody crossed it any more. "
    "In 1945 a ferryman named Jonah lived there with two goats. He spoke seldom; he listened a great deal."
)  # fmt: skip
HEARD = (
    "it was late in the autumn",
    "the driver had risen over its banks and nobody crosses it any more",
    "in nineteen forty five a fairy man named jonah lived there with two goats",
    "he spoke seldom he listened a great deal",
)  # fmt: skip
PARTS = (
    "It was late in the autumn.",
    "The river had risen over its banks, and nobody crossed it any more.",
    "In 1945 a ferryman named Jonah lived there with two goats.",
    "He spoke seldom; he listened a great deal.",
)


def at(*texts: str, pause: float = 0.5) -> list[Spoken]:
    """Texts one after the other, 15 characters a second."""
    found, start = [], 0.0
    for text in texts:
        found.append(Spoken(text, start, start + len(text) / 15))
        start += len(text) / 15 + pause
    return found


def test_the_text_of_a_whole_recording_is_divided_among_its_segments() -> None:
    assert divided(TALE, at(*HEARD), "en") == list(PARTS)


def test_a_segment_that_was_left_out_takes_its_words_along() -> None:
    spoken = at(*HEARD)
    assert divided(TALE, [spoken[0], spoken[1], spoken[3]], "en") == [PARTS[0], PARTS[1], PARTS[3]]


def test_words_that_were_not_heard_go_to_the_segment_they_fit() -> None:
    heard = (HEARD[0], "the driver had risen over its banks and nobody crosses", HEARD[2], HEARD[3])
    spoken = [replace(each, heard=text) for each, text in zip(at(*HEARD), heard, strict=True)]
    assert divided(TALE, spoken, "en") == list(PARTS)


def test_a_passage_that_nobody_read_goes_nowhere() -> None:
    licence = "This recording may be copied by anyone for any purpose whatsoever without asking. "
    skipped = f"{licence}{PARTS[0]} {licence * 3}{' '.join(PARTS[1:])}"
    found = divided(skipped, at(*HEARD), "en")
    assert found[0] == PARTS[0]
    assert found[2:] == list(PARTS[2:])
    assert found[1].endswith(PARTS[1])
    assert len(found[1]) < len(PARTS[1]) + 25


def test_chinese_is_divided_without_spaces() -> None:
    parts = ["今天天气很好。", "我们去公园走走，好吗？"]
    spoken = [Spoken("今天天汽很好", 0, 2), Spoken("我们去公园走走好吗", 2.4, 5)]
    assert divided("".join(parts), spoken, "zh-cn") == parts


def test_texts_that_do_not_belong_together_are_told_by_their_error() -> None:
    other = "Completely unrelated matter about quarterly budgets and photosynthesis."
    found = divided(other, at(*HEARD), "en")
    for text, heard in zip(found, HEARD, strict=True):
        assert not text or given_error(text, heard, "en") > 0.4


def test_an_hour_of_text_is_divided_in_seconds() -> None:
    words = [f"{chr(97 + n % 26)}{n * 7919 % 997}ing" for n in range(9_000)]
    text = " ".join(words)
    heard = [" ".join(words[n : n + 15]) for n in range(0, len(words), 15)]
    began = time.monotonic()
    found = divided(text, at(*heard), "fi")  # figures stay, so the words are all different
    assert time.monotonic() - began < 10
    assert found == heard


def test_pace_is_measured_and_odd_ones_stand_out() -> None:
    texts = [f"This is sentence number {n} of the usual length" for n in "abcdefghij"]
    usual = [segment(n, text, 3.0 + 0.1 * (n % 3)) for n, text in enumerate(texts)]
    found = with_pace([*usual, segment(90, texts[0], 12.0), segment(91, "", 3.0)])
    assert found[0].words_per_s == pytest.approx(9 / 3.0, abs=0.01)
    assert all(abs(each.pace_deviation or 0) < 3 for each in found[:10])
    assert (found[10].pace_deviation or 0) < -4
    assert (found[11].words_per_s, found[11].pace_deviation) == (None, None)


def test_pace_is_that_of_the_speech_in_its_own_language() -> None:
    english = [segment(n, "twelve words that take their time", 4.0) for n in range(8)]
    german = [segment(20 + n, "kurz", 4.0, language="de") for n in range(8)]
    few = [segment(40, "oui", 4.0, language="fr")]
    pausing = [segment(50, "twelve words that take their time", 8.0, speech_share=0.5)]
    found = with_pace([*english, *german, *few, *pausing])
    assert {each.pace_deviation for each in found[:16]} == {0.0}
    assert found[16].pace_deviation is None  # too few to tell what is usual
    assert found[17].pace_deviation == 0.0
    assert with_pace([]) == []


def test_words_are_counted_in_every_script() -> None:
    assert word_count("Well - it's two-fold, isn't it?") == 5
    assert word_count("今天天气很好。") == pytest.approx(4)
    assert word_count("안녕하세요 여러분") == 2
    assert word_count("...") == 0
