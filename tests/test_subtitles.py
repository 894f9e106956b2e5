"""What subtitles promise: legible, in order, never overlapping, in both formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.text.subtitles import (
    LINE_COLUMNS,
    MAX_COLUMNS_PER_S,
    MAX_CUE_S,
    MAX_LINES,
    MIN_CUE_S,
    Cue,
    _columns,
    cues,
    to_srt,
    to_vtt,
)


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float


def spoken(text: str, per_letter: float = 0.07, start: float = 0.0, gap: float = 0.0) -> list[Word]:
    words = []
    for word in text.split():
        end = start + per_letter * len(word)
        words.append(Word(word, start, end))
        start = end + gap
    return words


STORY = (
    "It was the best of times, it was the worst of times. It was the age of wisdom, it was the age of "
    "foolishness, it was the epoch of belief, it was the epoch of incredulity! Was it? Yes. No one knew."
)


def _shown(found: tuple[Cue, ...]) -> str:
    return " ".join(" ".join(cue.lines) for cue in found)


def test_every_word_is_shown_once_in_order() -> None:
    assert _shown(cues(spoken(STORY))) == STORY


def test_lines_are_at_most_42_columns_and_two() -> None:
    for cue in cues(spoken(STORY * 5, 0.01)):
        assert len(cue.lines) <= MAX_LINES
        assert all(len(line) <= LINE_COLUMNS for line in cue.lines)


def test_cues_end_with_sentences_and_else_with_clauses() -> None:
    for cue in cues(spoken(STORY)):
        assert re.search(r"[.,!?]$", cue.lines[-1])


def test_short_sentences_share_a_cue_until_it_can_be_read() -> None:
    found = cues(spoken("Yes. No. Go. Come here at once, will you?"))
    assert found[0].lines[0].startswith("Yes. No. Go.")


def test_cues_can_be_read_where_the_speech_leaves_time() -> None:
    slow = cues(spoken(STORY, 0.08, gap=0.05))
    for cue in slow:
        columns = sum(map(len, cue.lines))
        assert columns / (cue.end - cue.start) <= MAX_COLUMNS_PER_S + 0.01
        assert cue.end - cue.start <= MAX_CUE_S + MIN_CUE_S


def test_a_silence_ends_a_cue_and_is_not_covered() -> None:
    first, second = cues([*spoken("Before the silence"), *spoken("after it", start=10)])
    assert first.lines == ("Before the silence",)
    assert first.end < 3
    assert second.start == 10


def test_one_short_word_stays_at_least_a_second() -> None:
    (cue,) = cues([Word("Hi!", 5, 5.1)])
    assert (cue.start, cue.end) == (5, 6)


def test_chinese_is_joined_without_spaces_and_counts_double() -> None:
    words = [
        Word(char, at / 4, at / 4 + 0.25) for at, char in enumerate("今天天气很好我们去公园散步吧，" * 4)
    ]
    found = cues(words)
    assert "".join("".join(cue.lines) for cue in found) == "今天天气很好我们去公园散步吧，" * 4
    for cue in found:
        assert all(len(line) <= LINE_COLUMNS // 2 for line in cue.lines)


def test_korean_keeps_its_spaces() -> None:
    assert _shown(cues(spoken("안녕하세요 여러분, 반갑습니다."))) == "안녕하세요 여러분, 반갑습니다."


def test_a_word_longer_than_a_line_is_cut() -> None:
    found = cues([Word("a" * 200, 0, 10)])
    assert "".join("".join(cue.lines) for cue in found) == "a" * 200
    assert all(len(line) <= LINE_COLUMNS for cue in found for line in cue.lines)


def test_no_words_give_empty_files() -> None:
    assert cues([]) == ()
    assert cues([Word("  ", 0, 1)]) == ()
    assert to_srt(()) == ""
    assert to_vtt(()) == "WEBVTT\n\n"


def test_srt_and_vtt_look_as_players_expect() -> None:
    made = (Cue(0, 1.5, ("One & <two>",)), Cue(3661.0004, 3662.9996, ("a --> b", "c")))
    assert to_srt(made) == (
        "1\n00:00:00,000 --> 00:00:01,500\nOne & <two>\n\n2\n01:01:01,000 --> 01:01:03,000\na → b\nc\n\n"
    )
    assert to_vtt(made) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nOne &amp; &lt;two&gt;\n\n"
        "01:01:01.000 --> 01:01:03.000\na --&gt; b\nc\n\n"
    )


timings = st.lists(st.tuples(st.text(max_size=60), st.floats(0, 2), st.floats(0, 2)), max_size=60).map(
    lambda rows: _running(rows)
)


def _running(rows: list[tuple[str, float, float]]) -> list[Word]:
    words, time = [], 0.0
    for text, gap, length in rows:
        words.append(Word(text, time + gap, time + gap + length))
        time += gap + length
    return words


@given(timings)
def test_any_words_give_legible_cues_without_overlap(words: list[Word]) -> None:
    found = cues(words)
    for cue in found:
        assert cue.end > cue.start >= 0
        assert 1 <= len(cue.lines) <= MAX_LINES
        assert all(line.strip() and "\n" not in line for line in cue.lines)
        assert all(_columns(line) <= LINE_COLUMNS for line in cue.lines)
    for before, after in pairwise(found):
        assert before.end <= after.start
    letters = "".join("".join(word.text.split()) for word in words)
    assert "".join("".join(cue.lines) for cue in found).replace(" ", "") == letters


@pytest.mark.parametrize("step", [0.0, 0.001])
def test_words_that_share_a_time_still_give_cues_in_order(step: float) -> None:
    words = [Word(f"word{at}.", at * step, at * step) for at in range(200)]
    found = cues(words)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(cue.end > cue.start for cue in found)
