"""Promises of cleaning up a reference: better in what was asked for, and the voice unharmed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.audio.cleaning import USUAL_LUFS, CleanUp, clean
from studio.audio.quality import Level
from studio.audio.reading import probe, read
from studio.audio.types import Samples
from studio.control import Control
from studio.errors import BadInput, Cancelled
from tests.spoken import RATE, REAL, SENTENCE, saved, silence, spoken

TEXT = "The weather was fine when we left the harbour."


def noisy(decibels: float = 40.0, start: float = 1.5, end: float = 2.0, level: float = 0.15) -> Samples:
    """Speech between two stretches of noise."""
    speech = spoken(TEXT)
    sound = np.concatenate([silence(start), speech, silence(0.4), spoken(), silence(end)])
    rms = np.sqrt(np.mean(np.square(speech))) / 10 ** (decibels / 20)
    hiss = rms * np.random.default_rng(2).standard_normal(len(sound))
    return (level / np.abs(sound).max() * (sound + hiss)).astype(np.float32)


def test_silence_is_trimmed_and_the_level_set(tmp_path: Path) -> None:
    source = saved(tmp_path / "it.wav", noisy())
    made = clean(source, tmp_path / "clean.wav", CleanUp())
    assert made.path == tmp_path / "clean.wav"
    assert made.before.level is Level.PROBLEM or made.before.fixable
    assert (made.before.leading_s, made.after.leading_s) == pytest.approx((1.5, 0.2), abs=0.1)
    assert made.after.trailing_s == pytest.approx(0.2, abs=0.15)
    assert made.offset == pytest.approx(made.before.leading_s - 0.2, abs=0.05)
    assert made.after.duration == pytest.approx(probe(made.path).duration)
    assert made.gain_db > 3
    for code in ("ends", "loudness"):
        finding = made.after.finding(code)
        assert finding is not None
        assert finding.level is Level.GOOD
    facts = probe(made.path)
    assert (facts.sample_rate, facts.channels, facts.codec) == (RATE, 1, "PCM_16")
    assert len(made.done) == 2
    assert all(sentence.endswith(".") for sentence in made.done)


def test_nothing_of_the_speech_is_lost(tmp_path: Path) -> None:
    source = saved(tmp_path / "it.wav", noisy())
    made = clean(source, tmp_path / "clean.wav", CleanUp(gain=False))
    before, after = read(source).samples, read(made.path).samples
    first = round(made.offset * RATE)
    same = slice(round(0.02 * RATE), len(after) - round(0.02 * RATE))  # but for the fades
    assert np.array_equal(before[first:][same], after[same])


def test_the_level_is_the_usual_one_unless_the_peak_forbids_it(tmp_path: Path) -> None:
    source = saved(tmp_path / "it.wav", noisy(level=0.9))
    quieter = clean(source, tmp_path / "quieter.wav", CleanUp(trim=False), lufs=-30.0)
    assert quieter.after.lufs == pytest.approx(-30, abs=0.3)
    assert "quieter" in quieter.done[0]
    loud = clean(source, tmp_path / "loud.wav", CleanUp(trim=False), lufs=-6.0)
    assert loud.after.peak_dbfs == pytest.approx(-1, abs=0.1)
    usual = clean(source, tmp_path / "usual.wav", CleanUp())
    assert usual.after.lufs is not None
    assert usual.after.lufs <= USUAL_LUFS + 0.3


@pytest.mark.parametrize("decibels", [10, 20, 30])
def test_noise_is_reduced_and_speech_is_not(tmp_path: Path, decibels: float) -> None:
    source = saved(tmp_path / "it.wav", noisy(decibels, level=0.6))
    made = clean(source, tmp_path / "clean.wav", CleanUp(trim=False, gain=False, denoise=True))
    assert made.before.snr_db is not None
    assert made.after.snr_db is not None
    assert made.after.snr_db > made.before.snr_db + 5
    speech, cleaned = noisy(200, level=0.6), read(made.path).samples
    kept = float(np.dot(cleaned, speech) / np.dot(speech, speech))
    assert 20 * np.log10(kept) > -3


def test_noise_without_a_pause_to_learn_it_from_is_left(tmp_path: Path) -> None:
    source = saved(tmp_path / "it.wav", 0.5 * spoken())
    made = clean(source, tmp_path / "clean.wav", CleanUp(trim=False, gain=False, denoise=True))
    assert "no pause" in made.done[0]
    assert np.array_equal(read(source).samples, read(made.path).samples)


def test_what_is_fine_already_says_so(tmp_path: Path) -> None:
    source = saved(tmp_path / "it.wav", noisy())
    once = clean(source, tmp_path / "once.wav", CleanUp())
    again = clean(once.path, tmp_path / "again.wav", CleanUp())
    assert again.done == ("There was nothing to do.",)
    assert np.array_equal(read(once.path).samples, read(again.path).samples)


def test_a_part_is_cleaned_alone_and_may_replace_its_source(tmp_path: Path) -> None:
    sound = noisy()
    path = saved(tmp_path / "it.wav", np.concatenate([sound, sound]))
    length = len(sound) / RATE
    made = clean(
        path, path, CleanUp(), length, 2 * length, transcript=f"{TEXT} {SENTENCE}", language="en"
    )
    assert made.before.duration == pytest.approx(length, abs=0.01)
    assert probe(path).duration < length - 2
    finding = made.after.finding("transcript")
    assert finding is not None
    assert finding.level is Level.GOOD


def test_stereo_and_other_rates_come_out_as_mono_of_the_same_rate(tmp_path: Path) -> None:
    sound = noisy()
    soundfile.write(tmp_path / "it.flac", np.stack([sound, sound], 1), 44_100)
    made = clean(tmp_path / "it.flac", tmp_path / "it.wav", CleanUp())
    facts = probe(made.path)
    assert (facts.sample_rate, facts.channels) == (44_100, 1)


def test_silence_and_what_is_stopped_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="silent"):
        clean(saved(tmp_path / "none.wav", silence(3)), tmp_path / "clean.wav", CleanUp())
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        clean(saved(tmp_path / "it.wav", noisy()), tmp_path / "clean.wav", CleanUp(), control=control)
    assert {path.name for path in tmp_path.iterdir()} == {"none.wav", "it.wav"}


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_a_real_quiet_and_a_real_noisy_recording_get_better(tmp_path: Path) -> None:
    quiet = clean(REAL / "2414-128291-0001.flac", tmp_path / "quiet.wav", CleanUp())
    assert (quiet.before.lufs or 0) < -30 < (quiet.after.lufs or 0)
    steps = CleanUp(denoise=True)
    noisy_one = clean(REAL / "1998-15444-0001.flac", tmp_path / "noisy.wav", steps)
    assert (noisy_one.after.snr_db or 0) > (noisy_one.before.snr_db or 99) + 5
