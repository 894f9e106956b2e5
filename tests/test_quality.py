"""Promises of the report on a reference: what is wrong is found with its remedy, what is right is not
accused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engines.base import SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.bandwidth import bandwidth
from studio.audio.ends import sounding
from studio.audio.loudness import loudness
from studio.audio.quality import Level, ReferenceReport, measure, measure_audio, report_lines
from studio.audio.reading import read
from studio.audio.resampling import resample
from studio.audio.steady_tones import steady_share
from studio.audio.types import Audio, Samples
from studio.audio.voice_change import voice_change
from studio.audio.wav import pcm16
from studio.control import Control
from studio.errors import BadInput, Cancelled
from studio.text.speaking_time import plausible_time
from tests.audio_files import compressed, wav
from tests.spoken import RATE, REAL, spoken, with_pauses

TEXT = (
    "The weather was fine when we left the harbour, and by noon we could no longer see the land. I have a "
    "small favour to ask of you this morning."
)
OTHER = (
    "There is nothing more to say about it. Open the window, please, and look whether the train is here."
)
GERMAN = "Wir sehen uns heute Morgen am Bahnhof, und danach fahren wir gemeinsam weiter nach Norden."


@pytest.fixture(scope="module")
def rate(engine: EspeakEngine) -> int:
    return engine.info.sample_rate


@pytest.fixture(scope="module")
def speak(engine: EspeakEngine):
    @cache
    def said(text: str = TEXT, design: str = "woman", language: str = "en-us", **more: float) -> Samples:
        values = {**engine.design(design), **more}
        chunks = engine.stream(SpeechRequest(text, language, options=values), Control())
        return np.concatenate([chunk.audio.samples for chunk in chunks])

    return said


@pytest.fixture(scope="module")
def clean(speak, rate) -> Audio:
    """As a good microphone in a quiet room gives it."""
    pause = np.zeros(round(0.3 * rate), np.float32)
    sound = np.concatenate([pause, 0.6 * speak(), pause])
    return Audio(sound + noise(len(sound), 0.0004), rate)


@pytest.fixture(scope="module")
def piece(clean: Audio) -> Audio:
    """Its first seconds, for what shows in those as well and takes half as long to judge."""
    return Audio(clean.samples[: 3 * clean.sample_rate], clean.sample_rate)


def noise(count: int, rms: float, seed: int = 5) -> Samples:
    return (rms * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def judged(samples: Samples, rate: int, **more: str) -> ReferenceReport:
    return measure_audio(Audio(samples.astype(np.float32), rate), **more)


def level(report: ReferenceReport, code: str) -> Level | None:
    found = report.finding(code)
    return None if found is None else found.level


def wrong(report: ReferenceReport) -> set[str]:
    return {finding.code for finding in report.findings if finding.level is not Level.GOOD}


def chords(seconds: float, rate: int) -> Samples:
    """Music: a chord a second, with overtones, fading like a piano's. RMS 1."""
    out = np.zeros(round(seconds * rate))
    for second, root in zip(range(int(seconds)), (50, 55, 57, 48, 53, 50, 45, 52, 50, 55), strict=False):
        at = np.arange(min(round(1.5 * rate), len(out) - second * rate)) / rate
        for semitone in (0, 4, 7, 12):
            hertz = 440 * 2 ** ((root + semitone - 69) / 12)
            for overtone in range(1, 8):
                tone = 0.6**overtone * np.sin(2 * np.pi * hertz * overtone * at + semitone + overtone)
                out[second * rate : second * rate + len(at)] += tone * np.exp(-1.5 * at)
    return (out / np.sqrt(np.mean(out**2))).astype(np.float32)


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def test_a_good_recording_is_accused_of_nothing(clean: Audio) -> None:
    report = measure_audio(clean, TEXT, "en-us")
    assert wrong(report) == set()
    assert report.level is Level.GOOD
    assert not report.fixable
    assert {finding.code for finding in report.findings} == {
        "length", "ends", "loudness", "noise", "clipping", "sample_rate", "bandwidth", "speakers",
        "music", "transcript",
    }  # fmt: skip
    assert report.duration == pytest.approx(clean.duration)
    assert report.leading_s == pytest.approx(0.3, abs=0.1)
    assert report.snr_db is not None
    assert report.snr_db > 30


