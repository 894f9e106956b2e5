"""Promises of cutting recordings: in pauses, nothing lost, nothing too long, by given times where there are
some."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from engines.base import EngineFolders, SpeechRequest, WordTiming
from engines.espeak import EspeakEngine
from studio.audio.types import Samples
from studio.control import Control
from studio.dataset.values import PrepareSettings
from studio.models.folders import ModelFolders
from tests.audio_files import tone, wav
from tests.spoken import RATE, silence, spoken, with_pauses
from training.prepare.cues import cue_stretches
from training.prepare.listening import Frames, listen
from training.prepare.segmenting import Stretch, as_one, stretches
from training.prepare.standardising import standardise
from training.prepare.values import GivenText

SETTINGS = PrepareSettings()
TEXT = (
    "The weather was fine when we left the harbour, and by noon we could no longer see the land. What "
    "happened to the backpack, the ticket, and the black cup? Stop. Six thick thistle sticks stood between "
    "the cottage and the lake, where nobody talked about it. That will do for today: we continue tomorrow "
    "when the boat has been repaired and painted and put into the water again so that the children can sail "
    "to the island with their grandfather and their dog and whatever else they want to take along."
)


def frames_of(folder: Path, samples: Samples, rate: int = RATE) -> Frames:
    path = wav(folder / "sound.wav", samples, rate)
    recording = standardise(path, 22_050, folder / "sound", Control())
    return listen(recording, SETTINGS.aggressiveness, SETTINGS.frame_ms, Control()).frames


def told(voice: str) -> tuple[Samples, int, list[WordTiming]]:
    nowhere = Path("unused")
    engine = EspeakEngine(EngineFolders(nowhere, ModelFolders(nowhere, nowhere)))
    chunks = list(engine.stream(SpeechRequest(TEXT, "en-us", speaker=voice), Control()))
    engine.unload()
    samples = np.concatenate([chunk.audio.samples for chunk in chunks])
    return samples, engine.info.sample_rate, [word for chunk in chunks for word in chunk.words]


@pytest.mark.parametrize("voice", ["gmw/en-US", "gmw/en-US+f3"])
@pytest.mark.parametrize("noise_db", [None, -20.0])
def test_no_cut_lies_in_a_word(tmp_path: Path, voice: str, noise_db: float | None) -> None:
    samples, rate, words = told(voice)
    if noise_db is not None:
        level = np.sqrt(np.mean(samples**2)) * 10 ** (noise_db / 20)
        samples = samples + level * np.random.default_rng(1).standard_normal(len(samples))
    found = stretches(frames_of(tmp_path, (0.4 * samples).astype(np.float32), rate), SETTINGS)
    assert len(found) >= 4
    cuts = [cut for each in found for cut in (each.start, each.end)]
    inside = [
        (cut, word)
        for cut in cuts
        for word in words
        # The engine's times are those of its events, a hundredth of a second apart from the sound.
        if word.start + 0.02 < cut < word.end - 0.02
    ]
    assert inside == []


def test_all_that_is_said_is_in_one_stretch_each_and_none_is_too_long(tmp_path: Path) -> None:
    frames = frames_of(tmp_path, with_pauses(9, 0.7))
    found = stretches(frames, SETTINGS)
    assert all(each.end - each.start <= SETTINGS.max_s for each in found)
    assert all(each.end - each.start >= 2.5 for each in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    inside = np.zeros(len(frames.speech), bool)
    for each in found:
        inside[frames.part(each.start, each.end)] = True
        assert not each.cut_in_speech
    assert not np.any(frames.speech & ~inside)


def test_the_hiss_with_which_a_recording_begins_is_no_segment(tmp_path: Path) -> None:
    samples = np.concatenate([silence(2), spoken(), silence(1)])
    for seed in range(3):
        hiss = np.random.default_rng(seed).standard_normal(len(samples))
        (only,) = stretches(frames_of(tmp_path, (samples + 0.003 * hiss).astype(np.float32)), SETTINGS)
        assert only.start == pytest.approx(2 - SETTINGS.padding_s, abs=0.1)
    # A word at the very beginning stays.
    word = np.concatenate([spoken()[: round(0.4 * RATE)], silence(2), spoken(), silence(1)])
    hiss = np.random.default_rng(1).standard_normal(len(word))
    found = stretches(frames_of(tmp_path, (word + 0.003 * hiss).astype(np.float32)), SETTINGS)
    assert [each.start < 0.1 for each in found] == [True, False]


def test_speech_without_a_pause_is_cut_and_says_so(tmp_path: Path) -> None:
    vowel = spoken()[round(0.30 * RATE) : round(0.42 * RATE)]
    frames = frames_of(tmp_path, np.tile(vowel, 250))
    found = stretches(frames, SETTINGS)
    assert len(found) > 1
    assert any(each.cut_in_speech for each in found)
    assert all(each.end - each.start <= SETTINGS.max_s for each in found)


@pytest.mark.parametrize("sound", ["silence", "tone", "noise", "nothing"])
def test_what_is_no_speech_makes_no_giants(tmp_path: Path, sound: str) -> None:
    noise = 0.2 * np.random.default_rng(1).standard_normal(30 * RATE)
    samples = {
        "silence": silence(30),
        "tone": tone(30, RATE),
        "noise": noise.astype(np.float32),
        "nothing": silence(0.02),
    }[sound]
    found = stretches(frames_of(tmp_path, samples), SETTINGS)
    assert all(each.end - each.start <= SETTINGS.max_s for each in found)
    if sound in ("silence", "nothing"):
        assert found == []


def test_given_times_are_led_to_the_pauses_around_them(tmp_path: Path) -> None:
    one = len(spoken()) / RATE
    frames = frames_of(tmp_path, with_pauses(3, 1.0))
    given = [
        GivenText(f"Sentence {index}.", start - 0.2, start + one + 0.3)
        for index, start in enumerate((1.0, 2.0 + one, 3.0 + 2 * one))
    ]
    settings = PrepareSettings(max_s=4.0)
    found = cue_stretches(frames, given, settings)
    assert [each.given for each in found] == [(0,), (1,), (2,)]
    for index, each in enumerate(found):
        start = 1.0 + index * (one + 1.0)
        assert each.start == pytest.approx(start - settings.padding_s, abs=0.15)
        assert each.end == pytest.approx(start + one + settings.padding_s, abs=0.2)
        assert not each.cut_in_speech


def test_short_neighbouring_texts_become_one_segment(tmp_path: Path) -> None:
    one = len(spoken()) / RATE
    frames = frames_of(tmp_path, with_pauses(2, 0.3))
    given = [GivenText("One.", 0.3, 0.3 + one), GivenText("Two.", 0.6 + one, 0.6 + 2 * one)]
    assert [each.given for each in cue_stretches(frames, given, SETTINGS)] == [(0, 1)]


def test_a_given_stretch_that_is_too_long_is_cut_in_its_pauses_without_its_text(tmp_path: Path) -> None:
    samples = with_pauses(8, 0.5)
    frames = frames_of(tmp_path, samples)
    found = cue_stretches(frames, [GivenText("All.", 0.0, len(samples) / RATE)], SETTINGS)
    assert len(found) > 1
    assert all(each.given == () and each.end - each.start <= SETTINGS.max_s for each in found)


def test_times_that_make_no_sense_do_no_harm(tmp_path: Path) -> None:
    frames = frames_of(tmp_path, with_pauses(2, 0.5))
    end = len(frames.speech) * frames.seconds
    given = [
        GivenText("before", -9.0, -5.0),
        GivenText("backwards", 3.0, 1.0),
        GivenText("nan", math.nan, 2.0),
        GivenText("infinite", 0.0, math.inf),
        GivenText("over the end", 1.0, 1e9),
        GivenText("after", 1e9, 2e9),
    ]
    for each in cue_stretches(frames, given, SETTINGS):
        assert 0 <= each.start < each.end <= end + 0.001
        assert 2 not in each.given
        assert 5 not in each.given
    assert cue_stretches(frames, given[:1], SETTINGS) == []


def test_a_recording_with_one_text_is_one_segment_where_it_is_short_enough(tmp_path: Path) -> None:
    frames = frames_of(tmp_path, with_pauses(2, 1.8))
    (one,) = as_one(frames, 20.0, SETTINGS)
    assert one.start == pytest.approx(1.8 - SETTINGS.padding_s, abs=0.1)
    assert len(stretches(frames, SETTINGS)) == 2
    assert as_one(frames_of(tmp_path, with_pauses(9, 1.0)), 40.0, SETTINGS) == []
    assert as_one(frames_of(tmp_path, silence(3)), 3.0, SETTINGS) == [Stretch(0.0, 3.0)]
