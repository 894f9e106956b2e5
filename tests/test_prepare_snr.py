"""Promises of the noise that is measured of segments: right within 1.5 dB, where it changes as well."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from studio.audio.types import Samples
from studio.control import Control
from studio.dataset.values import PrepareSettings, Segment
from tests.audio_files import wav
from tests.spoken import RATE, silence, spoken
from training.prepare.recording import RecordingTask, prepare

TEXTS = (
    "The weather was fine when we left the harbour, and by noon we could no longer see the land.",
    "I have a small favour to ask of you this morning.",
    "Please read the letter on the kitchen table, before you go.",
)
RATIOS = (0, 5, 10, 15, 20, 25, 30)


def noise(kind: str, count: int, seed: int = 1) -> Samples:
    """White or pink from 20 Hz on, of power 1."""
    bins = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    bins[hertz < 20] = 0
    if kind == "pink":
        bins /= np.sqrt(np.maximum(hertz, 20))
    drawn = np.fft.irfft(bins, count)
    return (drawn / np.sqrt(np.mean(drawn**2))).astype(np.float32)


def level(samples: Samples) -> float:
    """The mean square of where somebody speaks: the frames within 40 dB of the loudest."""
    power = np.square(samples[: len(samples) // 480 * 480].reshape(-1, 480)).mean(axis=1)
    return float(power[power > power.max() * 1e-4].mean())


def segments_of(folder: Path, samples: Samples, **settings: object) -> tuple[Segment, ...]:
    path = wav(folder / "noisy.wav", (samples * 0.5 / max(0.5, np.abs(samples).max())), RATE, "FLOAT")
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    chosen = PrepareSettings(**settings)  # type: ignore[arg-type]
    return prepare(RecordingTask(path, content, (), chosen, folder / "cache"), Control()).segments


def errors(segments: tuple[Segment, ...], speech: Samples, noise: Samples) -> list[float]:
    found = []
    for segment in segments:
        part = slice(round(segment.start * RATE), round(segment.end * RATE))
        true = 10 * np.log10(level(speech[part]) / np.mean(noise[part] ** 2))
        if segment.snr_db is None:
            assert segment.snr_note.endswith(".")
        else:
            found.append(abs(segment.snr_db - true))
    return found


def test_segments_of_known_ratio_are_told_within_one_and_a_half_decibels(tmp_path: Path) -> None:
    speech = np.concatenate([silence(0.6), *(np.r_[spoken(text), silence(0.5)] for text in TEXTS)])
    wrong: list[float] = []
    for kind, ratios in (("white", RATIOS[::2]), ("pink", RATIOS[1::2])):
        for decibels in ratios:
            added = noise(kind, len(speech)) * np.sqrt(level(speech) / 10 ** (decibels / 10))
            wrong += errors(segments_of(tmp_path, speech + added), speech, added)
    assert len(wrong) >= 15
    assert np.mean(wrong) <= 1.5


def test_noise_that_comes_and_goes_is_found_where_it_is(tmp_path: Path) -> None:
    speech, added = [silence(0.5)], [1e-4 * noise("pink", RATE // 2)]
    decibels = [30, 3, 30, 30, 5, 30, 30, 30, 4]
    for index, each in enumerate(decibels):
        said = np.concatenate([spoken(TEXTS[index % 3]), silence(1.8)])
        gain = np.sqrt(level(said) / 10 ** (each / 10))
        speech.append(said)
        added.append(noise("pink", len(said), index) * gain)
    all_speech, all_noise = np.concatenate(speech), np.concatenate(added)
    told = []
    for segment in segments_of(tmp_path, all_speech + all_noise):
        part = slice(round(segment.start * RATE), round(segment.end * RATE))
        true = 10 * np.log10(level(all_speech[part]) / np.mean(all_noise[part] ** 2))
        assert segment.snr_db is not None
        # A segment may reach from one into the other, and is then told a few decibels too well.
        told.append(segment.snr_db < 13)
        if true < 7 or true > 20:
            assert told[-1] == (true < 7), (segment, true)
    assert told.count(True) >= 2
    assert told.count(False) >= 3


def test_what_cannot_be_told_has_no_figure_but_a_reason(tmp_path: Path) -> None:
    (segment,) = segments_of(tmp_path, np.concatenate([silence(1), spoken(), silence(1)]))
    assert segment.snr_db is None
    assert segment.snr_note.endswith(".")


def test_the_ratio_after_noisereduce_is_there_for_those_who_want_it(tmp_path: Path) -> None:
    speech = np.concatenate([silence(0.6), spoken(TEXTS[0]), silence(0.6)])
    added = noise("white", len(speech)) * np.sqrt(level(speech) / 100)
    (segment,) = segments_of(tmp_path, speech + added, snr_method="noisereduce")
    assert segment.snr_note == "noisereduce"
    assert segment.snr_db == pytest.approx(5, abs=8)