def test_every_fault_has_a_remedy_and_the_worst_is_told_first(clean: Audio) -> None:
    report = judged(np.clip(9 * clean.samples[: 2 * clean.sample_rate], -0.5, 0.5), clean.sample_rate)
    assert report.level is Level.PROBLEM
    for finding in report.findings:
        assert finding.message.endswith(".")
        assert bool(finding.remedy) == (finding.level is not Level.GOOD)
    lines = report_lines(report)
    assert len(lines) == len(report.findings)
    problems = [finding.message for finding in report.findings if finding.level is Level.PROBLEM]
    assert [line for line in lines if line.startswith(tuple(problems))] == list(lines[: len(problems)])


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1.5, "problem"), (4.0, "advice"), (8.0, "good"), (24.0, "advice")]
)
def test_length(clean: Audio, seconds: float, expected: str) -> None:
    sound = np.tile(clean.samples, 4)[: round(seconds * clean.sample_rate)]
    assert level(judged(sound, clean.sample_rate), "length") == expected


def test_silence_at_the_ends_does_not_count_and_can_be_cleaned_up(clean: Audio) -> None:
    pause = noise(round(1.5 * clean.sample_rate), 0.0004, 6)
    report = judged(np.concatenate([pause, clean.samples, pause, pause]), clean.sample_rate)
    assert report.leading_s == pytest.approx(1.8, abs=0.1)
    assert report.trailing_s == pytest.approx(3.3, abs=0.15)
    found = report.finding("ends")
    assert found is not None
    assert (found.level, found.fixable) == (Level.ADVICE, True)
    assert "1.8 s at the start and 3.3 s at the end" in found.message
    short = judged(
        np.concatenate([pause, clean.samples[: 2 * clean.sample_rate], pause]), clean.sample_rate
    )
    assert level(short, "length") is Level.PROBLEM


