"""Promises of joining two recordings: no click, exact lengths, matched levels, honest refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.base import WordTiming
from studio.audio.joining import Joined, JoinSettings, join
from studio.audio.loudness import loudness
from studio.audio.processing import resample
from studio.audio.types import Audio, Samples
from studio.control import Control
from studio.errors import BadInput, Cancelled
from tests.audio_files import tone
from tests.spoken import RATE, silence, spoken

EXACT = JoinSettings(settle_s=0)
TEXT = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background."


def speech(level: float = 1.0, text: str = TEXT) -> Audio:
    return Audio(spoken(text) * np.float32(level), RATE)


def humming(seconds: float, hertz: float = 120.0, rate: int = RATE) -> Audio:
    """A voice without pauses: twenty harmonics, falling off as a voice's do."""
    overtones = [tone(seconds, rate, hertz * n, 0.3 / n**1.5) for n in range(1, 21)]
    return Audio(np.sum(overtones, axis=0).astype(np.float32) * np.float32(0.5), rate)


def roughness(samples: Samples, start: int, end: int, rate: int) -> float:
    """The most energy of the second difference that a millisecond between two samples has."""
    second = np.square(np.diff(samples[start:end].astype(np.float64), 2))
    window = max(1, rate // 1000)
    return float(np.convolve(second, np.ones(window), "valid").max())


def clicks(samples: Samples, joint: tuple[float, float], rate: int) -> bool:
    """Whether the joint is rougher than the 0.3 s on both sides of it."""
    start, end = (round(edge * rate) for edge in joint)
    around = round(0.3 * rate)
    beside = max(
        roughness(samples, max(0, start - around), start, rate),
        roughness(samples, end, end + around, rate),
    )
    return roughness(samples, start, end, rate) > 1.1 * beside


def hard_cut(own: Audio, expressive: Audio, made: Joined) -> Samples:
    """The same stretches, one put after the other."""
    rate = made.audio.sample_rate
    parts = []
    for audio, (start, end) in ((own, made.own), (expressive, made.expressive)):
        samples = resample(audio, rate).samples
        parts.append(samples[round(start * rate) : round(end * rate)])
    return np.concatenate(parts)


def length(made: Joined) -> int:
    """What the result's length has to be, in samples."""
    rate = made.audio.sample_rate
    stretches = (made.own, made.expressive, (made.joint[1], made.joint[0]))
    return sum(round(end * rate) - round(start * rate) for start, end in stretches)


@pytest.mark.parametrize("crossfade_ms", [50.0, 100.0, 200.0])
@pytest.mark.parametrize("settle_s", [0.0, 0.4])
def test_no_click_stands_at_the_joint(crossfade_ms: float, settle_s: float) -> None:
    settings = JoinSettings(crossfade_ms=crossfade_ms, settle_s=settle_s, own_s=2, expressive_s=2)
    for own, expressive in (
        (humming(4), humming(4, 233.0)),
        (speech(), humming(4)),
        (speech(), speech(0.2, "We will see you at the station this morning.")),
    ):
        made = join(own, expressive, settings)
        assert not clicks(made.audio.samples, made.joint, made.audio.sample_rate)


def test_a_hard_cut_would_be_noticed() -> None:
    """So that the test above can be trusted."""
    own, expressive = humming(4), Audio(-humming(4, 233.0).samples[37:], RATE)
    made = join(own, expressive, replace(EXACT, own_s=2, expressive_s=2))
    assert not clicks(made.audio.samples, made.joint, made.audio.sample_rate)
    cut, at = hard_cut(own, expressive, made), made.joint[1]
    cut[round(at * made.audio.sample_rate) :] += 0.1  # even where both happen to be near zero
    assert clicks(cut, (at - 0.05, at + 0.05), made.audio.sample_rate)


def test_the_ends_of_the_result_do_not_click_either() -> None:
    made = join(humming(8), humming(8, 233.0), EXACT)
    assert abs(made.audio.samples[0]) < 0.01
    assert abs(made.audio.samples[-1]) < 0.01


@pytest.mark.parametrize(
    ("own_rate", "other_rate"), [(8_000, 44_100), (48_000, 22_050), (24_000, 24_000)]
)
def test_lengths_are_exact_to_the_sample(own_rate: int, other_rate: int) -> None:
    own, expressive = humming(9, rate=own_rate), humming(9, rate=other_rate)
    for rate in (None, 24_000, 44_100):
        made = join(own, expressive, replace(EXACT, sample_rate=rate, crossfade_ms=130))
        used = made.audio.sample_rate
        assert used == (rate or max(own_rate, other_rate, 24_000))
        assert len(made.audio.samples) == 10 * used - round(0.130 * used)
        assert made.joint == pytest.approx((4.87, 5.0), abs=1 / used)
        settled = join(own, expressive, JoinSettings(sample_rate=rate))
        assert len(settled.audio.samples) == length(settled)


def test_an_edge_moves_no_further_than_it_may() -> None:
    own, expressive = speech(), speech(1, TEXT[::-1])
    for reach in (0.1, 0.4):
        made = join(own, expressive, JoinSettings(own_s=2, own_start=1, expressive_s=2, settle_s=reach))
        assert made.own == pytest.approx((1, 3), abs=reach + 0.004)
        assert made.expressive[1] == pytest.approx(made.expressive[0] + 2, abs=2 * reach + 0.008)


def test_an_edge_goes_into_a_pause_near_it() -> None:
    first, second = humming(3).samples, humming(3, 233.0).samples
    own = Audio(np.concatenate([first, silence(0.2), first]), RATE)  # the pause is at 3.0 to 3.2 s
    expressive = Audio(np.concatenate([second, silence(0.2), second]), RATE)
    made = join(own, expressive, JoinSettings(own_start=0, own_s=2.8, expressive_s=3.4))
    assert 3.0 <= made.own[1] - 0.05 <= 3.2
    assert 3.0 <= made.expressive[1] <= 3.2


def test_no_edge_lies_in_a_word_where_their_times_are_known() -> None:
    humming_on = humming(10)
    words = [WordTiming(f"w{n}", n * 0.37, (n + 1) * 0.37 - 0.01) for n in range(27)]
    settings = JoinSettings(expressive_start=1)
    made = join(humming_on, humming_on, settings, own_words=words, expressive_words=words)
    heard = (made.own[0], made.own[1] - 0.05, made.expressive[0] + 0.05, made.expressive[1])
    for edge in heard:
        assert not any(word.start + 0.01 < edge < word.end - 0.01 for word in words), edge


def test_the_crossfade_eats_no_word_where_the_recordings_begin_and_end() -> None:
    """Instead silence is put in, as long as the crossfade."""
    made = join(humming(2), humming(3, 233.0), JoinSettings())
    assert made.own == pytest.approx((0, 2.1), abs=1e-3)
    assert made.expressive == pytest.approx((-0.1, 3), abs=1e-3)
    assert made.audio.duration == pytest.approx(2 + 3 + 0.1, abs=2e-3)
    assert len(made.audio.samples) == length(made)


def test_silence_before_the_expressive_words_makes_no_hole() -> None:
    expressive = Audio(np.concatenate([silence(1.5), speech().samples]), RATE)
    made = join(humming(6), expressive)
    assert 1.2 < made.expressive[0] < 1.7


def test_the_middle_is_that_of_the_speech_and_a_region_is_where_it_was_chosen() -> None:
    own = Audio(np.concatenate([silence(6), humming(7).samples]), RATE)
    middle = join(own, humming(6), JoinSettings(own_s=3, settle_s=0.1))
    assert middle.own == pytest.approx((8, 11), abs=0.12)
    chosen = join(own, humming(6), replace(EXACT, own_s=3, own_start=9.5))
    assert chosen.own == pytest.approx((9.5, 12.5), abs=1e-4)


@pytest.mark.parametrize("quieter", [1.0, 0.05])
def test_levels_are_matched_to_the_own_voice(quieter: float) -> None:
    own, expressive = humming(8), Audio(humming(8, 233.0).samples * np.float32(quieter), RATE)
    made = join(own, expressive, EXACT)
    rate, at = made.audio.sample_rate, round(made.joint[0] * made.audio.sample_rate)
    before = loudness(Audio(made.audio.samples[:at], rate))
    after = loudness(Audio(made.audio.samples[at + round(0.2 * rate) :], rate))
    assert before == pytest.approx(after, abs=0.3)
    assert made.own_gain_db == pytest.approx(0, abs=0.01)
    assert before == pytest.approx(loudness(own), abs=0.2)


def test_one_decibel_of_headroom_is_left() -> None:
    loud = Audio(humming(8).samples / np.abs(humming(8).samples).max(), RATE)
    made = join(loud, humming(8, 233.0), EXACT)
    assert np.abs(made.audio.samples).max() == pytest.approx(10 ** (-1 / 20), rel=1e-3)
    assert made.own_gain_db < -0.9


def test_a_recording_that_is_shorter_than_asked_is_used_whole() -> None:
    made = join(humming(1.2), humming(0.8, 233.0), EXACT)
    assert made.own == pytest.approx((0, 1.2))
    assert made.expressive == pytest.approx((0, 0.8))
    assert made.audio.duration == pytest.approx(1.9, abs=1e-4)


@pytest.mark.parametrize("settings", [EXACT, JoinSettings()])
def test_silence_is_refused_and_named(settings: JoinSettings) -> None:
    quiet = Audio(silence(8), RATE)
    with pytest.raises(BadInput, match="your recording is silent"):
        join(quiet, humming(8), settings)
    with pytest.raises(BadInput, match="expressive clip is silent"):
        join(humming(8), quiet, settings)
    half = Audio(np.concatenate([silence(8), humming(2).samples]), RATE)
    with pytest.raises(BadInput, match="silent"):
        join(half, humming(8), replace(settings, own_start=1.0))


@pytest.mark.parametrize("settings", [EXACT, JoinSettings()])
def test_what_is_too_short_is_refused(settings: JoinSettings) -> None:
    with pytest.raises(BadInput, match=r"0\.3 s, which is too short"):
        join(humming(0.3), humming(8), settings)
    with pytest.raises(BadInput, match=r"not enough of the expressive clip after 7\.8 s"):
        join(humming(8), humming(8), replace(settings, expressive_start=7.8))


@pytest.mark.parametrize(
    "wrong",
    [
        JoinSettings(crossfade_ms=49),
        JoinSettings(crossfade_ms=201),
        JoinSettings(own_s=0.1),
        JoinSettings(expressive_s=float("nan")),
        JoinSettings(own_start=-1),
        JoinSettings(expressive_start=float("inf")),
        JoinSettings(settle_s=5),
        JoinSettings(sample_rate=0),
    ],
)
def test_settings_out_of_range_are_refused(wrong: JoinSettings) -> None:
    with pytest.raises(BadInput, match="cannot be"):
        join(humming(8), humming(8), wrong)


def test_it_can_be_stopped() -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        join(humming(8), humming(8), control=control)
