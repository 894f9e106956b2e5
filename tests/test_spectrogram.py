"""Promises of the spectrogram: the right row, the right level, and colours that can be read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from studio.audio.spectrogram import (
    CEILING_DB,
    COLUMNS,
    FLOOR_DB,
    ROWS,
    Picture,
    as_png,
    colours,
    row_frequencies,
    spectrogram,
)
from studio.audio.types import Audio

RATE = 24_000


def tone(frequency: float, level: float = 0.01, seconds: float = 1.0, rate: int = RATE) -> Audio:
    at = np.arange(round(seconds * rate)) / rate
    return Audio((level * np.sin(2 * np.pi * frequency * at)).astype(np.float32), rate)


def decibels(value: int) -> float:
    return FLOOR_DB + value / 255 * (CEILING_DB - FLOOR_DB)


def brightest(picture: Picture, column: int = 50) -> int:
    return int(picture[:, column].argmax())


@pytest.mark.parametrize("frequency", [100, 440, 1_000, 3_000, 8_000])
@pytest.mark.parametrize("rate", [22_050, 24_000, 48_000])
def test_a_tone_lights_the_row_of_its_frequency(frequency: float, rate: int) -> None:
    row = brightest(spectrogram(tone(frequency, rate=rate)))
    middles = row_frequencies()
    assert abs(middles - frequency).argmin() == pytest.approx(row, abs=1)
    assert 0.85 < middles[row] / frequency < 1.18


@pytest.mark.parametrize("level", [0.1, 0.01, 0.001])
def test_its_brightness_is_its_level(level: float) -> None:
    picture = spectrogram(tone(1_000, level))
    assert decibels(picture[brightest(picture), 50]) == pytest.approx(20 * np.log10(level), abs=0.6)


def test_high_is_up_and_late_is_right() -> None:
    assert (np.diff(row_frequencies()) < 0).all()
    low, high = tone(300), tone(6_000)
    picture = spectrogram(Audio(np.concatenate([low.samples, high.samples]), RATE))
    assert brightest(picture, 20) > ROWS / 2 > brightest(picture, -20)


def test_silence_is_dark_and_full_scale_stays_within_the_range() -> None:
    assert spectrogram(Audio(np.zeros(RATE, np.float32), RATE)).max() == 0
    assert spectrogram(tone(1_000, level=1.0)).max() == 255


def test_frequencies_that_a_rate_does_not_reach_stay_dark() -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 16_000).astype(np.float32)
    picture = spectrogram(Audio(noise, 16_000))
    above = row_frequencies() > 8_200
    assert picture[above].max() == 0
    assert picture[~above].mean() > 100


@pytest.mark.parametrize(
    ("samples", "columns"), [(1, 1), (600, 1), (RATE, 196), (20 * RATE, COLUMNS), (0, 1)]
)
def test_a_sound_of_any_length_has_a_picture(samples: int, columns: int) -> None:
    picture = spectrogram(Audio(np.full(samples, 0.1, np.float32), RATE))
    assert picture.shape == (ROWS, columns)
    assert picture.dtype == np.uint8


def test_the_picture_is_a_png_in_these_colours() -> None:
    picture = spectrogram(tone(1_000))
    with Image.open(io.BytesIO(as_png(picture))) as image:
        assert image.size == picture.shape[::-1]
        shown = np.asarray(image.convert("RGB"))
    assert (shown == colours()[picture]).all()


def test_brighter_is_lighter_in_grey_as_well() -> None:
    grey = colours() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(grey) > -1.0).all()  # but for what rounding does
    assert (np.diff(grey[::8]) > 0).all()
    assert grey[0] < 12
    assert grey[-1] > 235
