"""Promises of a lexicon's use: whole words, the right places, and nothing else changed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import BadInput
from studio.text.notation import NOTATION
from studio.text.pronunciation import Entry, Spoken, apply, counts_for, find, fold, put


def ipa(text: str) -> str:
    """A notation of the tests' own; it has no sound for a question mark."""
    if "?" in text:
        raise BadInput("No sound for ?.")
    return f"[[{text}]]"


def say(text: str, *entries: Entry, language: str = "en-us") -> str:
    return apply(text, language, entries, ipa).text


def entry(word: str, respelling: str = "", **more: object) -> Entry:
    return Entry(word, respelling=respelling, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", "KAT"),
        ("Cat, CAT and (cat)!", "KAT, KAT and (KAT)!"),
        ("category concat cats cat_1 cat2", "category concat cats cat_1 cat2"),
        ("the cat's tail, the cat’s paw", "the KAT's tail, the KAT’s paw"),
        ("the cats' cat'", "the cats' KAT'"),
        ("cat'll o'cat", "cat'll o'cat"),
        ("black-cat cat-like cat/dog", "black-KAT KAT-like KAT/dog"),
        ("cat.cat cat: cat…", "KAT.KAT KAT: KAT…"),
        ("cat\u0301 cat\u200dx", "cat\u0301 cat\u200dx"),
        ("[cat] [[cat]] cat", "[cat] [[cat]] KAT"),
    ],
)
def test_whole_words_are_replaced(text: str, expected: str) -> None:
    assert say(text, entry("cat", "KAT")) == expected


def test_the_longest_match_wins() -> None:
    entries = (
        entry("New", "1"),
        entry("New York", "2"),
        entry("York Times", "3"),
        entry("new york times", "4"),
    )
    assert say("New York Times, New York, New Times, York Times", *entries) == "4, 2, 1 Times, 3"
    assert say("New\nYork", *entries) == "2", "a wrapped line is one phrase"
    assert say("New\n\nYork", *entries) == "1\n\nYork", "two paragraphs are not"


def test_case_counts_where_it_is_said_to() -> None:
    entries = (
        entry("US", "you ess", case_sensitive=True),
        entry("polish", "x"),
        entry("Polish", "y", case_sensitive=True),
    )
    assert say("US us", *entries) == "you ess us"
    assert say("polish Polish POLISH", *entries) == "x y x"


def test_numbers_are_whole_too() -> None:
    assert say("7 17 7.5 1,7 7. 7, 7%", entry("7", "seven")) == "seven 17 7.5 1,7 seven. seven, seven%"


def test_words_with_signs_at_their_ends() -> None:
    entries = (
        entry("C++", "see plus plus"),
        entry("C", "see"),
        entry("Dr.", "Doctor"),
        entry(".NET", "dot net"),
    )
    assert (
        say("C++ and C. Dr. No, Dr.X .NET", *entries)
        == "see plus plus and see. Doctor No, DoctorX dot net"
    )


def test_scripts_without_spaces_need_no_borders() -> None:
    assert say("我在重庆长大", entry("重庆", "崇庆"), language="cmn") == "我在崇庆长大"
    assert say("東京タワー", entry("タワー", "たわあ"), language="ja") == "東京たわあ"


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("l'homme", "fr-fr", "l'OM"),
        ("l’homme", "fr", "l’OM"),
        ("o'homme", "en", "o'homme"),
        ("homme'da", "tr", "OM'da"),
        ("homme'da", "fr", "homme'da"),
    ],
)
def test_apostrophes_follow_the_language(text: str, language: str, expected: str) -> None:
    assert say(text, entry("homme", "OM"), language=language) == expected


@pytest.mark.parametrize(
    ("wanted", "spoken", "counts"),
    [
        ("", "xx", True),
        ("de", "de", True),
        ("de", "de-at", True),
        ("de-at", "de", True),
        ("en-gb", "en-us", False),
        ("en-us", "EN-US", True),
        ("zh", "cmn", True),
        ("de", "en-us", False),
    ],
)
def test_an_entry_counts_for_its_language(wanted: str, spoken: str, counts: bool) -> None:
    assert counts_for(wanted, spoken) is counts


