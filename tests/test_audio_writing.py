"""What writing promises: six formats, marked, whole or not at all, and a WAV that grows."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from studio.audio import wav as wav_module
from studio.audio.reading import probe, read
from studio.audio.types import Audio
from studio.audio.wav import HEADER_BYTES, WavWriter, pcm16, wav_header
from studio.audio.writing import FORMATS, SYNTHETIC_MARK, encode, format_named, synthetic_tags
from studio.control import Control, Progress
from studio.errors import BadInput, Cancelled, NotFound
from tests.audio_files import RATE, megabytes_used, tone, wav


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return wav(tmp_path / "source.wav", tone(3) * np.hanning(3 * RATE).astype(np.float32))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rate", [None, 16_000, 44_100])
def test_every_format_sounds_like_its_source(
    tmp_path: Path, recording: Path, name: str, rate: int | None
) -> None:
    path = tmp_path / f"out{FORMATS[name].extension}"
    got = encode(recording, path, name, rate)
    assert probe(path).sample_rate in (got, 48_000)  # Opus always says 48 kHz
    assert probe(path).duration == pytest.approx(3, abs=0.15)
    expected, found = read(recording, RATE).samples, read(path, RATE).samples
    count = min(len(expected), len(found))
    assert np.corrcoef(expected[:count], found[:count])[0, 1] > 0.98


@pytest.mark.parametrize("name", FORMATS)
def test_audio_in_memory_is_written_as_a_file_would_be(
    tmp_path: Path, recording: Path, name: str
) -> None:
    encode(recording, tmp_path / "a", name)
    encode(read(recording), tmp_path / "b", name)
    np.testing.assert_array_equal(read(tmp_path / "a").samples, read(tmp_path / "b").samples)


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_lossless_is_lossless(tmp_path: Path, name: str) -> None:
    every_value = np.arange(-32_768, 32_768, dtype=np.int16)
    soundfile.write(tmp_path / "in.wav", every_value, RATE)
    encode(tmp_path / "in.wav", tmp_path / "out", name)
    found, _ = soundfile.read(tmp_path / "out", dtype="int16")
    np.testing.assert_array_equal(found, every_value)


def test_formats_are_found_by_name_and_extension() -> None:
    assert format_named(".MP3") is FORMATS["mp3"]
    with pytest.raises(NotFound, match="audio format") as caught:
        encode(Audio(tone(1), RATE), Path("never"), "mp5")
    assert "mp3" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "wanted", "got"),
    [
        ("opus", 22_050, 24_000),
        ("opus", 96_000, 48_000),
        ("mp3", 23_000, 24_000),
        ("wav", 23_456, 23_456),
        ("m4a", 50_000, 64_000),
    ],
)
def test_a_format_takes_the_next_higher_rate_it_has(
    tmp_path: Path, name: str, wanted: int, got: int
) -> None:
    assert encode(Audio(tone(1), RATE), tmp_path / "a", name, wanted) == got


@pytest.mark.parametrize("rate", [1, -5, 10_000_000])
def test_impossible_sample_rates_are_refused(tmp_path: Path, rate: int) -> None:
    with pytest.raises(BadInput, match="sample rate"):
        encode(Audio(tone(1), RATE), tmp_path / "a.wav", "wav", rate)
    assert not list(tmp_path.iterdir())


def test_no_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no sound"):
        encode(Audio(np.zeros(0, np.float32), RATE), tmp_path / "a.wav", "wav")


@pytest.mark.parametrize("name", FORMATS)
def test_tags_say_that_it_is_synthetic(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a"
    encode(Audio(tone(1), RATE), path, name, tags=synthetic_tags(title="Ünï 日本", seed="7", empty=""))
    with av.open(str(path)) as container:
        found = {**container.metadata, **container.streams.audio[0].metadata}
    tags = {key.lower(): value for key, value in found.items()}
    assert tags["title"] == "Ünï 日本"
    assert tags["comment"].splitlines() == [SYNTHETIC_MARK, "seed: 7"]


def test_loud_sound_is_clipped_and_does_not_wrap() -> None:
    np.testing.assert_array_equal(
        pcm16(np.array([-9, -1, 0, 1, 9], np.float32)), [-32_768, -32_768, 0, 32_767, 32_767]
    )


def test_cancelling_leaves_no_file(tmp_path: Path) -> None:
    reports: list[Progress] = []

    def on_progress(report: Progress) -> None:
        reports.append(report)
        if len(reports) == 3:
            control.cancel()

    control = Control(on_progress)
    for name in FORMATS:
        reports.clear()
        control = Control(on_progress)
        with pytest.raises(Cancelled):
            encode(Audio(tone(20), RATE), tmp_path / "a", name, control=control)
        assert [report.fraction for report in reports] == pytest.approx([0, 0.05, 0.1])
    assert not list(tmp_path.iterdir())


def test_encoding_a_long_file_takes_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with WavWriter(path, 16_000) as writer:  # 77 MB as floats
        for _ in range(20):
            writer.append(tone(60, 16_000))
    code = """
        import sys
        from pathlib import Path
        from studio.audio.writing import encode
        import av, soxr
        def work():
            encode(Path(sys.argv[1]), Path(sys.argv[2]), "flac")
    """
    grown, _ = megabytes_used(code, path, tmp_path / "out.flac")
    assert grown < 20
    assert probe(tmp_path / "out.flac").duration == 1200


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limit to set")
@pytest.mark.parametrize("name", FORMATS)
def test_a_disk_that_takes_no_more_is_said_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    code = f"""
import resource, sys
from pathlib import Path
import numpy as np
from studio.audio.types import Audio
from studio.audio.writing import encode
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).uniform(-1, 1, 24_000 * 6).astype("f4")
try:
    encode(Audio(noise, 24_000), Path(sys.argv[1]) / "a", "{name}")
