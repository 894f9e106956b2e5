"""Which segments of a training set are kept, and why the others are not."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from studio.audio.snr import DROWNED, LOUD, MUTED, NO_PAUSE
from studio.dataset.judging import ACOUSTIC, REASONS, acoustic, judge, judge_all
from studio.dataset.targets import TARGETS
from studio.dataset.values import Limits, PrepareSettings, Review, Segment
from studio.errors import BadInput, NotFound
from training.prepare.assembling import worth_a_text

XTTS, QWEN = TARGETS["xtts"], TARGETS["qwen"]
GOOD = Segment(
    "a-0001",
    "a",
    0.0,
    4.0,
    "Ada",
    snr_db=25.0,
    snr_note="vad",
    loudness_lufs=-20.0,
    speech_share=0.9,
    bandwidth_hz=9_000.0,
    text="A sentence.",
    language="en",
    confidence=0.9,
    given_error=0.1,
    words_per_s=2.5,
    pace_deviation=0.5,
    speaker_similarity=0.9,
)

#: What is wrong, the code of the reason, and the limit that, when it is off, lets it through.
DEFECTS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"snr_db": 9.9}, "noise", {"min_snr_db": None}),
    ({"end": 0.9}, "short", {"min_s": None}),
    ({"end": 11.1}, "long", {"max_s": None}),
    ({"clipped": 0.002}, "clipped", {"max_clipped": None}),
    ({"loudness_lufs": -51.0}, "quiet", {"min_loudness_lufs": None}),
    ({"speech_share": 0.4}, "little_speech", {"min_speech_share": None}),
    ({"bandwidth_hz": 2_750.0}, "narrow", {"min_bandwidth_hz": None}),
    ({"cut_in_speech": True}, "cut", {"cut_in_speech": True}),
    ({"duplicate_audio": "a-0000"}, "duplicate_audio", {"duplicate_audio": True}),
    ({"confidence": 0.3}, "confidence", {"min_confidence": None}),
    ({"given_error": 0.5}, "mismatch", {"max_given_error": None}),
    ({"words_per_s": 0.2}, "pace", {"min_words_per_s": None}),
    ({"words_per_s": 9.0}, "pace", {"max_words_per_s": None}),
    ({"pace_deviation": -4.5}, "pace", {"max_pace_deviation": None}),
    ({"language": "de"}, "language", {"other_languages": True}),
    ({"duplicate_text": "a-0000"}, "duplicate_text", {"duplicate_texts": True}),
]


def codes(segment: Segment, limits: Limits | None = None, **other: Any) -> list[str]:
    verdict = judge(segment, limits or Limits(), XTTS, language="en", **other)
    assert verdict.kept == (not verdict.reasons) or verdict.by_hand
    return [reason.code for reason in verdict.reasons]


def test_a_good_one_is_kept() -> None:
    assert codes(GOOD) == []


@pytest.mark.parametrize(("wrong", "code", "off"), DEFECTS)
def test_each_defect_has_its_reason_and_each_limit_can_be_lifted(
    wrong: dict[str, Any], code: str, off: dict[str, Any]
) -> None:
    segment = replace(GOOD, **wrong)
    assert codes(segment) == [code]
    assert codes(segment, Limits(**off)) == []


def test_a_voice_unlike_the_speaker_s_is_dropped_where_that_is_asked_for() -> None:
    other = replace(GOOD, speaker_similarity=0.3)
    assert codes(other) == []
    assert codes(other, Limits(min_speaker_similarity=0.5)) == ["speaker"]


def test_every_limit_is_tried_here() -> None:
    lifted = {name for _, _, off in DEFECTS for name in off} | {"min_speaker_similarity"}
    assert lifted == {each.name for each in fields(Limits)}


@pytest.mark.parametrize(
    "field", ["snr_db", "loudness_lufs", "bandwidth_hz", "confidence", "given_error"]
)
def test_what_could_not_be_measured_drops_nothing(field: str) -> None:
    assert codes(replace(GOOD, **{field: None})) == []


@pytest.mark.parametrize(
    ("note", "expected"), [(LOUD, ["noise"]), (DROWNED, ["noise"]), (MUTED, []), (NO_PAUSE, [])]
)
def test_noise_too_loud_for_a_figure_is_noise(note: str, expected: list[str]) -> None:
    assert codes(replace(GOOD, snr_db=None, snr_note=note)) == expected


def test_a_text_over_the_target_s_limit_is_too_long() -> None:
    long = replace(GOOD, text="a" * 251)
    assert codes(long) == ["characters"]
    assert judge(long, Limits(), QWEN, language="en").kept


def test_nothing_without_a_text_is_kept_whatever_a_person_says() -> None:
    silent = replace(GOOD, text="  ", text_note="Nothing was understood.")
    verdict = judge(silent, Limits(), XTTS, Review(kept=True))
    assert not verdict.kept
    assert verdict.reasons[-1].words == "Nothing was understood."


def test_a_person_s_word_counts_more_than_a_limit() -> None:
    noisy = replace(GOOD, snr_db=3.0)
    kept = judge(noisy, Limits(), XTTS, Review(kept=True))
    assert kept.kept
    assert kept.by_hand
    assert [reason.code for reason in kept.reasons] == ["noise"]
    dropped = judge(GOOD, Limits(), XTTS, Review(kept=False))
    assert not dropped.kept
    assert dropped.reasons[0].code == "by_hand"


def test_a_text_somebody_wrote_is_not_held_to_what_was_recognised() -> None:
    unsure = replace(GOOD, confidence=0.1, given_error=0.9, words_per_s=20.0)
    assert judge(unsure, Limits(), XTTS, Review(text="What is really said.")).kept


def test_the_sound_alone_has_reasons_of_the_sound_alone() -> None:
    for wrong, code, _ in DEFECTS:
        found = [reason.code for reason in acoustic(replace(GOOD, **wrong), Limits())]
        assert found == ([code] if code in ACOUSTIC else [])
    assert set(ACOUSTIC) < set(REASONS)


def kept(segments: list[Segment], **reviews: Review) -> list[bool]:
    """Which are kept; `reviews` by what follows "a-" in the ids."""
    said = {f"a-{id.removeprefix('_')}": review for id, review in reviews.items()}
    return [each.kept for each in judge_all(segments, Limits(), XTTS, said, "en")]


def test_a_copy_of_a_sound_that_is_dropped_counts_by_itself() -> None:
    telephone = replace(GOOD, bandwidth_hz=2_000.0)
    copies = [replace(GOOD, id=f"a-000{n}", duplicate_audio=GOOD.id, text=f"Copy {n}.") for n in (2, 3)]
    assert kept([GOOD, *copies]) == [True, False, False]
    assert kept([telephone, *copies]) == [False, True, False]
    assert kept([GOOD, *copies], _0001=Review(kept=False)) == [False] * 3
    assert [each.id for each in worth_a_text([telephone, *copies], Limits(), {})] == ["a-0002"]
    assert [each.id for each in worth_a_text([GOOD, *copies], Limits(), {})] == ["a-0001"]


def test_a_text_that_somebody_wrote_is_no_duplicate_and_has_none() -> None:
    """What a recognizer heard in both was wrong in one of them."""
    other = replace(GOOD, id="a-0002", duplicate_text=GOOD.id)
    assert kept([GOOD, other]) == [True, False]
    assert kept([GOOD, other], _0002=Review(text="What is really said.")) == [True, True]
    assert kept([GOOD, other], _0001=Review(text="What is really said.")) == [True, True]


@pytest.mark.parametrize(
    "wrong",
    [{"max_s": 12.0}, {"min_s": 6.0}, {"frame_ms": 25}, {"aggressiveness": 4}, {"loudness_lufs": 3.0}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        PrepareSettings(**wrong)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(NotFound, match="qwen"):
        PrepareSettings(target="tacotron")
    with pytest.raises(NotFound, match="hybrid"):
        PrepareSettings(snr_method="guess")
