"""Promises of how the animator's mouth follows phonemes and sound."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.animator.loudness import heard
from engines.animator.motion import blinks, sway
from engines.animator.track import MouthState, spoken
from engines.animator.visemes import _UNKNOWN, CLOSED, LIP_TO_TEETH, REST, visemes_of
from engines.base import PhonemeTiming
from engines.espeak.ipa import TABLE
from studio.control import Control
from studio.errors import BadInput, Cancelled
from tests.animation import said
from tests.spoken import RATE, saved, silence
from tests.spoken import spoken as sound_of


def openings(states: Sequence[MouthState]) -> np.ndarray:
    return np.array([state.opening for state in states])


# Visemes


def test_every_symbol_of_every_language_is_known() -> None:
    table = json.loads(TABLE.read_text("utf-8"))
    groups = [table["shared"], *table["languages"].values()]
    symbols = {symbol for group in groups for kind in group.values() for symbol in kind}
    assert len(symbols) > 300
    unknown = [symbol for symbol in symbols if any(v == _UNKNOWN for v, _ in visemes_of(symbol))]
    assert unknown == []


@pytest.mark.parametrize(
    ("symbol", "same"),
    [
        ("ˈa", "a"), ("ˌi", "i"), ("aː", "a"), ("ã", "a"), ("ɔ̃", "ɔ"), ("pʰ", "p"), ("n̩", "n"), ("t̪", "t"),
        ("AA1", "ɑ"), ("IY0", "i"), ("M", "m"), ("HH", "h"), ("ER", "ɝ"), ("UW2", "u"), ("sil", ""), ("SP", ""),
    ],
)  # fmt: skip
def test_marks_and_spellings_do_not_change_the_mouth(symbol: str, same: str) -> None:
    assert [v for v, _ in visemes_of(symbol)] == [v for v, _ in visemes_of(same)]


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("aɪ", "a ɪ"),
        ("oʊ", "o ʊ"),
        ("tʃ", "t ʃ"),
        ("t͡s", "t s"),
        ("iou", "i o u"),
        ("AY1", "a ɪ"),
        ("JH", "d ʒ"),
    ],
)
def test_diphthongs_and_affricates_move(symbol: str, parts: str) -> None:
    assert [v for v, _ in visemes_of(symbol)] == [visemes_of(part)[0][0] for part in parts.split()]
    assert sum(share for _, share in visemes_of(symbol)) == pytest.approx(1)


def test_lips_close_round_and_spread_where_the_sound_needs_it() -> None:
    first = {symbol: visemes_of(symbol)[0][0] for symbol in "aiuompbfvsw"}
    assert all(first[symbol] == CLOSED for symbol in "pbm")
    assert all(first[symbol] == LIP_TO_TEETH for symbol in "fv")
    assert first["a"].opening > first["o"].opening > first["u"].opening > first["f"].opening > 0
    assert first["u"].width < first["o"].width < 1 < first["i"].width
    assert first["w"].width < 0.8
    assert visemes_of("kʷ")[0][0].width < visemes_of("k")[0][0].width
    assert visemes_of("(en)") == visemes_of("") == ((REST, 1.0),)


def test_a_letter_of_no_table_moves_the_mouth_a_little() -> None:
    assert 0 < visemes_of("ꝁ")[0][0].opening < 0.2


# Tracks of phonemes


@settings(max_examples=40, deadline=None)
@given(start=st.floats(0.2, 0.6), length=st.floats(0.012, 0.15), fps=st.sampled_from([25, 30]))
def test_a_closure_is_reached_however_short_it_is(start: float, length: float, fps: int) -> None:
    phonemes = (
        PhonemeTiming("a", 0, start),
        PhonemeTiming("b", start, start + length),
        PhonemeTiming("a", start + length, 1.2),
    )
    track = list(spoken(phonemes, fps, round(1.2 * fps)))
    middle = int((start + length / 2) * fps)
    near = track[max(0, middle - 1) : middle + 2]
    assert min(state.opening for state in near) == pytest.approx(0, abs=1e-6)
    assert min(state.rest for state in near) == pytest.approx(0, abs=1e-6)
    assert max(openings(track)) > 0.2


def test_vowels_are_reached_and_pauses_rest() -> None:
    track = list(spoken(said("m a m a . . . . u u f a", 0.15), 25, 46))
    assert openings(track).max() > 0.26
    assert min(state.width for state in track[30:38]) < 0.78
    pause = track[19:25]
    assert all(state.rest > 0.95 and state.opening < 0.01 for state in pause)
    teeth = [state.opening for state in track[38:41]]
    assert min(teeth) == pytest.approx(LIP_TO_TEETH.opening, abs=0.01)


def test_a_hole_between_two_phonemes_is_no_pause() -> None:
    phonemes = (PhonemeTiming("a", 0, 0.5), PhonemeTiming("a", 0.55, 1.0))
    assert openings(list(spoken(phonemes, 25, 25)))[2:-2].min() > 0.25


def test_the_mouth_is_in_step_with_the_phonemes() -> None:
    phonemes = said("m a n ə t iː p ʌ l o k a m u s ɛ b a f i n æ", 0.09)
    for fps in (25, 30):
        count = round(22 * 0.09 * fps)
        track = openings(list(spoken(phonemes, fps, count)))
        times = (np.arange(count) + 0.5) / fps
        target = np.array([_target(phonemes, time) for time in times])
        lags = {lag: np.corrcoef(np.roll(track, -lag)[3:-3], target[3:-3])[0, 1] for lag in range(-3, 4)}
        assert np.corrcoef(track, target)[0, 1] > 0.82
        assert max(lags, key=lambda lag: lags[lag]) == 0


def _target(phonemes: Sequence[PhonemeTiming], time: float) -> float:
    found = [p for p in phonemes if p.start <= time < p.end]
    return visemes_of(found[0].symbol)[0][0].opening if found else 0.0


def test_a_long_track_is_made_in_windows_that_fit_together() -> None:
    phonemes = said("a m i t u l o f a s " * 60, 0.07)  # 42 s, several windows
    whole = openings(list(spoken(phonemes, 25, 1050)))
    later = tuple(PhonemeTiming(p.symbol, p.start - 7.0, p.end - 7.0) for p in phonemes if p.start > 5)
    assert np.allclose(
        openings(list(spoken(later, 25, 800)))[20:], whole[175 + 20 : 175 + 800], atol=1e-6
    )
    first = next(iter(spoken(phonemes, 25, 10**9)))  # hours and hours: nothing of them is made before
    assert first.opening == pytest.approx(whole[0])


def test_no_phonemes_and_phonemes_out_of_order_are_harmless() -> None:
    assert all(state.rest == pytest.approx(1) for state in spoken((), 25, 10))
    mixed = (PhonemeTiming("a", 0.5, 1.0), PhonemeTiming("m", 0.0, 0.5), PhonemeTiming("x", 0.3, 0.3))
    assert openings(list(spoken(mixed, 25, 25)))[[3, 20]] == pytest.approx([0, 0.28], abs=0.01)


# Tracks of sound alone


def test_sound_opens_the_mouth_and_silence_closes_it(tmp_path: Path) -> None:
    speech = sound_of()
    sound = saved(tmp_path / "s.wav", np.concatenate([silence(0.6), speech, silence(0.8)]))
    seconds = 1.4 + len(speech) / RATE
    count = round(seconds * 25)
    track = list(heard(sound, 25, count, Control()))
    assert len(track) == count
    assert max(openings(track)) > 0.15
    quiet = track[:13] + track[-16:]
    assert all(state.opening < 0.01 and state.rest > 0.95 for state in quiet)
    # It is in step: the energy of a frame and the opening rise and fall together.
    energy = [
        np.sqrt(np.mean(np.square(part)))
        for part in np.array_split(np.concatenate([silence(0.6), speech, silence(0.8)]), count)
    ]
    lags = [np.corrcoef(np.roll(openings(track), -lag), energy)[0, 1] for lag in (-2, -1, 0, 1, 2)]
    assert int(np.argmax(lags)) == 2
    assert max(lags) > 0.7


@pytest.mark.parametrize("level", [0.02, 1.0])
def test_how_loud_a_recording_is_does_not_matter(tmp_path: Path, level: float) -> None:
    sound = saved(tmp_path / "s.wav", sound_of(), level)
    assert 0.15 < openings(list(heard(sound, 25, 60, Control()))).max() < 0.33


def test_digital_zeros_and_hiss_keep_the_mouth_shut(tmp_path: Path) -> None:
    faint = (np.random.default_rng(0).normal(size=RATE) * 3e-4).astype(np.float32)
    with np.errstate(all="raise"):
        for name, samples in (("zeros", silence(1)), ("faint", faint)):
            path = tmp_path / f"{name}.wav"
            soundfile.write(path, samples, RATE, subtype="FLOAT")
            assert list(heard(path, 25, 25, Control())) == [MouthState(0.0)] * 25


@pytest.mark.parametrize("count", [1, 3, 200])
def test_sound_of_another_length_gives_as_many_frames_as_asked(tmp_path: Path, count: int) -> None:
    sound = saved(tmp_path / "s.wav", sound_of()[: RATE // 2])
    track = list(heard(sound, 25, count, Control()))
    assert len(track) == count
    assert all(state.opening < 0.01 for state in track[25:])


def test_listening_can_be_cancelled_and_needs_a_sound(tmp_path: Path) -> None:
    control = Control()
    states = heard(saved(tmp_path / "s.wav", sound_of()), 25, 50, control)
    next(states)
    control.cancel()
    with pytest.raises(Cancelled):
        next(states)
    with pytest.raises(BadInput):
        next(heard(tmp_path / "none.wav", 25, 50, Control()))


# Blinks and sway


@pytest.mark.parametrize("fps", [25, 30])
def test_blinks_come_at_plausible_intervals(fps: int) -> None:
    closed = np.array(list(itertools.islice(blinks(1, 15, fps), 600 * fps)))
    begins = np.flatnonzero((closed[1:] > 0.3) & (closed[:-1] <= 0.3))
    intervals = np.diff(begins) / fps
    assert 130 <= len(begins) <= 170  # in ten minutes
    assert 1.5 < intervals.min() < intervals.max() < 7
    assert intervals.std() > 0.5
    lengths = [(closed[begin : begin + fps] > 0.05).sum() / fps for begin in begins]
    assert 0.1 <= min(lengths) <= max(lengths) <= 0.4
    peaks = [closed[begin : begin + fps // 2].max() for begin in begins]
    assert min(peaks) > 0.85
    assert not any(itertools.islice(blinks(1, 0, fps), 100))


def test_the_head_begins_where_it_is_and_sways_gently() -> None:
    path = np.array(list(itertools.islice(sway(3, 25), 3000)))
    assert path[0] == pytest.approx(0)
    assert 0.4 < np.abs(path).max() <= 1
    assert np.abs(np.diff(path, axis=0)).max() < 0.08  # between two frames
    assert np.abs(path.mean(0)).max() < 0.2


def test_chance_is_the_seeds() -> None:
    def drawn(seed: int) -> list[object]:
        return [*itertools.islice(blinks(seed, 15, 25), 300), *itertools.islice(sway(seed, 25), 300)]

    assert drawn(5) == drawn(5) != drawn(6)
