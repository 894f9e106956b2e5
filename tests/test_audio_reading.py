"""What reading promises: anything people record, judged by its header, in flat memory."""

from __future__ import annotations

import contextlib
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.audio.reading import Limits, blocks, probe, read, regroup
from studio.errors import BadInput
from tests.audio_files import RATE, claim_flac_frames, compressed, megabytes_used, surround, tone, wav

LIMITS = Limits(max_seconds=4 * 3600, max_bytes=200_000_000)


def _likeness(samples: np.ndarray, rate: int = RATE) -> float:
    """The share of the power that is at 440 Hz."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    at = round(440 * len(samples) / rate)
    return float(power[at - 8 : at + 9].sum() / power.sum())


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW"])
def test_every_kind_of_wav_is_read_alike(tmp_path: Path, subtype: str) -> None:
    audio = read(wav(tmp_path / "a.wav", tone(1), subtype=subtype))
    assert audio.sample_rate == RATE
    assert audio.samples.dtype == np.float32
    np.testing.assert_allclose(audio.samples, tone(1), atol=0.02)


@pytest.mark.parametrize(
    ("name", "container", "subtype"),
    [
        ("a.flac", "FLAC", "PCM_24"),
        ("a.mp3", "MP3", "MPEG_LAYER_III"),
        ("a.ogg", "OGG", "VORBIS"),
        ("a.opus", "OGG", "OPUS"),
        ("a.aiff", "AIFF", "PCM_16"),
        ("a.au", "AU", "ULAW"),
        ("a.caf", "CAF", "PCM_16"),
    ],
)
def test_what_libsndfile_writes_is_read(tmp_path: Path, name: str, container: str, subtype: str) -> None:
    path = tmp_path / name
    soundfile.write(path, tone(2), RATE, format=container, subtype=subtype)
    assert probe(path).duration == pytest.approx(2, abs=0.1)
    audio = read(path, RATE)
    assert audio.duration == pytest.approx(2, abs=0.1)
    assert _likeness(audio.samples) > 0.98


@pytest.mark.parametrize(
    ("name", "codec", "container", "options"),
    [
        ("a.m4a", "aac", "ipod", {}),
        ("a.aac", "aac", "adts", {}),
        ("a.mp3", "libmp3lame", "mp3", {}),
        ("a.webm", "libopus", "webm", {"rate": 48_000}),
        ("live.webm", "libopus", "webm", {"rate": 48_000, "live": True}),
        ("a.mkv", "flac", "matroska", {}),
        ("film.mp4", "aac", "mp4", {"video": True}),
    ],
)
def test_what_browsers_and_telephones_record_is_read(
    tmp_path: Path, name: str, codec: str, container: str, options: dict
) -> None:
    path = compressed(tmp_path / name, codec, container, **options)
    assert probe(path).duration == pytest.approx(2, abs=0.2)
    audio = read(path, RATE)
    assert audio.duration == pytest.approx(2, abs=0.2)
    assert _likeness(audio.samples) > 0.98


def test_probe_tells_what_the_header_says(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone(1.5)] * 2, axis=1), RATE, subtype="PCM_24")
    facts = probe(path)
    assert (facts.duration, facts.sample_rate, facts.channels) == (1.5, RATE, 2)
    assert (facts.container, facts.codec, facts.size) == ("WAV", "PCM_24", path.stat().st_size)


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    for name in ("a.raw", "a.mp3", "a.txt", "ohne Endung", "日本語 🎵.wav"):
        assert read(wav(tmp_path / name, tone(0.5))).duration == 0.5


def test_channels_are_mixed_by_their_mean(tmp_path: Path) -> None:
    path = tmp_path / "eight.wav"
    levels = np.arange(8, dtype=np.float32) / 10
    soundfile.write(path, np.tile(levels, (RATE, 1)), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read(path).samples, 0.35, atol=1e-6)
    with pytest.raises(BadInput, match="8 channels"):
        probe(path, Limits(max_channels=2))


@pytest.mark.parametrize(
    ("codec", "container", "layout"),
    [
        ("aac", "ipod", "7.1"),
        ("aac", "ipod", "5.1"),
        ("flac", "matroska", "7.1"),
        ("libopus", "webm", "7.1"),
        ("pcm_s24le", "matroska", "7.1"),
        ("alac", "ipod", "stereo"),
    ],
)
def test_surround_is_mixed_too(tmp_path: Path, codec: str, container: str, layout: str) -> None:
    path = surround(tmp_path / "a", codec, container, layout)
    assert probe(path).channels == {"7.1": 8, "5.1": 6, "stereo": 2}[layout]
    audio = read(path, RATE)
    assert _likeness(audio.samples) > 0.98
    assert np.abs(audio.samples).max() == pytest.approx(0.3, abs=0.15)


def test_channels_that_change_midway_are_refused(tmp_path: Path) -> None:
    # Frames of ADTS stand alone, so that two files joined are one stream.
    mono = compressed(tmp_path / "mono.aac", "aac", "adts", rate=48_000).read_bytes()
    eight = surround(tmp_path / "eight.aac", "aac", "adts").read_bytes()
    path = tmp_path / "both.aac"
    path.write_bytes(mono + eight)
    with pytest.raises(BadInput, match="changes its channels"):
        read(path)


def test_resampling_while_reading_gives_what_resampling_at_once_gives(tmp_path: Path) -> None:
    import soxr

    path = wav(tmp_path / "a.wav", tone(7, 44_100), 44_100, "FLOAT")
    audio = read(path, 16_000)
    np.testing.assert_allclose(audio.samples, soxr.resample(tone(7, 44_100), 44_100, 16_000), atol=1e-5)


def test_a_stretch_is_read_exactly(tmp_path: Path) -> None:
    sound = tone(4)
    path = wav(tmp_path / "a.wav", sound, subtype="FLOAT")
    np.testing.assert_array_equal(read(path, start=1.0, end=2.5).samples, sound[RATE : RATE * 5 // 2])
    np.testing.assert_array_equal(read(path, start=3.0).samples, sound[RATE * 3 :])
    assert read(path, end=100.0).duration == 4
    packed = compressed(tmp_path / "a.m4a", "aac", "ipod", 4.0)
    whole = read(packed).samples
    np.testing.assert_array_equal(read(packed, start=1, end=2).samples, whole[RATE : 2 * RATE])


@pytest.mark.parametrize(("start", "end"), [(-1, None), (2, 1), (5, None), (1, 1), (float("nan"), 1)])
def test_a_stretch_outside_is_refused(tmp_path: Path, start: float, end: float | None) -> None:
    with pytest.raises(BadInput, match="cannot be read from"):
        read(wav(tmp_path / "a.wav", tone(2)), start=start, end=end)


def test_blocks_are_equal_and_joined_are_the_whole(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(3.3))
    found = list(blocks(path, 16_000, 0.5))
    assert [len(block) for block in found] == [8_000] * 6 + [4_800]
    np.testing.assert_array_equal(np.concatenate(found), read(path, 16_000).samples)


def test_mp3_is_the_same_in_blocks_as_at_once(tmp_path: Path) -> None:
    # libsndfile is not used for MP3 because soundfile's seek between blocks makes it click.
    path = tmp_path / "a.mp3"
    soundfile.write(path, tone(10) * np.hanning(10 * RATE).astype(np.float32), RATE, format="MP3")
    whole, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(np.concatenate(list(blocks(path))), whole, atol=1e-3)


def test_silence_is_no_error(tmp_path: Path) -> None:
    assert not read(wav(tmp_path / "a.wav", np.zeros(RATE, np.float32))).samples.any()


def test_loud_floats_are_clipped(tmp_path: Path) -> None:
    audio = read(wav(tmp_path / "a.wav", tone(1, level=3e38), subtype="FLOAT"))
    assert np.abs(audio.samples).max() == 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    sound = tone(1)
    sound[5000] = value
    with pytest.raises(BadInput, match="not numbers") as caught:
        read(wav(tmp_path / "a.wav", sound, subtype="FLOAT"))
    assert "16-bit WAV" in caught.value.hint


def _no_sound(path: Path) -> None:
    soundfile.write(path, np.zeros(0, np.float32), RATE, format="WAV")


def _playlist(path: Path) -> None:
    wav(path.with_name("neighbour.wav"), tone(1))
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", "neighbour.wav", "#EXT-X-ENDLIST"]
    path.write_text("\n".join(lines))


def _concat(path: Path) -> None:
    wav(path.with_name("neighbour.wav"), tone(1))
    path.write_text("ffconcat version 1.0\nfile 'neighbour.wav'\n")


def _silent_film(path: Path) -> None:
    import av

    with av.open(str(path), "w", format="mp4") as target:
        stream = target.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        target.mux(stream.encode(None))


def _picture(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("Hello, this is a text. " * 500), "not a recording"),
        (lambda path: path.write_bytes(bytes(10_000)), "not a recording"),
        (lambda path: path.write_bytes(b"RIFF\0\0\0\0WAVEfmt "), "not a recording|no sound"),
        (lambda path: path.mkdir(), "not a file"),
        (lambda path: os.mkfifo(path), "not a file"),
        (lambda path: None, "does not exist"),
        (_no_sound, "no sound|not a recording"),
        (_playlist, "not a recording"),
        (_concat, "not a recording"),
        (_silent_film, "no sound"),
        (_picture, "not a recording"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_remedy(tmp_path: Path, make, message: str) -> None:
    path = tmp_path / "song.wav"
    make(path)
    for attempt in (probe, read):
        with pytest.raises(BadInput, match=message) as caught:
            attempt(path)
        assert caught.value.hint


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/a.wav", "https://a.b/c.mp3", "file:///etc/passwd", "data:audio/wav;base64,"],
)
def test_addresses_are_refused(address: str) -> None:
    for given in (address, Path(address)):
        if isinstance(given, Path) and address.startswith("data"):
            continue
        with pytest.raises(BadInput, match="addresses"):
            read(given)


def test_names_that_decoders_would_interpret_are_only_names(tmp_path: Path) -> None:
    secret = wav(tmp_path / "secret.wav", tone(1))
    for name in (f"concat:{secret}", f"subfile,,start,0,end,0,,:{secret}", "pipe:0", "-", "a\0b"):
        with pytest.raises(BadInput):
            read(name)


@pytest.mark.parametrize(("rate", "works"), [(1_000, False), (8_000, True), (192_000, True)])
def test_sample_rates_have_limits(tmp_path: Path, rate: int, works: bool) -> None:
    path = wav(tmp_path / "a.wav", tone(0.5, rate), rate)
    if works:
        assert read(path, RATE).duration == pytest.approx(0.5, abs=0.001)
    else:
        with pytest.raises(BadInput, match="1000 Hz"):
            read(path, RATE)


def test_a_file_over_the_size_limit_is_refused(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(1))
    with pytest.raises(BadInput, match="more than 10000 bytes"):
        probe(path, Limits(max_bytes=10_000))


def test_a_34_mb_flac_that_claims_12_hours_is_refused_at_once_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.flac"
    soundfile.write(path, tone(10), RATE)
    claim_flac_frames(path, 12 * 3600 * RATE)
    with path.open("r+b") as file:
        file.truncate(34_000_000)
    code = """
        import sys, time
        import av
        from studio.audio.reading import Limits, probe, read
        from studio.errors import BadInput
        def work():
            for attempt in (probe, read):
                started = time.monotonic()
                try:
                    attempt(sys.argv[1], limits=Limits(max_seconds=4 * 3600))
                except BadInput as error:
                    print(time.monotonic() - started, error.message)
    """
    grown, printed = megabytes_used(code, path)
    first, second = printed.splitlines()
    for line in (first, second):
        seconds, message = line.split(" ", 1)
        assert float(seconds) < 0.5
        assert "12.0 h" in message
    assert grown < 20


def test_a_long_flac_is_read_in_blocks_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 8_000, 1) as target:  # an hour, 115 MB as floats
        for _ in range(6):
            target.write(np.zeros(600 * 8_000, np.int16))
    code = """
        import sys
        from studio.audio.reading import blocks
        def work():
            print(sum(len(block) for block in blocks(sys.argv[1], seconds=10)) / 8000)
    """
    grown, printed = megabytes_used(code, path)
    assert float(printed) == 3600
    assert grown < 30


def test_reading_takes_the_memory_of_its_result(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with soundfile.SoundFile(path, "w", 48_000, 2) as target:  # 4 minutes, 92 MB as floats
        for _ in range(4):
            target.write(np.zeros((60 * 48_000, 2), np.int16))
    code = """
        import sys
        import soxr
        from studio.audio.reading import read
        def work():
            print(read(sys.argv[1], 16_000).duration)
    """
    grown, printed = megabytes_used(code, path)
    assert float(printed) == pytest.approx(240)
    assert grown < 240 * 16_000 * 4 / 1e6 * 1.6 + 15


def test_a_header_that_tells_too_little_does_not_pass_the_limit(tmp_path: Path) -> None:
    limits = Limits(max_seconds=5)
    unknown = tmp_path / "unknown.flac"
    soundfile.write(unknown, tone(20), RATE)
    claim_flac_frames(unknown, 0)
    live = compressed(tmp_path / "live.webm", "libopus", "webm", 20, 48_000, live=True)
    streamed = wav(tmp_path / "streamed.wav", tone(20))
    content = bytearray(streamed.read_bytes())
    content[40:44] = struct.pack("<I", 0)
    streamed.write_bytes(content)
    for path in (unknown, live, streamed):
        with pytest.raises(BadInput, match="limit of 5 s"):
            probe(path, limits)
        assert read(path).duration == pytest.approx(20, abs=0.1)


def test_decoding_stops_at_the_limit_where_the_header_lied(tmp_path: Path) -> None:
    path = tmp_path / "liar.m4a"
    content = bytearray(compressed(path, "aac", "ipod", 60).read_bytes())
    at = content.find(b"mdhd")
    content[at + 20 : at + 24] = struct.pack(">I", RATE)  # one second
    path.write_bytes(content)
    assert probe(path).duration == pytest.approx(1, abs=0.1)
    with pytest.raises(BadInput, match="limit of 10 s"):
        read(path, limits=Limits(max_seconds=10))


def test_a_wav_without_a_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(2))
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff" * 4
    path.write_bytes(content)
    assert read(path).duration == 2


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20 * RATE).astype(np.float32)
    soundfile.write(path, noise, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput, match="breaks off"):
        read(path)


def test_a_cut_mp3_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.mp3", "libmp3lame", "mp3", 10)
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 3 : len(content) * 2 // 3])
    assert read(path).duration == pytest.approx(3.3, abs=0.3)


def test_garbage_within_a_file_never_crashes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    originals = [
        wav(tmp_path / "a.wav", tone(1)),
        compressed(tmp_path / "a.m4a", "aac", "ipod", 1),
        compressed(tmp_path / "a.webm", "libopus", "webm", 1, 48_000),
        compressed(tmp_path / "a.mp3", "libmp3lame", "mp3", 1),
    ]
    soundfile.write(tmp_path / "a.ogg", tone(1), RATE, format="OGG")
    soundfile.write(tmp_path / "a.flac", tone(1), RATE)
    started = time.monotonic()
    for original in [*originals, tmp_path / "a.ogg", tmp_path / "a.flac"]:
        for _ in range(40):
            content = np.frombuffer(original.read_bytes(), np.uint8).copy()
            places = rng.integers(0, len(content), 20)
            content[places] = rng.integers(0, 256, 20)
            if rng.random() < 0.5:
                content[: min(200, len(content))][rng.integers(0, 200, 5)] ^= 0xFF
            path = tmp_path / "broken"
            path.write_bytes(content.tobytes())
            with contextlib.suppress(BadInput):
                audio = read(path, 16_000, Limits(max_seconds=60))
                assert np.abs(audio.samples).max(initial=0) <= 1
    assert time.monotonic() - started < 20


def test_regrouping_keeps_every_sample() -> None:
    pieces = [np.arange(n, dtype=np.float32) for n in (0, 1, 10, 3, 0, 7)]
    found = list(regroup(pieces, 4))
    assert [len(piece) for piece in found] == [4, 4, 4, 4, 4, 1]
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(pieces))
