"""What processing promises: levels that are right, edges that do not click, flat memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from studio.audio.loudness import loudness, measure, normalise_file
from studio.audio.peaks import waveform_peaks
from studio.audio.processing import crossfade, fade, peak_normalise, trim_silence
from studio.audio.reading import read
from studio.audio.resampling import Resampler, resample
from studio.audio.types import Audio, Samples
from studio.audio.wav import WavWriter
from studio.control import Control, Progress
from studio.errors import BadInput, Cancelled
from tests.audio_files import RATE, megabytes_used, tone, wav


def _speechlike(seconds: float, rate: int = RATE) -> Samples:
    """Noise in syllables with pauses and of changing level, so that the gates have work to do."""
    count = round(seconds * rate)
    time = np.arange(count) / rate
    syllables = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1) * (np.sin(2 * np.pi * 0.11 * time) > -0.6)
    level = 0.02 + 0.1 * (1 + np.sin(2 * np.pi * time / 37))
    noise = np.random.default_rng(0).standard_normal(count)
    return np.clip(noise * syllables * level, -1, 1).astype(np.float32)


@pytest.mark.parametrize(("start", "end"), [(44_100, 16_000), (22_050, 48_000), (24_000, 24_000)])
def test_a_resampled_stream_is_the_resampled_whole(start: int, end: int) -> None:
    sound = tone(2, start)
    stream = Resampler(start, end)
    pieces = [stream.push(sound[at : at + 777]) for at in range(0, len(sound), 777)]
    joined = np.concatenate([*pieces, stream.finish()])
    np.testing.assert_allclose(joined, resample(Audio(sound, start), end).samples, atol=1e-6)
    assert len(joined) == 2 * end


@pytest.mark.parametrize("rates", [(0, 8000), (8000, -1)])
def test_impossible_rates_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(*rates)


def test_a_full_scale_square_wave_stays_in_range_when_resampled() -> None:
    square = np.sign(tone(1)).astype(np.float32)
    assert np.abs(resample(Audio(square, RATE), 44_100).samples).max() == 1.0


def test_peak_normalising_sets_the_peak_and_leaves_silence() -> None:
    audio = peak_normalise(Audio(tone(1, level=0.01), RATE), -6.0)
    assert np.abs(audio.samples).max() == pytest.approx(10 ** (-6 / 20), abs=1e-4)
    assert not peak_normalise(Audio(np.zeros(100, np.float32), RATE)).samples.any()
    assert len(peak_normalise(Audio(np.zeros(0, np.float32), RATE)).samples) == 0


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_loudness_is_that_of_the_standard(rate: int) -> None:
    # BS.1770: a 997 Hz sine at full scale in one channel has -3.01 LUFS.
    assert loudness(Audio(tone(5, rate, 997, 1.0), rate)) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize(
    "parts", [((10, -36), (60, -23), (10, -36)), ((10, -72), (10, -36), (60, -23), (10, -36))]
)
def test_what_is_quiet_does_not_count(parts: tuple[tuple[int, float], ...]) -> None:
    # EBU Tech 3341, cases 3 and 4, in one channel instead of two: 3 LU less.
    sound = np.concatenate([tone(seconds, RATE, 1000, 10 ** (level / 20)) for seconds, level in parts])
    assert loudness(Audio(sound, RATE)) == pytest.approx(-26.0, abs=0.1)


@pytest.mark.parametrize(
    "samples", [np.zeros(RATE, np.float32), tone(0.39), tone(1, level=1e-5), np.zeros(0, np.float32)]
)
def test_silent_and_very_short_clips_have_no_loudness(samples: Samples) -> None:
    assert loudness(Audio(samples, RATE)) is None


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
@pytest.mark.parametrize("seconds", [0.4, 0.7, 9.9, 61.3])
def test_loudness_is_measured_alike_at_once_and_in_blocks(
    tmp_path: Path, rate: int, seconds: float
) -> None:
    sound = _speechlike(seconds, rate)
    expected = loudness(Audio(sound, rate))
    if (
        seconds > 1
    ):  # whose filters are a little off the standard's, and whose last block may not be whole
        pyloudnorm_s = pyloudnorm.Meter(rate).integrated_loudness(sound.astype(np.float64))
        assert expected == pytest.approx(pyloudnorm_s, abs=0.2)
    measured = measure(wav(tmp_path / "a.wav", sound, rate, "FLOAT"))
    assert measured.lufs == pytest.approx(expected, abs=0.001)
    assert measured.peak == np.abs(sound).max()


def test_normalising_reaches_the_target_within_a_tenth(tmp_path: Path) -> None:
    path = wav(tmp_path / "in.wav", _speechlike(70))
    done = normalise_file(path, tmp_path / "out.wav", -23.0)
    assert not done.limited
    assert loudness(read(tmp_path / "out.wav")) == pytest.approx(-23.0, abs=0.1)
    assert soundfile.info(tmp_path / "out.wav").subtype == "PCM_16"


def test_the_peak_limits_the_gain_and_it_is_said(tmp_path: Path) -> None:
    sound = tone(3, level=0.02)
    sound[1000] = 0.5
    done = normalise_file(wav(tmp_path / "in.wav", sound), tmp_path / "out.wav", -10.0, peak_dbfs=-1.0)
    assert done.limited
    assert done.gain_db == pytest.approx(-1 - 20 * np.log10(0.5), abs=0.01)
    assert np.abs(read(tmp_path / "out.wav").samples).max() == pytest.approx(10 ** (-1 / 20), abs=1e-3)


@pytest.mark.parametrize("sound", [np.zeros(RATE, np.float32), tone(0.2)])
def test_what_has_no_loudness_keeps_its_level(tmp_path: Path, sound: Samples) -> None:
    path = wav(tmp_path / "in.wav", sound)
    done = normalise_file(path, tmp_path / "out.wav", -19.0)
    assert (done.before_lufs, done.gain_db, done.limited) == (None, 0.0, False)
    np.testing.assert_array_equal(read(path).samples, read(tmp_path / "out.wav").samples)


def test_a_file_can_be_normalised_onto_itself(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", _speechlike(3))
    normalise_file(path, path, -25.0)
    assert loudness(read(path)) == pytest.approx(-25.0, abs=0.1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.wav"]


def test_cancelling_normalisation_leaves_no_file(tmp_path: Path) -> None:
    path = wav(tmp_path / "in.wav", _speechlike(60))
    seen: list[Progress] = []

    def on_progress(report: Progress) -> None:
        seen.append(report)
        if report.stage.startswith("Setting") and report.fraction:
            control.cancel()

    control = Control(on_progress)
    with pytest.raises(Cancelled):
        normalise_file(path, tmp_path / "out.wav", -19.0, control=control)
    assert {report.stage for report in seen} == {"Measuring the loudness", "Setting the loudness"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.wav"]


def test_normalising_a_long_file_takes_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    minute = _speechlike(60, 16_000)
    with WavWriter(path, 16_000) as writer:  # 77 MB as floats
        for _ in range(20):
            writer.append(minute)
    code = """
        import sys
        from pathlib import Path
        import av, soundfile
        from studio.audio.loudness import normalise_file
        def work():
            print(normalise_file(Path(sys.argv[1]), Path(sys.argv[2]), -23.0).gain_db)
    """
    grown, _ = megabytes_used(code, path, tmp_path / "out.wav")
    assert grown < 40


def test_trimming_removes_silence_and_keeps_a_little() -> None:
    quiet = np.random.default_rng(0).normal(0, 1e-4, RATE).astype(np.float32)
    sound = Audio(np.concatenate([quiet, tone(1), quiet]), RATE)
    trimmed = trim_silence(sound, -40, 0.1)
    assert trimmed.duration == pytest.approx(1.2, abs=0.03)
    np.testing.assert_allclose(
        trimmed.samples[RATE // 10 : RATE], tone(1)[: RATE - RATE // 10], atol=0.02
    )


@pytest.mark.parametrize(
    "samples", [np.zeros(RATE, np.float32), np.zeros(0, np.float32), tone(0.005), tone(1)]
)
def test_there_is_nothing_to_trim_from_silence_or_from_sound(samples: Samples) -> None:
    np.testing.assert_array_equal(trim_silence(Audio(samples, RATE)).samples, samples)


def test_fading_begins_and_ends_at_nothing() -> None:
    ones = Audio(np.ones(RATE, np.float32), RATE)
    faded = fade(ones, 0.1, 0.2).samples
    assert faded[0] < 0.001
    assert faded[-1] < 0.001
    assert (faded[RATE // 10 : RATE * 8 // 10] == 1).all()
    assert (np.diff(faded[: RATE // 10]) >= 0).all()
    assert ones.samples.all(), "the given sound is not changed"
    assert len(fade(Audio(np.ones(3, np.float32), RATE), 1, 1).samples) == 3


def test_a_crossfade_overlaps_at_equal_power() -> None:
    rng = np.random.default_rng(0)
    a, b = (Audio(rng.uniform(-0.5, 0.5, RATE).astype(np.float32), RATE) for _ in range(2))
    joined = crossfade(a, b, 0.5)
    assert joined.duration == 1.5
    middle = joined.samples[RATE // 2 : RATE]
    assert np.std(middle) == pytest.approx(np.std(a.samples), rel=0.03)
    assert crossfade(a, b, 0).duration == 2
    assert crossfade(a, b, 100).duration == 1
    with pytest.raises(BadInput, match="cannot be joined"):
        crossfade(a, Audio(b.samples, 8_000), 0.1)


def test_waveform_peaks_are_the_extremes_of_each_stretch(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, 1_000_000).astype(np.float32)
    peaks = waveform_peaks(wav(tmp_path / "a.wav", sound, subtype="FLOAT"), 100)
    grid = sound.reshape(100, -1)
    assert peaks.shape == (100, 2)
    assert peaks.dtype == np.float32
    np.testing.assert_array_equal(peaks, np.stack([grid.min(1), grid.max(1)], axis=1))


def test_a_click_shows_where_it_is(tmp_path: Path) -> None:
    for count, bins in ((RATE * 7 + 13, 50), (999, 333), (10, 50)):
        sound = np.zeros(count, np.float32)
        sound[count // 2] = 0.9
        peaks = waveform_peaks(wav(tmp_path / "a.wav", sound, subtype="FLOAT"), bins)
        assert peaks[:, 1].max() == np.float32(0.9)
        assert abs(int(peaks[:, 1].argmax()) - bins // 2) <= max(1, bins // count)


def test_waveform_peaks_survive_a_header_that_promised_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from studio.audio.peaks import _Outline

    sound = np.random.default_rng(0).uniform(-1, 1, 12_345).astype(np.float32)
    outline = _Outline(1, 160)
    for at in range(0, len(sound), 1_000):
        outline.push(sound[at : at + 1_000])
    peaks = outline.reduced(10)
    assert outline._step == 128
    expected = [(part.min(), part.max()) for part in np.array_split(sound, 10)]
    # Steps do not fall on the edges of bins, so extremes may be found a bin early.
    assert np.abs(peaks - np.array(expected, np.float32)).max() < 0.05
    assert peaks.min() == sound.min()
    assert peaks.max() == sound.max()


def test_importing_the_audio_layer_is_light() -> None:
    code = (
        "import sys, studio.audio.reading, studio.audio.writing, studio.audio.processing, studio.audio.peaks,"
        " studio.text.parts, studio.text.language, studio.text.subtitles;"
        "print([name for name in ('torch', 'scipy', 'pyloudnorm', 'av', 'py3langid') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
