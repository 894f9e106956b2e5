"""What a training set would be under given limits, and the verdict in words."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict

import pytest

from studio.dataset.advice import FULL_S, LEAST_S, LORA_S, LOSSES, amount, fitness
from studio.dataset.judging import REASONS, judge
from studio.dataset.ledger import Ledger
from studio.dataset.outlook import Histogram, Outlook, outlook
from studio.dataset.targets import TARGETS
from studio.dataset.values import Limits, Review, Segment, Source

XTTS, QWEN = TARGETS["xtts"], TARGETS["qwen"]
MINUTE = 6  # segments of ten seconds


def segments(number: int, first: int = 0, **other: object) -> tuple[Segment, ...]:
    """Good ones of ten seconds, but for `other`."""
    values: dict[str, object] = {
        "speaker": "Ada",
        "snr_db": 25.0,
        "loudness_lufs": -20.0,
        "speech_share": 0.9,
        "bandwidth_hz": 9_000.0,
        "text": "A sentence that nobody has said before.",
        "language": "en",
        "confidence": 0.9,
        "words_per_s": 2.5,
        "pace_deviation": 0.0,
    }
    return tuple(
        Segment(f"a-{index:04}", "a", 10.0 * index, 10.0 * (index + 1), **(values | other))  # type: ignore[arg-type]
        for index in range(first, first + number)
    )


def of(*groups: tuple[Segment, ...], limits: Limits | None = None, **reviews: Review) -> Outlook:
    sources = (Source("a", "talk.wav", "a" * 64, 9, 4_000.0),)
    ledger = Ledger(sources, tuple(each for group in groups for each in group), "en")
    by_id = {name.replace("_", "-"): review for name, review in reviews.items()}
    return outlook(ledger, by_id, limits or Limits(), XTTS)


def test_the_verdict_says_what_is_kept_what_it_is_enough_for_and_the_greatest_loss() -> None:
    found = of(
        segments(42 * MINUTE),
        segments(11 * MINUTE, first=1_000, snr_db=4.0),
        segments(8 * MINUTE, first=2_000, clipped=0.2),
    )
    assert found.words == (
        "42 min kept of 61; enough for LoRA, thin for full fine-tuning; "
        "11 min lost to noise: lower the fan."
    )
    assert found.advice[0].startswith("11 min lost to noise: lower the fan. Record in a quieter room")
    assert found.advice[1].startswith("8 min lost to clipping: lower the gain.")
    assert found.advice[2] == "Full fine-tuning takes another 78 min."


def test_each_dropped_segment_counts_once_so_that_the_drops_add_up() -> None:
    noisy_and_clipped = segments(5, first=100, snr_db=1.0, clipped=0.5, text="")
    found = of(segments(10), noisy_and_clipped, segments(2, first=200, text=""))
    assert [(drop.code, drop.segments) for drop in found.drops] == [("noise", 5), ("no_text", 2)]
    assert sum(drop.segments for drop in found.drops) == found.segments - found.kept == 7
    assert math.fsum(drop.seconds for drop in found.drops) == pytest.approx(found.total_s - found.kept_s)
    assert found.drops[0].label == REASONS["noise"]


def test_what_lacks_only_a_text_is_told_apart() -> None:
    found = of(segments(5, text=""), segments(3, first=50, text="", snr_db=2.0))
    assert found.waiting_s == 50
    assert found.words == "Nothing of 80 s is kept yet; 50 s without a text: choose a recognizer."
    assert found.advice[-1] == "Training at all takes another 70 s."


def test_a_person_counts_more_than_limits() -> None:
    found = of(
        segments(4),
        segments(2, first=4, snr_db=1.0, text="Now it has one."),
        segments(1, first=6, snr_db=1.0, text=""),
        a_0000=Review(kept=False),
        a_0004=Review(kept=True),
        a_0006=Review(kept=True),
    )
    assert found.kept == 4
    # Who keeps a noisy one without a text lacks the text only.
    assert {drop.code: drop.segments for drop in found.drops} == {
        "by_hand": 1,
        "noise": 1,
        "no_text": 1,
    }


def test_it_agrees_with_the_judge_on_every_segment() -> None:
    groups = [
        segments(20, first=100 * place, snr_db=5.0 + 2 * place, confidence=0.1 * place)
        for place in range(10)
    ]
    limits = Limits(min_snr_db=13.0, min_confidence=0.35)
    kept = [judge(each, limits, XTTS, None, "en").kept for group in groups for each in group]
    assert of(*groups, limits=limits).kept == sum(kept) == 120


def test_histograms_hold_every_measured_segment_and_stand_still_while_limits_move() -> None:
    groups = (
        segments(30, snr_db=12.0),
        segments(10, first=100, snr_db=31.0, words_per_s=None),
        segments(5, first=200, snr_db=None),
        segments(1, first=300, snr_db=200.0),
    )
    strict, lax = of(*groups, limits=Limits(min_snr_db=20)), of(*groups)
    by_key = {each.key: each for each in strict.histograms}
    assert list(by_key) == ["snr_db", "duration", "words_per_s"]
    snr, pace = by_key["snr_db"], by_key["words_per_s"]
    assert (sum(snr.kept), sum(snr.dropped)) == (11, 30)
    assert (sum(pace.kept), sum(pace.dropped)) == (6, 30)
    assert len(snr.edges) == len(snr.kept) + 1 == len(snr.dropped) + 1
    assert len(snr.kept) <= 30
    assert snr.kept[-1] == 1, "an outlier counts in the outermost bin"
    assert [each.edges for each in strict.histograms] == [each.edges for each in lax.histograms]


def test_a_measure_that_nothing_has_makes_no_bars() -> None:
    snr = of(segments(3, snr_db=None)).histograms[0]
    assert snr == Histogram("snr_db", "SNR", "dB", (), (), ())


def test_figures_of_the_kept_only() -> None:
    found = of(
        segments(2, snr_db=20.0),
        segments(4, first=10, snr_db=26.0, speaker="Bob"),
        segments(3, first=20, snr_db=1.0, speaker="Eve"),
    )
    assert found.mean_snr_db == pytest.approx(24.0)
    assert found.speakers == {"Bob": 40.0, "Ada": 20.0}
    assert list(found.speakers) == ["Bob", "Ada"]
    assert (found.source_s, found.language) == (4_000.0, "en")


def test_before_the_first_build() -> None:
    found = outlook(Ledger(), {}, Limits(), XTTS)
    assert (found.words, found.advice) == ("Nothing is built yet.", ())
    assert (found.segments, found.kept_s, found.mean_snr_db, found.drops) == (0, 0, None, ())


def test_recordings_without_speech_and_ones_that_cannot_be_read() -> None:
    sources = (
        Source("a", "music.mp3", "a" * 64, 9, 60.0),
        Source("b", "bad\n<b>.wav", "", 9, problem="It is no sound file.", hint="Give another."),
    )
    found = outlook(Ledger(sources), {}, Limits(), XTTS)
    assert found.words == "No speech was found in 2 recordings."
    assert found.advice == ("Nothing came of “bad <b>.wav”: It is no sound file. Give another.",)


def test_advice_about_speakers_noise_and_language() -> None:
    some = segments(70 * MINUTE, snr_db=12.0) + segments(3, first=9_000, speaker="Bob", snr_db=12.0)
    ledger = Ledger((Source("a", "a.wav", "a" * 64, 9),), some, "nl")
    said = " ".join(outlook(ledger, {}, Limits(other_languages=True), QWEN).advice)
    assert "SNR of 12 dB on average" in said
    assert "Of “Bob” there are only 30 s; a voice of its own needs 10 min." in said
    assert "Qwen3-TTS was not made for the language nl. XTTS was." in said


def test_all_kept_of_a_large_set_needs_no_advice() -> None:
    found = of(segments(121 * MINUTE))
    assert found.words == "All 2 h are kept; enough for LoRA and for full fine-tuning."
    assert found.advice == ()


def test_every_reason_has_its_words() -> None:
    assert set(LOSSES) == set(REASONS)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (LEAST_S - 1, "too little to train on"),
        (LORA_S - 1, "thin for LoRA, too little for full fine-tuning"),
        (LORA_S, "enough for LoRA, too little for full fine-tuning"),
        (FULL_S - 1, "enough for LoRA, thin for full fine-tuning"),
        (FULL_S, "enough for LoRA and for full fine-tuning"),
    ],
)
def test_what_an_amount_is_enough_for(seconds: float, words: str) -> None:
    assert fitness(seconds) == words


def test_amounts_are_read_at_a_glance() -> None:
    given = (0, 45.4, 252, 60 * 42.3, 12_600, 3600 * 23.96)
    assert [amount(each) for each in given] == ["0 s", "45 s", "4.2 min", "42 min", "3.5 h", "24 h"]


def test_ten_thousand_segments_follow_a_slider() -> None:
    some = segments(5_000) + segments(5_000, first=5_000, snr_db=5.0)
    ledger = Ledger((), some, "en")
    taken = []
    for _ in range(3):
        began = time.process_time()  # of ours alone: the machine is shared
        outlook(ledger, {}, Limits(), XTTS)
        taken.append(time.process_time() - began)
    assert min(taken) < 0.15


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(asdict(of(segments(3)))))["kept"] == 3
