"""What emotions are called in many languages."""

from __future__ import annotations

import pytest

from studio.text import emotions
from studio.text.tagged import is_pause


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("felice", "happy"),
        ("Happy", "happy"),
        ("радость", "happy"),
        ("fröhlich", "happy"),
        ("FRÖHLICH", "happy"),
        ("frohlich", "happy"),
        ("高兴", "happy"),
        ("嬉しい", "happy"),
        ("triste", "sad"),
        ("wütend", "angry"),
        ("en_colère", "angry"),
        ("шёпотом", "whisper"),
        ("шепотом", "whisper"),
        ("normal", "neutral"),
        ("neutral", "neutral"),
    ],
)
def test_common_words_are_known_whatever_their_case_and_accents(word: str, name: str) -> None:
    assert emotions.canonical(word) == name


@pytest.mark.parametrize("word", ["", "pirate", "happy birthday", "😀"])
def test_other_words_are_not(word: str) -> None:
    assert emotions.canonical(word) is None


def test_no_word_stands_for_two_emotions() -> None:
    seen: dict[str, str] = {}
    for name in emotions.COMMON:
        for word in (name, *emotions.aliases(name)):
            assert seen.setdefault(emotions.fold(word), name) == name, word
            assert emotions.canonical(word) == name
            assert not is_pause(word)


def test_a_tag_is_found_by_its_name_its_aliases_and_the_common_words() -> None:
    known = {"neutral": (), "Freude": ("juhu",), "sad": ()}
    assert emotions.resolve("FREUDE", known) == "Freude"
    assert emotions.resolve("Juhu", known) == "Freude"
    assert emotions.resolve("triste", known) == "sad"
    assert emotions.resolve("normal", known) == "neutral"
    assert emotions.resolve("angry", known) is None


def test_an_alias_stands_for_its_emotion_in_every_language() -> None:
    assert emotions.resolve("felice", {"neutral": (), "Sunshine": ("happy",)}) == "Sunshine"


def test_a_name_wins_over_a_word_for_the_same_emotion() -> None:
    known = {"happy": ("joy",), "joyful": (), "felice": ()}
    assert emotions.resolve("joyful", known) == "joyful"
    assert emotions.resolve("felice", known) == "felice"
    assert emotions.resolve("joy", known) == "happy"
    assert emotions.resolve("радость", known) == "happy"


def test_accents_count_where_they_tell_two_names_apart() -> None:
    known = {"pare": (), "paré": ()}
    assert emotions.resolve("paré", known) == "paré"
    assert emotions.resolve("pare", known) == "pare"
