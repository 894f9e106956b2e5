"""Promises of the signal-to-noise estimate: right within 1.5 dB on average, and it says when it cannot."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from studio.audio import vad
from studio.audio.reading import blocks, read
from studio.audio.resampling import resample
from studio.audio.snr import Snr, estimate, noise_floor
from studio.audio.types import Audio, Samples
from tests.audio_files import tone
from tests.spoken import RATE, REAL, saved, silence, spoken

TEXT = (
    "The weather was fine when we left the harbour, and by noon we could no longer see the land. I have a "
    "small favour to ask of you this morning. Please read the letter on the kitchen table."
)
RATIOS = (0, 5, 10, 15, 20, 25, 30)


def noise(kind: str, count: int, seed: int = 1) -> Samples:
    """White or pink, of power 1."""
    drawn = np.random.default_rng(seed).standard_normal(count)
    if kind == "pink":
        bins = np.fft.rfft(drawn)
        drawn = np.fft.irfft(bins / np.sqrt(np.maximum(np.arange(len(bins)), 1)), count)
    return (drawn / np.sqrt(np.mean(drawn**2))).astype(np.float32)


def level(samples: Samples) -> float:
    """The mean square of where somebody speaks: the frames within 40 dB of the loudest."""
    power = np.square(samples[: len(samples) // 480 * 480].reshape(-1, 480)).mean(axis=1)
    return float(power[power > power.max() * 1e-4].mean())


def mixed(speech: Samples, kind: str, decibels: float) -> Samples:
    gain = np.sqrt(level(speech) / 10 ** (decibels / 10))
    whole = 0.5 * (speech + gain * noise(kind, len(speech)))
    return (whole / max(1.0, np.abs(whole).max())).astype(np.float32)


def errors(speech: Samples, own: float = 99.0) -> tuple[list[float], int]:
    """How far the estimates lie from the truth, and how often there was none; `own`: the speech's own
    ratio, dB."""
    wrong, without = [], 0
    for kind, decibels in product(("white", "pink"), RATIOS):
        if decibels > own - 6:
            continue
        true = -10 * np.log10(10 ** (-decibels / 10) + 10 ** (-own / 10))
        found = estimate(mixed(speech, kind, decibels), RATE)
        if found.db is None:
            without += 1
        else:
            wrong.append(abs(found.db - true))
    return wrong, without


@pytest.mark.parametrize("seconds", [None, 6.0, 3.0])
def test_mixtures_of_known_ratio_are_told_within_one_and_a_half_decibels(seconds: float | None) -> None:
    speech = np.concatenate([silence(0.3), spoken(TEXT), silence(0.3)])
    first = 0 if seconds is None else 4 * RATE
    stretch = speech[first : None if seconds is None else first + round(seconds * RATE)]
    wrong, without = errors(stretch)
    assert without == 0
    assert np.mean(wrong) <= 1.5
    assert max(wrong) <= 4


def test_speech_without_a_pause_has_a_figure_only_where_it_is_noisy() -> None:
    speech = spoken()
    for kind in ("white", "pink"):
        noisy = estimate(mixed(speech, kind, 5), RATE)
        assert noisy.method == "wada"
        assert noisy.db == pytest.approx(5, abs=3)
        clean = estimate(mixed(speech, kind, 30), RATE)
        assert clean == Snr(None, reason=clean.reason)
        assert "pause" in clean.reason


def test_the_noise_of_the_whole_recording_serves_a_stretch_without_pauses() -> None:
    speech = np.concatenate([silence(1), spoken(TEXT), silence(1)])
    sound = mixed(speech, "white", 25)
    floor = noise_floor([sound[at : at + RATE] for at in range(0, len(sound), RATE)])
    assert floor is not None
    stretch = sound[RATE : RATE + round(2.5 * RATE)]
    assert estimate(stretch, RATE, floor).db == pytest.approx(25, abs=2.5)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_any_sample_rate_will_do(rate: int) -> None:
    sound = mixed(np.concatenate([silence(0.5), spoken(TEXT)]), "white", 20)
    other = resample(Audio(sound, RATE), rate)
    # Half of the noise is above what 8 kHz can hold.
    expected = 23 if rate == 8_000 else 20
    assert estimate(other.samples, rate).db == pytest.approx(expected, abs=2)


def test_an_offset_is_no_noise() -> None:
    sound = 0.5 * mixed(np.concatenate([silence(0.5), spoken(TEXT)]), "white", 30)
    assert estimate(sound + 0.1, RATE).db == pytest.approx(estimate(sound, RATE).db, abs=0.5)


def test_what_cannot_be_told_has_a_reason_and_no_figure() -> None:
    gated = np.concatenate([silence(1), spoken(), silence(1), spoken(), silence(1)])
    padded = np.concatenate([silence(1), 0.1 * noise("pink", 3 * RATE), silence(1)])
    for samples, word in [
        (np.zeros(0, np.float32), "no sound"),
        (silence(3), "no sound"),
        (tone(3, RATE), "drowns"),
        (spoken()[: RATE // 8], "speech"),
        (0.1 * noise("white", 3 * RATE), "drowns"),
        (0.1 * noise("pink", 3 * RATE), "drowns"),
        (gated, "muted"),
        (padded, ""),
    ]:
        found = estimate(np.asarray(samples, np.float32), RATE)
        assert found.db is None, found
        assert word in found.reason
        assert found.reason.endswith(".")


def test_silence_has_no_noise_floor() -> None:
    assert noise_floor([silence(5)]) is None
    assert noise_floor([]) is None


def test_a_file_is_measured_in_blocks(tmp_path) -> None:
    speech = np.concatenate([silence(1), spoken(TEXT), silence(1)])
    sound = mixed(speech, "pink", 15)
    path = saved(tmp_path / "noisy.wav", sound)
    assert noise_floor(blocks(path, vad.SAMPLE_RATE)) == pytest.approx(noise_floor([sound]), rel=0.01)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_real_speech_mixed_with_noise_is_told_as_well() -> None:
    wrong, without = [], 0
    for name in ("LJ001-0001", "LJ001-0005", "LJ001-0007", "2033-164914-0001", "2414-128291-0002"):
        speech = read(REAL / f"{name}.flac", RATE).samples
        own = estimate(speech, RATE).db
        assert own is not None
        assert own > 30, name
        more, none = errors(speech, own)
        wrong, without = wrong + more, without + none
    assert np.mean(wrong) <= 1.5
    assert without <= len(wrong) / 20
