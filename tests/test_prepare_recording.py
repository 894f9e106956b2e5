"""Promises of what is made of one recording: right in format and level, the same each time, made once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.audio.bandwidth import spectrum
from studio.audio.loudness import loudness
from studio.audio.reading import read
from studio.audio.types import Samples
from studio.control import Control, Progress
from studio.dataset.duplicates import SAME_SOUND_BITS
from studio.dataset.values import Limits, PrepareSettings
from studio.errors import BadInput, Cancelled
from tests.audio_files import wav
from tests.spoken import RATE, REAL, silence, spoken, with_pauses
from training.prepare.recording import Prepared, RecordingTask, cached, prepare
from training.prepare.sound_prints import differing_bits, sound_print
from training.prepare.values import GivenText


def task(path: Path, *given: GivenText, **settings: object) -> RecordingTask:
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    chosen = PrepareSettings(**settings)  # type: ignore[arg-type]
    return RecordingTask(path, content, given, chosen, path.parent / "cache")


def hissing(samples: Samples, level: float = 0.002) -> Samples:
    noise = np.random.default_rng(1).standard_normal(len(samples))
    return (samples + level * noise).astype(np.float32)


def sounds(made: Prepared) -> list[Samples]:
    return [read(made.folder / f"{segment.id}.wav").samples for segment in made.segments]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Some 13 s."""
    return wav(tmp_path / "talk.wav", 0.2 * hissing(with_pauses(4, 0.6)), RATE)


@pytest.mark.parametrize(("target", "rate"), [("xtts", 22_050), ("qwen", 24_000)])
def test_segments_have_the_form_that_the_target_is_trained_on(
    talk: Path, target: str, rate: int
) -> None:
    chosen = task(talk, target=target)
    made = prepare(chosen, Control())
    assert len(made.segments) >= 2
    assert made.duration == pytest.approx(len(read(talk).samples) / RATE, abs=0.01)
    for number, segment in enumerate(made.segments, 1):
        assert segment.id == f"{chosen.sha256[:12]}-{number:04}"
        assert segment.source == chosen.sha256[:12]
        facts = soundfile.info(made.folder / f"{segment.id}.wav")
        assert (facts.samplerate, facts.channels, facts.subtype) == (rate, 1, "PCM_16")
        assert facts.duration == pytest.approx(segment.duration, abs=0.001)
        assert segment.snr_db is not None
        assert segment.speech_share > 0.5
        assert len(segment.sound) == 64


def test_the_recording_is_brought_to_the_loudness_within_the_peak(talk: Path) -> None:
    from studio.audio.types import Audio

    made = prepare(task(talk, loudness_lufs=-26.0), Control())
    whole = np.concatenate(sounds(made))
    assert loudness(Audio(whole, 22_050)) == pytest.approx(-26, abs=0.5)
    loud = np.concatenate(sounds(prepare(task(talk, loudness_lufs=-9.0), Control())))
    assert 20 * np.log10(np.abs(loud).max()) == pytest.approx(-1, abs=0.01)
    # Measured as it came.
    before = made.segments[0].loudness_lufs
    assert before is not None
    assert before < -25


def test_an_offset_is_taken_away(tmp_path: Path) -> None:
    path = wav(tmp_path / "offset.wav", 0.3 * hissing(with_pauses(2, 0.5)) + np.float32(0.1), RATE)
    for samples in sounds(prepare(task(path), Control())):
        assert abs(samples.mean()) < 0.002


def test_clipping_is_measured_where_it_is(tmp_path: Path) -> None:
    clean, clipped = hissing(spoken(), 1e-4), np.clip(6 * spoken(), -0.9, 0.9)
    path = wav(tmp_path / "c.wav", np.concatenate([0.3 * clean, silence(2), clipped, silence(2)]), RATE)
    first, second = prepare(task(path), Control()).segments
    assert first.clipped == 0
    assert second.clipped > 0.005


def test_a_second_run_makes_nothing_anew(talk: Path) -> None:
    chosen = task(talk)
    assert cached(chosen) is None
    made = prepare(chosen, Control())
    times = {path: path.stat().st_mtime_ns for path in made.folder.iterdir()}
    assert prepare(chosen, Control()) == made == cached(chosen)
    assert times == {path: path.stat().st_mtime_ns for path in made.folder.iterdir()}
    # What does not shape the sound is no reason to make it again; what does, is.
    for other in ({"limits": Limits(min_snr_db=30)}, {"eval_share": 0.2}, {"recognizer": "none"}):
        assert cached(task(talk, **other)) == made
    for other in ({"max_s": 6.0}, {"denoise": True}, {"aggressiveness": 3}, {"target": "qwen"}):
        assert cached(task(talk, **other)) is None


def test_it_is_the_same_byte_for_byte_each_time(talk: Path, tmp_path: Path) -> None:
    one = prepare(task(talk), Control())
    two = prepare(replace(task(talk), cache=tmp_path / "other"), Control())
    names = sorted(path.name for path in one.folder.iterdir())
    assert names == sorted(path.name for path in two.folder.iterdir())
    for name in names:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()
    assert str(tmp_path) not in (one.folder / "prepared.json").read_text()


