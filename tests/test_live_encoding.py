"""Sound encoded while it is spoken: every format is a whole file, whatever pieces it was fed in."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from studio.audio.live_encoding import LIVE_FORMATS, LiveEncoder
from studio.audio.wav import HEADER_BYTES, wav_header
from studio.audio.writing import SYNTHETIC_MARK
from studio.errors import NotFound

RATE = 22_050
SECONDS = 2.0
ENCODED = [name for name in LIVE_FORMATS if name not in ("wav", "pcm")]


def tone() -> npt.NDArray[np.int16]:
    times = np.arange(round(RATE * SECONDS)) / RATE
    return np.asarray(np.sin(2 * np.pi * 440 * times) * 12_000, np.int16)


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def encoded(encoder: LiveEncoder, size: int = 4_096) -> bytes:
    made = b"".join(encoder.feed(piece) for piece in pieces(tone().tobytes(), size))
    return made + encoder.finish()


def heard(content: bytes) -> tuple[npt.NDArray[np.float32], int]:
    with av.open(io.BytesIO(content), "r") as file:
        frames = list(file.decode(audio=0))
    sound = np.concatenate([frame.to_ndarray().astype(np.float32).ravel() for frame in frames])
    return sound, frames[0].sample_rate


@pytest.mark.parametrize("format", ENCODED)
@pytest.mark.parametrize("size", [1, 997, 1 << 20])
def test_every_format_is_a_whole_file(format: str, size: int) -> None:
    if size == 1:  # byte by byte, half samples too: a tenth of it is enough
        encoder = LiveEncoder(format, RATE)
        fed = tone().tobytes()[: RATE // 5]
        content = b"".join(encoder.feed(piece) for piece in pieces(fed, 1)) + encoder.finish()
        seconds = len(fed) / 2 / RATE
    else:
        encoder = LiveEncoder(format, RATE)
        content, seconds = encoded(encoder, size), SECONDS
    sound, rate = heard(content)
    assert len(sound) / rate == pytest.approx(seconds, abs=0.1)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    loudest = np.argmax(spectrum) * rate / len(sound)
    assert loudest == pytest.approx(440, abs=12)


@pytest.mark.parametrize("format", ENCODED)
def test_it_comes_while_it_is_fed(format: str) -> None:
    encoder = LiveEncoder(format, RATE)
    fed, sizes = tone().tobytes(), []
    for piece in pieces(fed, RATE // 5):  # a tenth of a second
        sizes.append(len(encoder.feed(piece)))
    encoder.close()
    assert sum(size > 0 for size in sizes[3:]) > len(sizes[3:]) / 2
    assert sum(sizes) > 10_000


@pytest.mark.parametrize("format", ENCODED)
def test_it_is_marked_as_synthetic(format: str) -> None:
    content = encoded(LiveEncoder(format, RATE))
    with av.open(io.BytesIO(content)) as file:
        tags = {**file.metadata, **file.streams.audio[0].metadata}
    assert SYNTHETIC_MARK in [value for name, value in tags.items() if name.lower() == "comment"]


def test_lossless_formats_lose_nothing() -> None:
    given = tone()
    flac, rate = heard(encoded(LiveEncoder("flac", RATE)))
    assert rate == RATE
    assert np.array_equal(flac, given)
    wav = encoded(LiveEncoder("wav", RATE), 997)
    assert wav == wav_header(RATE) + given.tobytes()
    assert np.array_equal(soundfile.read(io.BytesIO(wav), dtype="int16")[0], given)
    assert encoded(LiveEncoder("pcm", RATE), 3) == given.tobytes()


def test_raw_sound_can_have_another_rate() -> None:
    encoder = LiveEncoder("pcm", RATE, 24_000)
    assert encoder.sample_rate == 24_000
    sound = np.frombuffer(encoded(encoder, 997), "<i2").astype(np.float64)
    assert len(sound) == pytest.approx(SECONDS * 24_000, abs=2)
    wanted = np.sin(2 * np.pi * 440 * np.arange(len(sound)) / 24_000) * 12_000
    inner = slice(200, -200)
    assert np.max(np.abs(sound[inner] - wanted[inner])) < 60


@pytest.mark.parametrize("format", LIVE_FORMATS)
def test_no_sound_is_a_file_without_any(format: str) -> None:
    content = LiveEncoder(format, RATE).finish()
    assert len(content) == {"pcm": 0, "wav": HEADER_BYTES}.get(format, len(content))


def test_a_rate_that_a_format_lacks_becomes_the_next() -> None:
    for format, rate in (("opus", 24_000), ("mp3", 22_050), ("aac", 22_050), ("flac", 22_050)):
        assert LiveEncoder(format, RATE).sample_rate == rate
    assert LiveEncoder("mp3", 96_000).sample_rate == 48_000


def test_an_unknown_format_lists_the_others() -> None:
    with pytest.raises(NotFound) as error:
        LiveEncoder("opsu", RATE)
    assert "opus" in error.value.hint


def test_two_threads_may_be_the_first_to_need_pyav() -> None:
    code = """
        import threading
        import numpy as np
        from studio.audio.live_encoding import LiveEncoder
        from studio.audio.loudness import loudness
        from studio.audio.types import Audio
        start, done = threading.Barrier(2), []
        def encode():
            start.wait()
            done.append(bool(LiveEncoder("pcm", 22_050, 24_000).feed(bytes(44_100))))
        def measure():
            start.wait()
            done.append(loudness(Audio(np.zeros(22_050, np.float32), 22_050)) is None)
        threads = [threading.Thread(target=each) for each in (encode, measure)]
        [each.start() for each in threads]
        [each.join() for each in threads]
        print(done)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "[True, True]\n"), ended.stderr
