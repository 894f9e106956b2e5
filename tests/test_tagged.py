r"""Tagged texts: `[happy] Hello! [pause 0.5] [sad:0.6] Goodbye.`"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.text.tagged import MAX_TAG, Pause, Say, is_pause, parse

KNOWN = {"happy": "happy", "sad": "sad", "joy": "happy", "take: 2": "take: 2"}


def pieces(text: str) -> list[tuple[object, ...]]:
    """Tag, strength and words of what is said; the seconds of pauses."""
    return [
        (piece.seconds,) if isinstance(piece, Pause) else (piece.tag, piece.strength, piece.text)
        for piece in parse(text).pieces
    ]


def known(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Tags and words where only KNOWN is known, and the tags that are not."""
    tagged = parse(text, KNOWN.get)
    said = [(piece.tag, piece.said) for piece in tagged.pieces if isinstance(piece, Say)]
    return said, [problem.tag for problem in tagged.problems]


def test_a_tag_counts_until_the_next_one() -> None:
    text = "Well. [happy] Hello!\n\nHow are you? [sad] Goodbye."
    assert pieces(text) == [
        ("", 1, "Well."), ("happy", 1, "Hello!\n\nHow are you?"), ("sad", 1, "Goodbye."),
    ]  # fmt: skip


def test_pieces_say_where_they_stand() -> None:
    text = "Well. [happy]  Hello! [pause 1] Bye."
    spans = [text[piece.start : piece.end] for piece in parse(text).pieces]
    assert spans == ["Well.", "Hello!", "[pause 1]", "Bye."]


@pytest.mark.parametrize(
    ("written", "tag", "strength"),
    [
        ("[happy:0.6]", "happy", 0.6),
        ("[ happy : 0,25 ]", "happy", 0.25),
        ("[happy:60%]", "happy", 0.6),
        ("[happy:0]", "happy", 0),
        ("[very happy:1]", "very happy", 1),
        ("[act: two]", "act: two", 1),
        ("[радость:.5]", "радость", 0.5),
    ],
)
def test_a_strength_is_optional(written: str, tag: str, strength: float) -> None:
    assert pieces(f"{written} Hello.") == [(tag, strength, "Hello.")]


@pytest.mark.parametrize("strength", ["1.5", "-0.5", "200%"])
def test_a_strength_beyond_the_scale_is_a_problem(strength: str) -> None:
    tagged = parse(f"[happy:{strength}] Hello.")
    assert "0 to 1" in tagged.problems[0].message
    assert tagged.pieces[0].text == f"[happy:{strength}] Hello."  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("[pause 0.5]", 0.5),
        ("[pause]", 0.5),
        ("[Pause: 2]", 2),
        ("[pause 1,5 s]", 1.5),
        ("[PAUSE=250ms]", 0.25),
        ("[пауза 3]", 3),
        ("[pause 0]", 0),
    ],
)
def test_a_pause_keeps_the_emotion(written: str, seconds: float) -> None:
    assert pieces(f"[sad] One. {written} Two.") == [("sad", 1, "One."), (seconds,), ("sad", 1, "Two.")]
    assert is_pause(written[1:-1])


@pytest.mark.parametrize("written", ["[pause long]", "[pause 61]", "[pause 1 2]", "[pause -1]"])
def test_a_pause_that_means_nothing_is_a_problem(written: str) -> None:
    tagged = parse(f"One. {written} Two.")
    assert len(tagged.pieces) == len(tagged.problems) == 1


@pytest.mark.parametrize("tag", ["pausey", "happy", "applause 5"])
def test_other_names_are_no_pauses(tag: str) -> None:
    assert not is_pause(tag)
    assert pieces(f"[{tag}] One.") == [(tag, 1, "One.")]


def test_escaped_brackets_are_plain_ones() -> None:
    assert pieces(r"[happy] See \[1\] and \\[sad] this.") == [
        ("happy", 1, "See [1] and \\"), ("sad", 1, "this."),
    ]  # fmt: skip
    assert pieces(r"C:\new\\folder") == [("", 1, r"C:\new\\folder")]


def test_an_engine_gets_no_plain_bracket_for_notation() -> None:
    (piece,) = parse(r"\[happy\] \[\[h@\]\] [[h@l'oU]]").pieces
    assert isinstance(piece, Say)
    assert piece.text == "[happy] [[h@]] [[h@l'oU]]"
    assert piece.said == "(happy) ((h@)) [[h@l'oU]]"


def test_unknown_tags_stay_in_the_words_and_are_reported() -> None:
    said, unknown = known("[giggle] Hello. [Sad?:0.5] Bye. [joy] Yes.")
    assert said == [("", "(giggle) Hello. (Sad?:0.5) Bye."), ("happy", "Yes.")]
    assert unknown == ["giggle", "Sad?"]


def test_a_known_name_may_look_like_a_strength() -> None:
    assert known("[take: 2] Hello.") == ([("take: 2", "Hello.")], [])


@pytest.mark.parametrize(
    ("text", "said", "problem"),
    [
        ("[a [b] c] d", ["[a [b] c] d"], "within brackets"),
        ("[quiet [sad] Bye.", ["[quiet", "Bye."], "not closed"),
        ("[sad\n] Bye.", ["[sad\n] Bye."], "not closed"),
        ("sad] Bye.", ["sad] Bye."], "not opened"),
        ("[] Bye.", ["[] Bye."], "nothing in these"),
        ("[" + "x" * (MAX_TAG + 1) + "] Bye.", ["[" + "x" * (MAX_TAG + 1) + "] Bye."], "not closed"),
    ],
)
def test_odd_brackets_are_read_as_they_are_and_reported(
    text: str, said: list[str], problem: str
) -> None:
    tagged = parse(text)
    assert [piece.text for piece in tagged.pieces if isinstance(piece, Say)] == said
    assert problem in tagged.problems[0].message


@given(st.text())
def test_escaping_makes_any_text_plain(text: str) -> None:
    escaped = re.sub(r"(\\*)([\[\]])", lambda match: match[1] * 2 + "\\" + match[2], text)
    tagged = parse(escaped)
    assert not tagged.problems
    assert [piece.text for piece in tagged.pieces] == [text.strip()] * bool(text.strip())  # type: ignore[union-attr]


@given(st.text(alphabet=st.sampled_from("[]\\ab:0.5 \npause"), max_size=60))
def test_nothing_is_lost(text: str) -> None:
    """What belongs to no piece is space, or a tag in its brackets."""
    tagged = parse(text)
    position, between = 0, []
    for piece in tagged.pieces:
        assert position <= piece.start < piece.end <= len(text)
        between.append(text[position : piece.start])
        position = piece.end
    between.append(text[position:])
    for gap in between:
        left = re.sub(r"\[(?:\\[\[\]\\]|[^\[\]\n])*\]", "", gap)
        assert not left.strip()


_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="[]\\"), max_size=20)
_TAGS = st.sampled_from(["happy", "sad", "радость", "嬉しい"])


@given(st.lists(st.tuples(_TAGS, st.integers(0, 100), _WORDS), max_size=8))
def test_what_is_put_together_comes_apart_again(parts: list[tuple[str, int, str]]) -> None:
    text = "".join(f"[{tag}:{share / 100}]{words}" for tag, share, words in parts)
    expected = [(tag, share / 100, words.strip()) for tag, share, words in parts if words.strip()]
    assert pieces(text) == expected


def test_a_wall_of_brackets_takes_no_time() -> None:
    assert len(parse("[" * 100_000).problems) == 100_000
