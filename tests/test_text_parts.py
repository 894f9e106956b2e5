"""What dividing a text promises: nothing lost, nothing torn, nothing slow."""

from __future__ import annotations

import time
import unicodedata
from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import BadInput
from studio.text.notation import NOTATION
from studio.text.parts import parts
from studio.text.sentences import clean, has_words, paragraphs, sentences, speakable

FAMILY = "👨‍👩‍👧"

#: 100,000 characters take about half a second. What looks at each as often as there are others takes
#: minutes, so a busy machine is told from a bad loop.
QUADRATIC_S = 10.0

#: Text with everything that makes dividing hard.
pieces = st.sampled_from(
    [
        "Dr. Who", "3.14", " ", " ", " ", ". ", "! ", "? ", ", ", "\n", "\n\n", "…", "。", "！", "।", "؟", "。」",
        "你好", "ありがとう", "शर्मा", "မြန်မာ", "e\u0301\u0323", FAMILY, "🇩🇪", "[happy]", "[[h@l'oU. x]]", "[", "]",
        "“", "”", "(", ")", "a" * 30, "x.", "M. ", "1. ", "U.S. ", "\u200d", "\u0301", "--", "z.B. ", "\t", "-",
    ]
)  # fmt: skip
texts = st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=40).map("".join)
languages = st.sampled_from(["en-us", "de", "fr", "cmn", "ja", "hi", "ar", "my", "th", "xx"])


@given(texts, languages)
@settings(max_examples=200, deadline=None)
def test_sentences_joined_are_the_text(text: str, language: str) -> None:
    found = sentences(text, language)
    assert "".join(span.text for span in found) == text
    assert all(text[span.start : span.end] == span.text for span in found)
    assert all(before.end == after.start for before, after in pairwise(found))


@given(texts, languages, st.integers(1, 120))
@settings(max_examples=300, deadline=None)
def test_parts_hold_every_word_in_order_within_the_limit(text: str, language: str, limit: int) -> None:
    made = parts(text, language, limit)
    position = 0
    for part in made:
        assert part.text == text[part.start : part.end] == part.text.strip()
        assert 0 < len(part.text) <= limit
        assert part.start >= position
        assert has_words(part.text) or limit < 20  # a torn [[...]] has none
        position = part.end
    if limit >= 20:  # what lies between parts is not spoken
        gaps = [0, *(edge for part in made for edge in (part.start, part.end)), len(text)]
        for start, end in zip(gaps[::2], gaps[1::2], strict=True):
            assert not has_words(text[start:end])
    assert [part.pause for part in made[-1:]] in ([], ["none"])


@given(texts, languages)
@settings(max_examples=200, deadline=None)
def test_nothing_is_cut_within_a_character_or_a_notation(text: str, language: str) -> None:
    text = clean(text)
    inside = {
        position
        for pattern in (regex.compile(r"\X"), NOTATION)
        for match in pattern.finditer(text)
        for position in range(match.start() + 1, match.end())
    }
    limit = max([30, *(len(match[0]) for match in regex.finditer(r"\X", text))])
    edges = {edge for part in parts(text, language, limit) for edge in (part.start, part.end)}
    edges |= {span.end for span in sentences(text, language)}
    assert not {edge for edge in edges & inside if not text[edge - 1].isspace()}


@given(st.text(max_size=200))
def test_cleaning_is_final_and_leaves_nothing_invisible(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not [char for char in cleaned if unicodedata.category(char) in ("Cc", "Cs") and char != "\n"]
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Hello\tworld \r\nand\rmore\u2028here\u2029there ", "Hello world \nand\nmore\nhere\n\nthere"),
        ("e\u0301", "é"),
        ("a\u202eb\u0000c\ufeffd\u00ade\ud800f", "abcdef"),
        (f"{FAMILY} نمی\u200cخواهم", f"{FAMILY} نمی\u200cخواهم"),
    ],
)
def test_cleaning_keeps_what_is_written(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    "text", ["", "   \n", "😀 🎉", "... !?", "[happy]", "—", FAMILY, "\u0301", "[laughs] …"]
)
def test_nothing_to_speak_is_said_with_a_remedy(text: str) -> None:
    with pytest.raises(BadInput, match="nothing to speak") as caught:
        speakable(text)
    assert caught.value.hint
    assert parts(text, "en") == ()


