"""Promises of the voice match: eSpeak NG bent towards a recording.

The reference is synthetic, an eSpeak NG voice moved away from all that can be chosen, and real recordings
where the checkout has them beside it.
"""

from __future__ import annotations

import pickle
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engines.base import EngineFolders, SpeechChunk, SpeechRequest, VoicePrompt
from engines.espeak import EspeakEngine
from engines.world.match import envelope_distance
from engines.world.pieces import cuts, limited
from engines.world.profile import VoiceProfile, measure
from engines.world.vocoder import FOR_MEANS, SAMPLE_RATE, analyse
from studio.audio.reading import probe, read
from studio.audio.resampling import resample
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.errors import BadInput, Cancelled
from studio.models.folders import ModelFolders
from studio.settings import CHECKOUT

REAL = CHECKOUT.parent / "shared" / "data" / "speech"

REFERENCE_TEXT = (
    "The weather was fine when we left the harbour, and by noon we could no longer see the land."
)
SHORT_TEXT = "The weather was fine when we left the harbour."
TEXT = (
    "I have a small favour to ask of you this morning. Please read the letter on the kitchen table, then "
    "call your brother."
)


@pytest.fixture(scope="module")
def reference(engine: EspeakEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A woman's voice, deeper, darker and slower than any of eSpeak NG's."""
    values = {**engine.design("woman"), "voice": 7, "f0": 170, "tract": 0.95, "tilt": -3, "rate": 150}
    chunks = list(engine.stream(SpeechRequest(REFERENCE_TEXT, "en-us", options=values), Control()))
    return write(tmp_path_factory.mktemp("reference") / "reference.wav", sound(chunks))


@pytest.fixture(scope="module")
def prompt(engine: EspeakEngine, reference: Path) -> VoicePrompt:
    return clone(engine, reference, REFERENCE_TEXT)


@pytest.fixture(scope="module")
def short(engine: EspeakEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of it, for what does not ask how near the voice comes."""
    values = {**engine.design("woman"), "voice": 7, "f0": 170}
    chunks = list(engine.stream(SpeechRequest(SHORT_TEXT, "en-us", options=values), Control()))
    return write(tmp_path_factory.mktemp("short") / "short.wav", sound(chunks))


@pytest.fixture(scope="module")
def usual(engine: EspeakEngine) -> list[SpeechChunk]:
    """TEXT in the default voice."""
    return say(engine, speaker="gmw/en-US")


@pytest.fixture(scope="module")
def usual_profile(usual: list[SpeechChunk]) -> VoiceProfile:
    return profile(sound(usual))


@pytest.fixture(scope="module")
def matched(engine: EspeakEngine, prompt: VoicePrompt) -> list[SpeechChunk]:
    """TEXT in the voice of the reference."""
    return say(engine, voice_prompt=prompt)


@pytest.fixture(scope="module")
def matched_profile(matched: list[SpeechChunk]) -> VoiceProfile:
    return profile(sound(matched))


@pytest.fixture(scope="module")
def target(prompt: VoicePrompt) -> VoiceProfile:
    """Of the reference."""
    return profile_of(prompt.ref_audio)


def clone(
    engine: EspeakEngine, audio: Path, text: str = "", language: str = "en-us", timbre_only: bool = False
) -> VoicePrompt:
    return engine.create_voice_prompt(audio, text, language, timbre_only, Control())


def write(path: Path, samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> Path:
    with WavWriter(path, sample_rate) as writer:
        writer.append(samples.astype(np.float32))
    return path


def sound(chunks: list[SpeechChunk]) -> np.ndarray:
    return np.concatenate([chunk.audio.samples for chunk in chunks])


def say(engine: EspeakEngine, text: str = TEXT, language: str = "en-us", **fields) -> list[SpeechChunk]:
    return list(engine.stream(SpeechRequest(text, language, **fields), Control()))


def profile(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> VoiceProfile:
    return measure(analyse(samples, FOR_MEANS), sample_rate)


def profile_of(path: Path) -> VoiceProfile:
    sample_rate = min(SAMPLE_RATE, probe(path).sample_rate)
    return profile(read(path, sample_rate=SAMPLE_RATE).samples, sample_rate)


def semitones(one: VoiceProfile, other: VoiceProfile) -> float:
    return abs(one.log_f0 - other.log_f0) / np.log(2) * 12


def assert_near(matched: VoiceProfile, target: VoiceProfile, usual: VoiceProfile) -> None:
    """The promise: pitch within a semitone, spectrum at least twice as near as the default voice."""
    assert semitones(matched, target) < 1
    assert envelope_distance(matched, target) < envelope_distance(usual, target) / 2


def profile_spoken(engine: EspeakEngine, prompt: VoicePrompt) -> VoiceProfile:
    return profile(sound(say(engine, voice_prompt=prompt)))


# Likeness


def test_pitch_and_spectrum_come_near_the_reference(
    matched_profile: VoiceProfile, target: VoiceProfile, usual_profile: VoiceProfile
) -> None:
    assert_near(matched_profile, target, usual_profile)


def test_the_pace_leans_towards_the_reference(
    usual: list[SpeechChunk], matched: list[SpeechChunk]
) -> None:
    assert len(sound(matched)) == pytest.approx(len(sound(usual)) * 180 / 150, rel=0.1)


def test_examples_of_the_recording_bring_it_nearer(
    engine: EspeakEngine, prompt: VoicePrompt, matched_profile: VoiceProfile, target: VoiceProfile
) -> None:
    """As they do without being asked for, by half."""
    without = say(engine, voice_prompt=prompt, options={"exemplar_weight": 0.0})
    with_none = profile(sound(without))
    assert envelope_distance(matched_profile, target) < envelope_distance(with_none, target)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings beside the checkout")
@pytest.mark.parametrize("name", ["LJ001-0001"])
def test_real_speakers_come_near(engine: EspeakEngine, usual_profile: VoiceProfile, name: str) -> None:
    lines = (REAL / "transcripts.csv").read_text("utf-8").splitlines()
    texts = dict(line.split("|", 1) for line in lines)
    # Without a transcript the timbre alone keeps the test short.
    text = texts.get(name, "")
    prompt = clone(engine, REAL / f"{name}.flac", text, timbre_only=not text)
    assert_near(profile_spoken(engine, prompt), profile_of(prompt.ref_audio), usual_profile)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings beside the checkout")
@pytest.mark.parametrize("name", ["LJ001-0005", "LJ001-0007"])
def test_long_transcripts_are_aligned(engine: EspeakEngine, name: str) -> None:
    lines = (REAL / "transcripts.csv").read_text("utf-8").splitlines()
    text = dict(line.split("|", 1) for line in lines)[name]
    notes = " ".join(clone(engine, REAL / f"{name}.flac", text).notes)
    assert "not used" not in notes


# Sound


def test_of_several_recordings_the_first_is_matched_and_that_is_said(
    engine: EspeakEngine, reference: Path, prompt: VoicePrompt
) -> None:
    several = engine.create_voice_prompt(
        reference, REFERENCE_TEXT, "en-us", False, Control(), more=(reference,)
    )
    assert several.cache == prompt.cache
    assert "Only the first recording" in several.notes[-1]


def test_the_first_sound_comes_long_before_the_last(engine: EspeakEngine, prompt: VoicePrompt) -> None:
    say(engine, "Warm.", voice_prompt=prompt)
    start = time.thread_time()  # what other work on the machine takes does not count
    stream = engine.stream(SpeechRequest(TEXT, "en-us", voice_prompt=prompt), Control())
    first = next(stream)
    waited = time.thread_time() - start
    rest = list(stream)
    took = time.thread_time() - start
    assert first.audio.duration < 2
    assert waited < took / 2
    assert took / sum(chunk.audio.duration for chunk in [first, *rest]) < 0.3


def test_joins_do_not_click(matched: list[SpeechChunk]) -> None:
    assert len(matched) > 2
    steps = np.abs(np.diff(sound(matched)))
    position = 0
    for chunk in matched[:-1]:
        position += len(chunk.audio.samples)
        assert steps[position - 30 : position + 30].max() < 0.02


def test_the_sound_is_not_clipped_and_as_loud_as_a_preset(
    usual: list[SpeechChunk], matched: list[SpeechChunk]
) -> None:
    preset, bent = sound(usual), sound(matched)
    assert np.abs(bent).max() < 1
    ratio = np.sqrt(np.mean(np.square(bent))) / np.sqrt(np.mean(np.square(preset)))
    assert 0.5 < ratio < 2


def test_words_are_timed_within_the_sound(matched: list[SpeechChunk]) -> None:
    words = [word for chunk in matched for word in chunk.words]
    assert [word.text for word in words] == TEXT.split()
    times = [moment for word in words for moment in (word.start, word.end)]
    assert times == sorted(times)
    assert times[-1] <= sum(chunk.audio.duration for chunk in matched) + 1e-6


def test_speed_changes_the_length(
    engine: EspeakEngine, prompt: VoicePrompt, matched: list[SpeechChunk]
) -> None:
    fast = len(sound(say(engine, voice_prompt=prompt, speed=1.5)))
    assert fast == pytest.approx(len(sound(matched)) / 1.5, rel=0.1)


def test_cancel_stops_between_pieces(engine: EspeakEngine, prompt: VoicePrompt) -> None:
    control = Control()
    stream = engine.stream(SpeechRequest(TEXT, "en-us", voice_prompt=prompt), control)
    next(stream)
    control.cancel()
    with pytest.raises(Cancelled):
        next(stream)
    assert len(sound(say(engine, "Again.", voice_prompt=prompt)))


@pytest.mark.parametrize(("text", "language"), [("Guten Tag, wie geht es?", "de"), ("...", "en-us")])
def test_a_matched_voice_speaks_other_languages_and_survives_empty_ones(
    engine: EspeakEngine, prompt: VoicePrompt, text: str, language: str
) -> None:
    say(engine, text, language, voice_prompt=prompt)


def test_cutting_keeps_every_sample() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE * 20)
    samples[SAMPLE_RATE : SAMPLE_RATE + 2000] = 0
    pieces = cuts(samples)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == len(samples)
    assert all(one[1] == other[0] for one, other in pairwise(pieces))
    assert SAMPLE_RATE < pieces[0][1] < SAMPLE_RATE + 2000
    assert max(end - start for start, end in pieces) < 7 * SAMPLE_RATE


def test_the_limiter_leaves_what_is_in_range_alone() -> None:
    sounds = np.linspace(-3, 3, 601)
    result = limited(sounds)
    assert np.array_equal(result[np.abs(sounds) <= 0.8], sounds[np.abs(sounds) <= 0.8])
    assert np.abs(result).max() <= 1
    assert (np.diff(result) >= 0).all()


# The prompt


def test_a_prompt_is_kept_by_content_and_made_again_when_lost(
    engine: EspeakEngine, short: Path, tmp_path: Path
) -> None:
    # Its timbre alone is soonest made again.
    made = clone(engine, short, SHORT_TEXT, timbre_only=True).cache
    assert made is not None
    written = made.stat().st_mtime_ns
    copy = tmp_path / "copy.wav"
    copy.write_bytes(short.read_bytes())
    again = clone(engine, copy, SHORT_TEXT, timbre_only=True)
    assert again.cache == made
    assert made.stat().st_mtime_ns == written, "it was made twice"
    kept = made.read_bytes()
    for damage in (b"", kept[: len(kept) // 2]):
        made.write_bytes(damage)
        fresh = EspeakEngine(
            EngineFolders(engine._cache.parent, ModelFolders(Path("unused"), Path("unused")))
        )
        assert len(sound(say(fresh, "One.", voice_prompt=again)))
        fresh.unload()
    made.unlink()
    assert len(sound(say(engine, "One.", voice_prompt=again)))


def test_another_text_language_or_purpose_is_another_prompt(
    engine: EspeakEngine, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five German voices are measured for it.
    monkeypatch.setattr("engines.espeak.matching._CALIBRATION_ELSEWHERE", "1 2 3 4 5 6 7.")
    plain = clone(engine, short, SHORT_TEXT)
    timbre = clone(engine, short, SHORT_TEXT, timbre_only=True)
    german = clone(engine, short, language="de")
    assert len({plain.cache, timbre.cache, german.cache}) == 3
    assert "Only the timbre" in " ".join(timbre.notes)
    assert "English only" in " ".join(german.notes)


def test_notes_say_what_was_left_out(engine: EspeakEngine, short: Path) -> None:
    without = clone(engine, short)
    assert "Without a transcript a rough one was guessed" in " ".join(without.notes)
    wrong = clone(engine, short, "…")
    assert "not used" in " ".join(wrong.notes)


def test_a_long_reference_is_cut_and_the_note_says_so(
    engine: EspeakEngine, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.espeak.matching._USED_S", 2.0)
    copy = write(tmp_path / "long.wav", read(short, sample_rate=SAMPLE_RATE).samples[1:])
    assert "first 2 s" in " ".join(clone(engine, copy, SHORT_TEXT, timbre_only=True).notes)


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_any_sample_rate_is_read(
    engine: EspeakEngine, reference: Path, usual_profile: VoiceProfile, tmp_path: Path, rate: int
) -> None:
    audio = resample(read(reference), rate)
    path = write(tmp_path / "r.wav", audio.samples, rate)
    prompt = clone(engine, path, REFERENCE_TEXT, timbre_only=True)
    assert_near(profile_spoken(engine, prompt), profile_of(prompt.ref_audio), usual_profile)


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("short", np.sin(np.arange(SAMPLE_RATE // 2) / 20) * 0.5),
        ("silent", np.zeros(SAMPLE_RATE * 3)),
        ("noise", np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE * 3)),
    ],
)
def test_a_reference_without_a_voice_is_refused_with_a_remedy(
    engine: EspeakEngine, tmp_path: Path, name: str, samples: np.ndarray
) -> None:
    with pytest.raises(BadInput) as caught:
        clone(engine, write(tmp_path / f"{name}.wav", samples))
    assert caught.value.hint == "Upload 6-15 s of clean speech."


def test_a_missing_reference_is_refused(engine: EspeakEngine, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        clone(engine, tmp_path / "none.wav")


def test_a_short_reference_does_not_weigh_above_half(
    engine: EspeakEngine, prompt: VoicePrompt, matched_profile: VoiceProfile
) -> None:
    more = say(engine, voice_prompt=prompt, options={"exemplar_weight": 0.7})
    assert "30 s" in " ".join(prompt.notes)
    assert envelope_distance(matched_profile, profile(sound(more))) < 0.08


def test_a_prompt_pickles(prompt: VoicePrompt) -> None:
    assert pickle.dumps(prompt)
