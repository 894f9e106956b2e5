"""What is twice in a set: found by sound and by text, and never on both sides of the split."""

from __future__ import annotations

import time

import pytest

from studio.dataset.duplicates import SAME_SOUND_BITS, with_duplicates_by_sound, with_duplicates_by_text
from studio.dataset.judging import judge_all
from studio.dataset.splitting import EVAL, TRAIN, split, why_no_eval
from studio.dataset.targets import TARGETS
from studio.dataset.values import Limits, Review
from tests.training_sets import ONE, TWO, fingerprint, segment, source


class TestDuplicates:
    def test_a_sound_is_a_duplicate_of_the_first_that_is_alike(self) -> None:
        sounds = [fingerprint(1), fingerprint(2), fingerprint(1, 10), fingerprint(1, 20), ""]
        segments = [segment(ONE, number, sound=sound) for number, sound in enumerate(sounds)]
        found = [each.duplicate_audio for each in with_duplicates_by_sound(segments)]
        assert found == ["", "", segments[0].id, segments[0].id, ""]

    def test_sounds_of_other_lengths_or_without_a_fingerprint_are_like_no_other(self) -> None:
        segments = [
            segment(ONE, 1, 2.0, sound=fingerprint(1)),
            segment(ONE, 2, 4.0, sound=fingerprint(1)),
        ]
        segments += [segment(TWO, 1, sound=""), segment(TWO, 2, sound="")]
        assert not any(each.duplicate_audio for each in with_duplicates_by_sound(segments))

    @pytest.mark.parametrize(
        ("flipped", "alike"), [(SAME_SOUND_BITS - 1, True), (SAME_SOUND_BITS, False)]
    )
    def test_the_number_of_bits_decides(self, flipped: int, alike: bool) -> None:
        pair = [
            segment(ONE, 1, 2.0, sound=fingerprint(1)),
            segment(TWO, 1, 2.1, sound=fingerprint(1, flipped)),
        ]
        assert bool(with_duplicates_by_sound(pair)[1].duplicate_audio) is alike

    def test_what_is_found_anew_replaces_what_was_found_before(self) -> None:
        segments = [segment(ONE, 1, sound=fingerprint(1), duplicate_audio="gone", duplicate_text="gone")]
        assert with_duplicates_by_sound(segments)[0].duplicate_audio == ""
        assert with_duplicates_by_text(segments)[0].duplicate_text == ""

    def test_ten_thousand_take_a_moment(self) -> None:
        segments = [
            segment(
                ONE,
                number,
                1 + number % 9_990 % 97 / 10,
                sound=fingerprint(number % 9_990),
                text=f"{number % 9_000}",
            )
            for number in range(10_000)
        ]
        began = time.process_time()
        found = with_duplicates_by_text(with_duplicates_by_sound(segments))
        assert time.process_time() - began < 4
        assert [each.duplicate_audio for each in found[9_990:]] == [each.id for each in segments[:10]]
        assert sum(bool(each.duplicate_audio) for each in found) == 10
        assert sum(bool(each.duplicate_text) for each in found) == 990

    def test_texts_are_compared_without_case_punctuation_and_width(self) -> None:
        texts = [
            "Good morning, Ada!",
            "good  morning ada",
            "ＧＯＯＤ morning, Ada.",
            "Good evening.",
            "",
            "?!",
        ]
        segments = [segment(ONE, number, text=text) for number, text in enumerate(texts)]
        found = [each.duplicate_text for each in with_duplicates_by_text(segments)]
        assert found == ["", segments[0].id, segments[0].id, "", "", ""]

    def test_accents_and_digits_count(self) -> None:
        segments = [
            segment(ONE, n, text=text) for n, text in enumerate(["côte", "cote", "2", "3", "か", "が"])
        ]
        assert not any(each.duplicate_text for each in with_duplicates_by_text(segments))

    def test_the_first_that_is_kept_stands_for_those_that_say_the_same(self) -> None:
        segments = with_duplicates_by_text(
            [segment(ONE, 1, text="Yes.", snr_db=3.0)]
            + [segment(TWO, number, text="Yes.") for number in (1, 2)]
        )
        verdicts = judge_all(segments, Limits(), TARGETS["xtts"], {})
        assert [verdict.kept for verdict in verdicts] == [False, True, False]
        assert segments[1].id in verdicts[2].reasons[0].words
        by_hand = judge_all(segments, Limits(), TARGETS["xtts"], {segments[0].id: Review(kept=True)})
        assert [verdict.kept for verdict in by_hand] == [True, False, False]


class TestSplit:
    def test_no_recording_is_on_both_sides_and_the_share_is_met(self) -> None:
        sources = [source(number) for number in range(40)]
        kept = [segment(each, number) for each in sources for number in range(3)]
        sides = split(kept, 0.1)
        assert set(sides) == {each.id for each in sources}
        assert sum(side == EVAL for side in sides.values()) == 4
        assert sides == split(list(reversed(kept)), 0.1)

    def test_one_recording_is_trained_on_whole(self) -> None:
        sides = split([segment(ONE, 1), segment(ONE, 2)], 0.05)
        assert sides == {ONE.id: TRAIN}
        assert "one recording" in why_no_eval(sides)

    def test_a_recording_that_is_most_of_it_is_not_set_aside(self) -> None:
        kept = [segment(ONE, number) for number in range(8)] + [segment(TWO, 1)]
        assert split(kept, 0.05) == {ONE.id: TRAIN, TWO.id: EVAL}
        halves = split([segment(ONE, 1), segment(TWO, 1)], 0.05)
        assert set(halves.values()) == {TRAIN}
        assert "too large a part" in why_no_eval(halves)

    def test_nothing_is_set_aside_where_nobody_asks(self) -> None:
        kept = [segment(source(number), 1) for number in range(20)]
        assert set(split(kept, 0.0).values()) == {TRAIN}
        assert split([], 0.1) == {}

    def test_recordings_that_share_segments_stay_on_one_side(self) -> None:
        sources = [source(number) for number in range(20)]
        kept = [segment(each, number) for each in sources for number in range(3)]
        for one, other in ((0, 7), (3, 12), (12, 5)):
            kept.append(segment(sources[other], 9, duplicate_text=f"{sources[one].id}-0001"))
        copies = [segment(sources[19], 9, duplicate_audio=f"{sources[1].id}-0001")]
        for share in (0.05, 0.2, 0.4):
            sides = [split(kept, share, copies)[each.id] for each in sources]
            assert sides[0] == sides[7]
            assert sides[3] == sides[12] == sides[5]
            assert sides[1] == sides[19]
            assert EVAL in sides

    def test_no_speaker_is_only_evaluated(self) -> None:
        kept = [segment(source(number), 1, speaker=f"Speaker {number % 3}") for number in range(9)]
        sides = split(kept, 0.3)
        trained = {each.speaker for each in kept if sides[each.source] == TRAIN}
        assert EVAL in sides.values()
        assert trained == {each.speaker for each in kept}
        alone = [segment(source(number), 1, speaker=f"Speaker {number}") for number in range(9)]
        assert set(split(alone, 0.3).values()) == {TRAIN}