@pytest.mark.parametrize("text", ["a", "7", "你", "[[h@l'oU]]", "[happy] x", "½", "٣"])
def test_a_letter_or_a_number_is_enough(text: str) -> None:
    speakable(text)
    assert [part.text for part in parts(text, "en")] == [text]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en-us", ["Dr. Smith paid $3.14. ", "Really? ", "Yes!"]),
        ("en", ["I live in the U.S. ", "It is big."]),
        ("en", ["Well... maybe. ", "“Stop! Now.” he said. ", "Go."]),
        ("en", ["1. The first. ", "2. The second is 42. ", "Good."]),
        ("de", ["Das ist z.B. gut. ", "Am 3. Mai kam Dr. Müller. ", "Ende."]),
        ("fr", ["C’est M. Dupont. ", "Oui."]),
        ("zh", ["你好。", "世界！", "真的？"]),
        ("ja", ["行く。", "本当？", "はい！"]),
        ("hi", ["यह है। ", "वह था।"]),
        ("ar", ["كيف؟ ", "نعم. ", "لا"]),
        ("my", ["မင်္ဂလာပါ။", "ကျေးဇူး။"]),
        ("km", ["សួស្តី។ ", "បាទ។"]),
        ("hy", ["Բարեւ։ ", "Այո։"]),
        ("en", ["Oh. ", "[happy] Yes! ", "[sad. low] No, [[h@l'oU. x]] I say."]),
        ("en", ["Hello. [sigh]"]),
        ("en", ["Chapter One\n", "It was night."]),
        ("en", ["This line is long enough to have been wrapped by an editor\nHere it goes on."]),
        ("en", ["One\n\n", "Two. ", "Three"]),
    ],
)
def test_sentences_end_where_people_say_they_do(language: str, expected: list[str]) -> None:
    assert [span.text for span in sentences("".join(expected), language)] == expected


def test_paragraphs_are_divided_at_empty_lines() -> None:
    assert [span.text for span in paragraphs("a\nb\n \n\n  c\n")] == ["a\nb\n \n\n  ", "c\n"]
    assert paragraphs("") == []


def test_sentences_share_a_part_and_paragraphs_do_not() -> None:
    made = parts("One. Two. Three.\n\n* * *\n\nFour. " + "Five is long. " * 3, "en", 30)
    assert [(part.text, part.pause) for part in made] == [
        ("One. Two. Three.", "paragraph"),
        ("Four. Five is long.", "sentence"),
        ("Five is long. Five is long.", "none"),
    ]


def test_an_overlong_sentence_is_divided_after_clauses_then_at_spaces() -> None:
    text = (
        "It costs 1,250,000 and it is 10:30, so go on with it please, my dear old friend of mine today."
    )
    assert [(part.text, part.pause) for part in parts(text, "en", 40)] == [
        ("It costs 1,250,000 and it is 10:30,", "none"),
        ("so go on with it please,", "none"),
        ("my dear old friend of mine today.", "none"),
    ]
    made = parts("word " * 100, "en", 42)
    assert {part.text for part in made[:-1]} == {"word word word word word word word word"}


def test_a_word_of_5000_letters_is_divided_anywhere() -> None:
    made = parts("a" * 5_000, "en", 400)
    assert [len(part.text) for part in made] == [400] * 12 + [200]


def test_characters_of_several_codes_stay_whole() -> None:
    word = "x" + FAMILY + "🇩🇪" + "n\u0303\u0323"
    for limit in (8, 9, 10, 13):
        made = parts(word * 40, "en", limit)
        for part in made:
            assert regex.fullmatch(r"(?:x|👨‍👩‍👧|🇩🇪|ṇ̃|n\u0303\u0323)+", part.text), part.text


def test_pauses_tell_sentences_from_paragraphs() -> None:
    made = parts("A one. B two.\n\nC three.", "en", 7)
    assert [(part.text, part.pause) for part in made] == [
        ("A one.", "sentence"),
        ("B two.", "paragraph"),
        ("C", "none"),
        ("three.", "none"),
    ]


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        parts("a", "en", 0)


@pytest.mark.parametrize(
    "unit",
    [
        "The quick brown fox, said he, jumps. ", "你好，世界。", "“你好。” ", "a", "a, ", "x ", "Hi.\n\n", "Hi.\n", "hi\n",
        "! ", "[a] ", "[a] x, ", "[", "e\u0301", FAMILY, "A. ", "បាទ។", "Hi. [happy] ", '"', "(a. ", "1. ", "\n", "…",
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "zh"])
def test_100_000_characters_do_not_take_time_by_their_square(unit: str, language: str) -> None:
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    parts(clean(text), language)
    assert time.process_time() - started < QUADRATIC_S


def test_100_000_characters_in_one_pair_of_quotes_do_not_either() -> None:
    for left, right in ("“”", "（）", "「」", '""'):
        started = time.process_time()
        parts(left + "你好。" * 33_000 + right, "zh")
        assert time.process_time() - started < QUADRATIC_S