def test_a_result_that_was_damaged_is_made_again(talk: Path) -> None:
    chosen = task(talk)
    made = prepare(chosen, Control())
    for damage in (
        lambda: (made.folder / f"{made.segments[0].id}.wav").unlink(),
        lambda: (made.folder / f"{made.segments[0].id}.wav").write_bytes(b"RIFF"),
        lambda: (made.folder / "prepared.json").write_text("{"),
        lambda: (made.folder / "prepared.json").write_text("[]"),
    ):
        damage()
        assert cached(chosen) is None
        assert prepare(chosen, Control()) == made == cached(chosen)


def test_a_damaged_file_and_a_stop_leave_nothing(talk: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.flac"
    soundfile.write(broken, read(talk).samples, RATE)
    broken.write_bytes(broken.read_bytes()[:20_000])
    with pytest.raises(BadInput, match=r"broken\.flac"):
        prepare(task(broken), Control())
    stages: list[str] = []
    stopping = Control(lambda progress: stop(progress))

    def stop(progress: Progress) -> None:
        stages.append(progress.stage)
        if progress.stage == "Measuring":
            stopping.cancel()

    with pytest.raises(Cancelled):
        prepare(task(talk), stopping)
    assert list(dict.fromkeys(stages)) == ["Reading the sound", "Finding the speech", "Measuring"]
    assert list((tmp_path / "cache").iterdir()) == []


def test_silence_has_no_segments(tmp_path: Path) -> None:
    made = prepare(task(wav(tmp_path / "s.wav", silence(5), RATE)), Control())
    assert (made.segments, made.speech_s, made.duration) == ((), 0.0, 5.0)


def test_a_text_of_the_whole_goes_with_its_one_segment(tmp_path: Path) -> None:
    path = wav(tmp_path / "one.wav", hissing(with_pauses(2, 1.7)), RATE)
    (segment,) = prepare(task(path, GivenText("Twice the same.")), Control()).segments
    assert segment.given == "Twice the same."
    # Another wording is no other sound.
    again = cached(task(path, GivenText("Two times.")))
    assert again is not None
    assert again.segments[0].given == "Two times."
    apart = [each for each in prepare(task(path), Control()).segments if each.duration > 1]
    assert [each.given for each in apart] == ["", ""]


def test_texts_with_times_go_with_their_segments(tmp_path: Path) -> None:
    one = len(spoken()) / RATE
    path = wav(tmp_path / "two.wav", hissing(with_pauses(2, 1.0)), RATE)
    given = (GivenText("First.", 1.0, 1.0 + one), GivenText("Second.", 2.0 + one, 2.0 + 2 * one))
    made = prepare(task(path, *given, max_s=5.0), Control())
    assert [segment.given for segment in made.segments] == ["First.", "Second."]


def test_noise_is_reduced_and_speech_stays(tmp_path: Path) -> None:
    path = wav(tmp_path / "n.wav", 0.3 * hissing(with_pauses(3, 1.0), 0.02), RATE)
    plain, reduced = (
        sounds(prepare(task(path, denoise=denoise, loudness_lufs=None), Control()))
        for denoise in (False, True)
    )
    for before, after in zip(plain, reduced, strict=True):
        quiet = [np.percentile(np.abs(each), 10) for each in (before, after)]
        loud = [np.percentile(np.abs(each), 98) for each in (before, after)]
        assert 20 * np.log10(quiet[1] / quiet[0]) < -5
        assert abs(20 * np.log10(loud[1] / loud[0])) < 2


def test_noise_that_cannot_be_learned_is_left_and_said(tmp_path: Path) -> None:
    path = wav(tmp_path / "n.wav", np.tile(spoken()[4_800:6_720], 20), RATE)
    (note,) = prepare(task(path, denoise=True), Control()).notes
    assert "no pause" in note


def test_the_same_sound_has_the_same_print(tmp_path: Path) -> None:
    from tests.test_prepare_snr import TEXTS

    speech = np.concatenate([silence(0.5), spoken(TEXTS[0]), silence(0.5)])
    one = prepare(task(wav(tmp_path / "one.wav", hissing(speech), RATE)), Control()).segments[0].sound
    for name, rate, kind in (
        ("q.wav", RATE, "quiet"),
        ("m.ogg", RATE, "coded"),
        ("s.wav", 16_000, "shifted"),
    ):
        changed = hissing(speech)
        if kind == "quiet":
            changed = 0.1 * changed
        if kind == "shifted":
            changed = changed[round(0.31 * rate) :]
        soundfile.write(tmp_path / name, changed, rate)
        other = prepare(task(tmp_path / name), Control()).segments[0].sound
        assert differing_bits(one, other) < SAME_SOUND_BITS / 2, kind
    for text in TEXTS[1:]:
        other = sound_print(spectrum(spoken(text), RATE), RATE)
        assert differing_bits(one, other) > 1.3 * SAME_SOUND_BITS
    assert sound_print(spectrum(silence(3), RATE), RATE) == ""


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_real_recordings_have_prints_far_apart() -> None:
    rate = 22_050
    prints = [
        sound_print(spectrum(read(path, rate).samples[: 5 * rate], rate), rate)
        for path in sorted(REAL.glob("*.flac"))
    ]
    apart = [differing_bits(one, two) for index, one in enumerate(prints) for two in prints[index + 1 :]]
    assert min(apart) > 1.3 * SAME_SOUND_BITS
    assert np.mean(apart) == pytest.approx(128, abs=8)