except OSError as error:
    print("OSError", error.errno)
except Exception as error:
    print(type(error).__name__, error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith(("StorageFailed", "OSError 27"))
    assert not list(tmp_path.iterdir())


def test_wav_writer_writes_what_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with WavWriter(path, RATE) as writer:
        for at in range(0, RATE, 1000):
            writer.append(tone(1)[at : at + 1000])
        writer.append(np.zeros(0, np.float32))
        assert writer.seconds == 1
    assert path.stat().st_size == HEADER_BYTES + 2 * RATE
    assert soundfile.info(path).subtype == "PCM_16"
    np.testing.assert_allclose(soundfile.read(path, dtype="float32")[0], tone(1), atol=1 / 32_768)
    writer.close()  # harmless


def test_wav_headers_are_the_ones_everybody_writes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1), RATE, subtype="PCM_16")
    assert (tmp_path / "a.wav").read_bytes()[:HEADER_BYTES] == wav_header(RATE, 2 * RATE)


def test_a_growing_wav_can_be_followed_and_read_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    followed = bytearray()
    done = threading.Event()

    def follow() -> None:
        with path.open("rb") as file:
            file.seek(HEADER_BYTES)
            while True:
                finished = done.is_set()
                block = file.read(4096)
                followed.extend(block)
                if finished and not block:
                    return

    with WavWriter(path, RATE) as writer:
        follower = threading.Thread(target=follow)
        follower.start()
        for number in range(1, 6):
            writer.append(tone(1))
            assert read(path).duration == number
            assert probe(path).duration == number
    done.set()
    follower.join()
    assert bytes(followed) == path.read_bytes()[HEADER_BYTES:]


def test_a_killed_writer_leaves_a_wav_that_plays(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    code = """
import os, sys
from pathlib import Path
import numpy as np
from studio.audio.wav import WavWriter
writer = WavWriter(Path(sys.argv[1]), 24_000)
writer.append(np.zeros(24_000, np.float32))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code, path], check=False)
    assert read(path).duration == 1


def test_a_fault_closes_the_wav_in_good_order(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with pytest.raises(Cancelled), WavWriter(path, RATE) as writer:
        writer.append(tone(1))
        raise Cancelled
    assert path.read_bytes()[:HEADER_BYTES] == wav_header(RATE, 2 * RATE)


def test_four_gibibytes_are_refused_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav_module, "MAX_DATA_BYTES", 2 * RATE)
    with WavWriter(tmp_path / "a.wav", RATE) as writer:
        writer.append(tone(1))
        with pytest.raises(BadInput, match="4 GiB"):
            writer.append(tone(0.1))
    assert read(tmp_path / "a.wav").duration == 1
