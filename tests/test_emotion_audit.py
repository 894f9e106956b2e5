"""Promises of the emotion audit: true numbers, warnings that name what is alike, honest gaps."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engines.base import EngineFolders, Placement, SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.types import Samples
from studio.control import Control
from studio.errors import Cancelled
from studio.models.folders import ModelFolders
from studio.services.emotion_audit import EmotionMeasure, audit
from studio.services.personality_values import Emotion, Personality
from tests.audio_files import tone, wav

RATE = 22_050
TEXT = "Glue the sheet to the dark blue background, and it is done."


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For recordings of several tests: each is measured once."""
    return tmp_path_factory.mktemp("kept")


@cache
def said(pitch: float = 50, speed: float = 1.0, voice: str = "gmw/en-US") -> Samples:
    nowhere = Path("unused")
    engine = EspeakEngine(EngineFolders(nowhere, ModelFolders(nowhere, nowhere)))
    engine.load(Placement("cpu", "float32"), "")
    try:
        request = SpeechRequest(TEXT, "en-us", speaker=voice, speed=speed, options={"pitch": pitch})
        return np.concatenate([chunk.audio.samples for chunk in engine.stream(request, Control())])
    finally:
        engine.unload()


def humming(hertz: float, seconds: float = 2.0, glide_st: float = 0.0) -> Samples:
    """A voice at `hertz` that glides over `glide_st` semitones, with four syllables a second."""
    times = np.arange(round(seconds * RATE)) / RATE
    semitones = glide_st * (times / seconds - 0.5)
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** (semitones / 12)) / RATE
    voice = sum(np.sin(number * phase) / number**1.2 for number in range(1, 25))
    syllables = 0.55 - 0.45 * np.cos(2 * np.pi * 4 * times)
    return np.asarray(0.1 * voice * syllables, np.float32)


def personality(folder: Path, **sounds: Samples) -> Personality:
    emotions = [
        Emotion(tag, wav(folder / f"{tag}.wav", samples, RATE), len(samples) / RATE)
        for tag, samples in sounds.items()
    ]
    return Personality("id", "Ada", 0.0, 0.0, "", tuple(emotions))


def measured(folder: Path, samples: Samples) -> EmotionMeasure:
    return audit(personality(folder, neutral=samples)).measures[0]


@pytest.mark.parametrize("hertz", [90.0, 140.0, 220.0, 330.0])
def test_pitch_is_measured_in_hertz(tmp_path: Path, hertz: float) -> None:
    assert measured(tmp_path, humming(hertz, 1.5)).f0_hz == pytest.approx(hertz, rel=0.02)


@pytest.mark.parametrize("glide", [0.0, 4.0, 10.0])
def test_range_is_measured_in_semitones(tmp_path: Path, glide: float) -> None:
    found = measured(tmp_path, humming(180, glide_st=glide)).f0_range_st
    assert found == pytest.approx(0.9 * glide, abs=0.6)


def test_energy_is_that_of_the_speech_without_its_pauses(tmp_path: Path) -> None:
    loud = measured(tmp_path, humming(180)).energy_db
    quiet = measured(tmp_path, humming(180) * np.float32(0.1)).energy_db
    paused = measured(tmp_path, np.concatenate([humming(180), np.zeros(3 * RATE, np.float32)])).energy_db
    assert loud is not None
    assert quiet == pytest.approx(loud - 20, abs=0.1)
    assert paused == pytest.approx(loud, abs=0.3)


def test_rate_counts_syllables(tmp_path: Path) -> None:
    rates = [measured(tmp_path, said(speed=speed)).rate_syl_s or 0 for speed in (0.7, 1.0, 1.3)]
    assert rates == sorted(rates)
    assert rates[2] > 1.3 * rates[0]
    assert measured(tmp_path, humming(180)).rate_syl_s == pytest.approx(4, rel=0.25)


def test_emotions_that_differ_are_told_apart_in_their_order(kept: Path) -> None:
    found = audit(personality(kept, neutral=said(), happy=said(80, 1.4), sad=said(20, 0.8)))
    assert [each.tag for each in found.measures] == ["neutral", "happy", "sad"]
    assert found.warnings == ()
    neutral, happy, sad = (each.f0_hz or 0 for each in found.measures)
    assert sad < neutral < happy


def test_two_that_measure_alike_are_named(kept: Path) -> None:
    found = audit(personality(kept, neutral=said(), happy=said(80, 1.4), excited=said(81, 1.42)))
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("“happy” and “excited” measure alike (")
    assert "Hz" in found.warnings[0]


def test_level_alone_tells_two_apart(kept: Path) -> None:
    found = audit(personality(kept, neutral=said(), loud=said() * np.float32(0.4)))
    assert found.warnings == ()


def test_silence_has_no_numbers_and_that_is_said(kept: Path) -> None:
    found = audit(personality(kept, neutral=said(), calm=tone(3, RATE, level=0.0)))
    silent = found.measures[1]
    assert (silent.f0_hz, silent.f0_range_st, silent.energy_db, silent.rate_syl_s) == (None,) * 4
    assert silent.duration == pytest.approx(3)
    assert found.warnings == ("“calm”: It is silent, so nothing can be measured.",)


def test_a_whisper_has_energy_only(kept: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 3 * RATE).astype(np.float32)
    found = audit(personality(kept, neutral=said(), whisper=noise))
    whisper = found.measures[1]
    assert whisper.energy_db == pytest.approx(-26, abs=0.5)
    assert (whisper.f0_hz, whisper.rate_syl_s) == (None, None)
    assert found.warnings[0].startswith("“whisper”: Too little of it is voiced")


@pytest.mark.parametrize("seconds", [0.01, 0.2, 0.7])
def test_what_is_short_is_measured_as_far_as_it_can_be(tmp_path: Path, seconds: float) -> None:
    found = measured(tmp_path, humming(180, seconds))
    assert found.rate_syl_s is None
    assert found.missing


def test_a_recording_that_is_gone_hides_no_other(tmp_path: Path) -> None:
    whole = personality(tmp_path, neutral=said(), happy=said(80, 1.4))
    whole.emotions[1].audio.unlink()
    found = audit(whole)
    assert found.measures[0].f0_hz is not None
    assert found.measures[1].f0_hz is None
    assert "happy" in found.warnings[0]


def test_a_file_that_was_replaced_is_measured_anew(tmp_path: Path) -> None:
    assert measured(tmp_path, humming(120, 1.5)).f0_hz == pytest.approx(120, rel=0.02)
    assert measured(tmp_path, humming(240, 1.5)).f0_hz == pytest.approx(240, rel=0.02)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        audit(personality(tmp_path, neutral=humming(120)), control)
