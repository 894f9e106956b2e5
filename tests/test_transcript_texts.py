"""Transcripts as files that other programs read, and their editing."""

from __future__ import annotations

import csv
import html
import io
import json
from datetime import timedelta
from itertools import pairwise

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from engines.recognition import Segment, Word
from studio.errors import BadInput
from studio.services.transcript_editing import merged, split_at_character, split_at_word, with_text
from studio.text.subtitles import LINE_COLUMNS, MAX_COLUMNS_PER_S
from studio.text.transcripts import as_json, as_srt, as_tsv, as_vtt, plain, timed_words, tokens


def segment(text: str, start: float = 0.0, per_word: float = 0.4, words: bool = True) -> Segment:
    parts = tokens(text)
    made = tuple(
        Word(part, start + index * per_word, start + (index + 1) * per_word, 0.5)
        for index, part in enumerate(parts)
    )
    return Segment(text, start, start + per_word * len(parts), made if words else (), 0.8, "en")


TALK = (
    segment("It was the best of times, it was the worst of times."),
    segment("It was the age of wisdom & <folly>, as Ada --> Ben said.", 6.0),
    segment("=cmd|'/C calc'!A0", 20.0, words=False),
)


def test_subtitles_are_read_by_a_library_and_keep_line_length_and_pace() -> None:
    found = list(srt.parse(as_srt(TALK)))
    assert [cue.index for cue in found] == list(range(1, len(found) + 1))
    assert " ".join(cue.content.replace("\n", " ") for cue in found).startswith(
        "It was the best of times,"
    )
    captions = webvtt.from_string(as_vtt(TALK)).captions
    assert len(captions) == len(found)
    shown = " ".join(html.unescape(caption.text) for caption in captions).replace("\n", " ")
    assert "wisdom & <folly>" in shown
    for cue in found:
        lines = cue.content.splitlines()
        assert len(lines) <= 2
        assert all(len(line) <= LINE_COLUMNS for line in lines)
        seconds = (cue.end - cue.start) / timedelta(seconds=1)
        assert sum(map(len, lines)) / seconds <= MAX_COLUMNS_PER_S + 0.1
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_a_table_holds_no_formula_and_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(as_tsv(TALK)), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["text"].removeprefix("'") for row in rows] == [entry.text for entry in TALK]
    assert rows[2]["text"].startswith("'=")
    assert (rows[1]["start"], rows[1]["end"]) == ("6000", str(round(TALK[1].end * 1000)))


def test_json_holds_words_and_what_is_said_about_it() -> None:
    value = json.loads(as_json(TALK, {"name": "talk.wav"}))
    assert value["name"] == "talk.wav"
    assert value["text"] == plain(TALK)
    assert value["segments"][0]["words"][1] == {
        "text": "was",
        "start": 0.4,
        "end": 0.8,
        "probability": 0.5,
    }


def test_text_has_a_line_for_each_pause_and_no_spaces_in_chinese() -> None:
    assert plain(TALK).count("\n") == 1
    assert plain((segment("今天天气"), segment("很好。", 1.0))) == "今天天气很好。"
    assert plain(()) == ""


def test_segments_without_words_get_times_by_the_length_of_their_words() -> None:
    words = timed_words(Segment("a longer one", 1.0, 2.0))
    assert [word.text for word in words] == ["a", "longer", "one"]
    assert (words[0].start, words[-1].end) == (1.0, pytest.approx(2.0))
    assert words[1].end - words[1].start == pytest.approx(0.6)


def test_a_corrected_word_keeps_the_times_of_the_others() -> None:
    old = segment("we meat at noon")
    (new,) = with_text((old,), 0, "we meet  Ada at noon")
    assert new.text == "we meet Ada at noon"
    assert (new.words[0], new.words[-1]) == (old.words[0], old.words[-1])
    assert [word.text for word in new.words] == ["we", "meet", "Ada", "at", "noon"]
    assert new.words[1].start == old.words[1].start
    assert new.words[2].end == pytest.approx(old.words[1].end)
    assert with_text((old,), 0, "  ") == ()
    assert old.text == "we meat at noon"


def test_splitting_and_merging_undo_each_other() -> None:
    segments = (segment("before"), segment("we meet at noon", 2.0), segment("after", 9.0))
    halves = split_at_word(segments, 1, 2)
    assert [entry.text for entry in halves] == ["before", "we meet", "at noon", "after"]
    assert (halves[1].start, halves[1].end, halves[2].start) == (2.0, 2.8, 2.8)
    again = merged(halves, 1)
    assert [(entry.text, entry.start, entry.end, entry.words) for entry in again] == [
        (entry.text, entry.start, entry.end, entry.words) for entry in segments
    ]
    assert split_at_character(segments, 1, len("we meet a")) == halves
    without = (segment("we meet at noon", words=False),)
    assert [entry.words for entry in split_at_word(without, 0, 2)] == [(), ()]


def test_what_cannot_be_edited_is_refused() -> None:
    segments = (segment("one"), segment("two words", 1.0))
    for wrong in (
        lambda: with_text(segments, 2, "x"),
        lambda: with_text(segments, 0, "x" * 6000),
        lambda: split_at_word(segments, 0, 0),
        lambda: split_at_word(segments, 0, 1),
        lambda: split_at_character(segments, 1, 2),
        lambda: split_at_character(segments, 1, 99),
        lambda: merged(segments, 1),
    ):
        with pytest.raises(BadInput):
            wrong()


times = st.floats(0, 100, allow_nan=False)
anything = st.text(max_size=40)


@given(st.lists(st.tuples(anything, times, times, times), max_size=6), anything)
def test_any_words_and_any_text_give_times_that_never_run_backwards(
    rows: list[tuple[str, float, float, float]], text: str
) -> None:
    words = tuple(Word(word, start, start + length) for word, start, length, _ in rows)
    given_segment = Segment(text, 3.0, 9.0, words)
    found = timed_words(given_segment)
    assert all(word.start <= word.end for word in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    list(srt.parse(as_srt((given_segment,))))
    assert as_vtt((given_segment,)).startswith("WEBVTT")
    assert len(as_tsv((given_segment,)).splitlines()) == 2


@given(st.text(min_size=1, max_size=60), st.integers(0, 60))
def test_splitting_anywhere_loses_no_letter(text: str, position: int) -> None:
    segments = (Segment(text, 0.0, 5.0),)
    try:
        halves = split_at_character(segments, 0, position)
    except BadInput:
        return
    assert "".join("".join(half.text for half in halves).split()) == "".join(text.split())