def test_the_nearer_language_wins() -> None:
    entries = (
        entry("tag", "all"),
        entry("tag", "german", language="de"),
        entry("tag", "austrian", language="de-at"),
    )
    assert [say("Tag", *entries, language=code) for code in ("fr", "de-ch", "de-at")] == [
        "all",
        "german",
        "austrian",
    ]


def test_ipa_goes_to_engines_that_take_it_and_else_the_respelling() -> None:
    both = entry("gif", "jiff", ipa="dʒɪf")
    assert apply("a gif", "en", [both], ipa).text == "a [[dʒɪf]]"
    assert apply("a gif", "en", [both], None).text == "a jiff"


def test_a_word_that_cannot_be_said_stays_with_one_notice() -> None:
    spoken = apply("gif, gif", "en", [entry("gif", ipa="dʒɪf")], None)
    assert (spoken.text, spoken.replacements) == ("gif, gif", ())
    assert len(spoken.notices) == 1
    assert "no phonemes" in spoken.notices[0]
    odd = apply("gif", "en", [entry("gif", ipa="?")], ipa)
    assert "No sound for ?" in odd.notices[0]
    assert apply("gif", "en", [entry("gif", "jiff", ipa="?")], ipa).text == "jiff"


@pytest.mark.parametrize(
    ("sounds", "possessive"),
    [("wɪn", "wɪnz"), ("dʒɪf", "dʒɪfs"), ("ɹoʊz", "ɹoʊzɪz"), ("bɑː", "bɑːz"), ("t͡ʃ", "t͡ʃɪz")],
)
def test_an_english_possessive_sounds_as_it_should(sounds: str, possessive: str) -> None:
    spoken = apply("It is X's.", "en", [entry("X", ipa=sounds)], ipa)
    assert spoken.text == f"It is [[{possessive}]]."
    assert spoken.replacements[0].original == "X's"


WORDS = ("cat", "New York", "ß", "É", "İ", "l'homme", "重庆", "7", "C++", "ȧ̈")
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from((*WORDS, "'s", " ", "\n", ".", "x", "[tag]", "[[k'at]]")), max_size=12).map(
        "".join
    ),
)
ENTRIES = st.lists(
    st.builds(
        Entry, st.one_of(st.sampled_from(WORDS), st.text(min_size=1, max_size=8)), st.sampled_from(("", "en", "fr", "en-gb")),
        st.text("abc ", max_size=5), st.sampled_from(("", "a", "ʃ", "?")), st.booleans(),
    ),
    max_size=6,
)  # fmt: skip


def restored(spoken: Spoken) -> str:
    """The text before, from the text after and the record of what was done."""
    text = spoken.text
    for each in reversed(spoken.replacements):
        text = text[: each.spoken_start] + each.original + text[each.spoken_end :]
    return text


@given(TEXTS, ENTRIES, st.sampled_from(("en-us", "fr-fr", "cmn")), st.booleans())
def test_positions_are_right_and_nothing_else_changes(
    text: str, entries: list[Entry], language: str, takes_ipa: bool
) -> None:
    spoken = apply(text, language, entries, ipa if takes_ipa else None)
    assert restored(spoken) == text
    last = 0
    keys = {fold(each.word) for each in entries}
    for each in spoken.replacements:
        assert text[each.start : each.end] == each.original
        assert spoken.text[each.spoken_start : each.spoken_end] == each.spoken
        assert last <= each.start < each.end
        last = each.end
        assert fold(each.original) in keys or fold(each.original.rstrip("sS")).rstrip("'") in keys
    for match in NOTATION.finditer(text):
        assert all(
            each.end <= match.start() or each.start >= match.end() for each in spoken.replacements
        )


@given(TEXTS)
def test_an_empty_lexicon_changes_nothing(text: str) -> None:
    assert apply(text, "en", [], ipa) == Spoken(text)


@given(TEXTS, ENTRIES)
def test_what_is_found_can_be_put_later(text: str, entries: list[Entry]) -> None:
    changes, notices = find(text, "en", entries, ipa)
    assert put(text, changes, notices) == apply(text, "en", entries, ipa)


def test_a_long_text_with_a_large_lexicon_takes_a_moment() -> None:
    entries = [entry(f"word{number}", "x") for number in range(10_000)]
    text = " ".join(f"word{number} and then" for number in range(12_000))
    began = time.perf_counter()
    spoken = apply(text, "en", entries, ipa)
    assert len(spoken.replacements) == 10_000
    assert time.perf_counter() - began < 3