def test_the_ends_are_found_in_noise_and_clicks_are_none(clean: Audio) -> None:
    pause = np.zeros(2 * clean.sample_rate, np.float32)
    quiet = np.concatenate([pause, clean.samples, pause])
    noisy = quiet + noise(len(quiet), rms(clean.samples) / 10)
    noisy[clean.sample_rate // 2 : clean.sample_rate // 2 + 50] = 0.5
    start, end = sounding(Audio(noisy, clean.sample_rate)) or (0.0, 0.0)
    assert start == pytest.approx(2.3, abs=0.15)
    assert end == pytest.approx(2 + clean.duration - 0.3, abs=0.25)


def test_a_cut_in_a_sound_is_noticed(clean: Audio) -> None:
    loudest = int(np.argmax(np.convolve(np.square(clean.samples), np.ones(400), "same")))
    found = judged(clean.samples[loudest:], clean.sample_rate).finding("ends")
    assert found is not None
    assert found.level is Level.ADVICE
    assert "begins in the middle" in found.message


@pytest.mark.parametrize(
    ("lufs", "expected"), [(-20, "good"), (-8, "advice"), (-34, "advice"), (-45, "problem")]
)
def test_loudness(piece: Audio, lufs: float, expected: str) -> None:
    gain = 10 ** ((lufs - (loudness(piece) or 0.0)) / 20)
    report = judged(gain * piece.samples, piece.sample_rate)
    assert report.lufs == pytest.approx(lufs, abs=0.5)
    found = report.finding("loudness")
    assert found is not None
    assert found.level == expected
    assert found.fixable == (expected != "good")


@pytest.mark.parametrize(("decibels", "expected"), [(35, "good"), (20, "advice"), (8, "problem")])
def test_noise(clean: Audio, decibels: float, expected: str) -> None:
    sound = clean.samples + noise(len(clean.samples), rms(clean.samples) / 10 ** (decibels / 20), 7)
    report = judged(0.5 * sound, clean.sample_rate)
    assert level(report, "noise") == expected
    assert report.snr_db is not None


def test_noise_that_cannot_be_told_is_not_taken_for_the_worst() -> None:
    muted = judged(with_pauses(3, 0.5), RATE)
    assert muted.snr_db is None
    assert level(muted, "noise") is Level.GOOD
    without = judged(spoken(), RATE)
    assert without.snr_db is None
    assert level(without, "noise") is Level.ADVICE
    assert "cannot be told" in (without.finding("noise") or without.findings[0]).message


@pytest.mark.parametrize(("limit", "expected"), [(1.0, "good"), (0.76, "advice"), (0.3, "problem")])
@pytest.mark.parametrize("gain", [1.0, 0.4])
def test_clipping_also_of_what_was_made_quieter_afterwards(
    piece: Audio, limit: float, expected: str, gain: float
) -> None:
    peak = float(np.abs(piece.samples).max())
    clipped = gain * np.clip(piece.samples, -limit * peak, limit * peak)
    report = judged(pcm16(clipped) / np.float32(32_768), piece.sample_rate)
    assert level(report, "clipping") == expected
    assert (report.clipped_share > 0) == (expected != "good")


@pytest.mark.parametrize(
    ("to", "expected"), [(8_000, "problem"), (16_000, "advice"), (22_050, "good"), (48_000, None)]
)
def test_sample_rate(piece: Audio, to: int, expected: str | None) -> None:
    report = measure_audio(resample(piece, to))
    assert report.sample_rate == to
    assert level(report, "sample_rate") == (expected or "good")
    if expected is not None:  # what a low rate cuts off is told once
        assert level(report, "bandwidth") is Level.GOOD


@pytest.mark.parametrize(
    ("via", "expected"), [(8_000, "problem"), (11_025, "advice"), (16_000, "advice")]
)
@pytest.mark.parametrize("to", [24_000, 48_000])
def test_upsampled_narrow_band_sound_is_found(piece: Audio, via: int, expected: str, to: int) -> None:
    narrow = resample(resample(piece, via), to)
    found = pcm16(narrow.samples) / np.float32(32_768)
    assert bandwidth(found, to) == pytest.approx(via / 2, abs=400)
    report = judged(found, to)
    assert level(report, "sample_rate") is Level.GOOD
    assert level(report, "bandwidth") == expected


def test_what_a_codec_cut_off_is_found(tmp_path: Path) -> None:
    path = compressed(tmp_path / "tone.mp3", "libmp3lame", "mp3")
    found = read(path)
    assert bandwidth(found.samples, found.sample_rate) == pytest.approx(500, abs=250)


def test_bandwidth_of_silence_is_unknown() -> None:
    assert bandwidth(np.zeros(48_000, np.float32), 24_000) is None
    assert bandwidth(np.zeros(0, np.float32), 24_000) is None


def test_two_voices_are_suspected_and_where(speak, rate) -> None:
    one, other = speak(), speak(OTHER, "man")
    report = judged(np.concatenate([one, other]), rate)
    found = report.finding("speakers")
    assert found is not None
    assert found.level is Level.PROBLEM
    assert "suspected" in found.message
    assert "rather sure" in found.message
    change = voice_change(Audio(np.concatenate([one, other, one]), rate))
    assert change is not None
    assert change.start == pytest.approx(len(one) / rate, abs=0.7)
    assert change.end == pytest.approx((len(one) + len(other)) / rate, abs=0.7)
    assert change.semitones < -6


@pytest.mark.parametrize("design", ["woman", "man", "old man", "child"])
def test_one_voice_is_not_taken_for_two(speak, rate, design: str) -> None:
    sound = np.concatenate([speak(TEXT, design), speak(OTHER, design)])
    assert voice_change(Audio(sound, rate)) is None
    assert voice_change(Audio(sound[: rate // 2], rate)) is None


@pytest.mark.parametrize(("decibels", "expected"), [(8, "problem"), (15, "advice")])
def test_music_behind_the_speech_is_suspected(clean: Audio, decibels: float, expected: str) -> None:
    music = chords(clean.duration, clean.sample_rate)
    sound = clean.samples + rms(clean.samples) / 10 ** (decibels / 20) * music
    found = judged(0.5 * sound, clean.sample_rate).finding("music")
    assert found is not None
    assert found.level == expected
    assert "suspected" in found.message


def test_hum_and_hiss_are_no_music(clean: Audio) -> None:
    at = np.arange(len(clean.samples)) / clean.sample_rate
    for mains in (50.02, 59.98):
        hum = sum(np.sin(2 * np.pi * mains * n * at) / n for n in range(1, 12))
        sound = clean.samples + 0.1 * rms(clean.samples) * hum
        assert steady_share(Audio(sound.astype(np.float32), clean.sample_rate)) < 0.02
    hiss = clean.samples + noise(len(clean.samples), rms(clean.samples) / 3)
    assert steady_share(Audio(hiss, clean.sample_rate)) < 0.02


def test_the_transcript_is_wanted_and_has_to_fit(clean: Audio) -> None:
    def found(transcript: str, language: str = "") -> Level | None:
        return level(measure_audio(clean, transcript, language), "transcript")

    assert found(TEXT) is Level.GOOD
    assert found("") is Level.ADVICE
    assert found("  ") is Level.ADVICE
    assert found("Hello!") is Level.PROBLEM
    assert found(4 * TEXT) is Level.PROBLEM
    assert found("…!") is Level.PROBLEM
    russian = "Погода была прекрасной, когда мы вышли из гавани, и к полудню мы уже не видели земли на горизонте"
    assert found(russian, "ru") is Level.GOOD
    assert found(russian, "en") is Level.ADVICE
    assert found(russian, "auto") is Level.GOOD


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en-us", "In 1984, 120 people paid 35 dollars for a ticket to the moon."),
        ("de", GERMAN),
        ("ru", "Мы увидимся сегодня утром на вокзале, а потом поедем дальше вместе."),
        ("cmn", "今天早上我们在车站见面,然后一起去旅行。"),
        ("ja", "きょうのあさえきであいましょう。それからいっしょにでかけます。"),
        ("ko", "오늘 아침에 역에서 만나요. 그리고 함께 여행을 떠나요."),
        ("hi", "हम आज सुबह स्टेशन पर मिलेंगे और फिर साथ चलेंगे।"),
        ("ar", "سنلتقي صباح اليوم في المحطة ثم نسافر معا."),
        ("vi", "Sáng nay chúng ta sẽ gặp nhau ở nhà ga rồi đi tiếp."),
    ],
)
def test_a_right_transcript_fits_in_any_script(engine: EspeakEngine, language: str, text: str) -> None:
    voice = next(speaker for speaker in engine.speakers() if speaker.language == language)
    request = SpeechRequest(text, language, speaker=voice.id)
    count = sum(len(chunk.audio.samples) for chunk in engine.stream(request, Control()))
    fewest, most = plausible_time(text)
    assert 1.2 * fewest <= count / engine.info.sample_rate <= most / 1.2


@pytest.mark.parametrize("samples", [np.zeros(72_000), noise(72_000, 1e-6), np.zeros(100)])
def test_silence_is_a_problem_and_nothing_else_is_said(samples: Samples) -> None:
    report = judged(samples, 24_000, transcript="Hello")
    (only,) = report.findings
    assert (only.code, only.level) == ("silence", Level.PROBLEM)


def test_what_is_no_speech_is_told_or_drowns(rate) -> None:
    report = judged(noise(4 * rate, 0.1), rate)
    assert level(report, "noise") is Level.PROBLEM
    assert report.snr_db is None


def test_a_part_of_a_file_is_judged_alone(clean: Audio, tmp_path: Path) -> None:
    path = wav(tmp_path / "it.wav", np.concatenate([clean.samples, clean.samples]), clean.sample_rate)
    report = measure(path, 0.2, clean.duration, TEXT, "en")
    assert report.duration == pytest.approx(clean.duration - 0.2, abs=0.01)
    assert wrong(report) == set()
    with pytest.raises(BadInput):
        measure(path, 1000.0)
    with pytest.raises(BadInput):
        measure(tmp_path / "none.wav")


def test_measuring_stops_when_asked(piece: Audio) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        measure_audio(piece, control=control)


def test_long_recordings_are_not_searched_for_company(clean: Audio) -> None:
    report = judged(np.tile(clean.samples, 10), clean.sample_rate)
    assert report.duration > 60
    assert report.finding("music") is None
    assert report.finding("speakers") is None
    assert "Music" in (report.finding("length") or report.findings[0]).remedy


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_real_readers_are_not_accused() -> None:
    for path in sorted(REAL.glob("*.flac"))[::2]:
        report = measure(path)
        blamed = wrong(report) & {"speakers", "music", "clipping", "bandwidth"}
        assert blamed == set(), path.name
        if path.name.startswith("LJ"):
            assert wrong(report) <= {"length", "noise", "transcript"}, path.name
        if report.sample_rate == 16_000:
            wide = resample(read(path), 48_000)
            assert bandwidth(wide.samples, 48_000) == pytest.approx(8_000, abs=250), path.name


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_real_readers_of_unlike_voices_are_told_apart() -> None:
    def part(name: str) -> Samples:
        return resample(read(REAL / f"{name}.flac"), 16_000).samples[: 6 * 16_000]

    man, woman, reader = part("2414-128291-0002"), part("1998-15444-0001"), part("LJ001-0001")
    for other in (woman, reader):
        gain = rms(other) / rms(man)
        change = voice_change(Audio(np.concatenate([gain * man, other]).astype(np.float32), 16_000))
        assert change is not None
        assert min(abs(change.start - 6), abs(change.end - 6)) < 1.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 50, 2_000, 20_000])
@pytest.mark.parametrize("to", [4_000, 384_000])
def test_any_sound_is_judged_however_short_or_strange(count: int, to: int) -> None:
    at = np.arange(count)
    for samples in (noise(count, 0.1), np.full(count, 0.3), np.sign(np.sin(at / 10)), at == count // 2):
        report = judged(np.asarray(samples, np.float32), to, transcript="Hello", language="en")
        assert report.findings
        assert 0 <= report.clipped_share <= 1
        assert min(report.leading_s, report.trailing_s) > -1e-9
