"""What reading videos promises: each frame as it is shown and when it is shown, in flat memory, from one
file and no other."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from PIL import Image

from studio.errors import BadInput
from studio.video.pictures import fitted
from studio.video.reading import Limits, is_video, probe_video, video_frames
from tests.audio_files import compressed, tone, wav
from tests.video_files import BLUE, FLAT, GREEN, RED, flat, halves, near, video

TURN = 65_536
#: How what was filmed is to be turned, and what of `halves` is then at the top left.
TURNS = {
    "upright": ((TURN, 0, 0, 0, TURN, 0, 0, 0, 1 << 30), (96, 64)),
    "half": ((-TURN, 0, 0, 0, -TURN, 0, 0, 0, 1 << 30), (96, 64)),
    "right": ((0, TURN, 0, -TURN, 0, 0, 0, 0, 1 << 30), (64, 96)),
    "left": ((0, -TURN, 0, TURN, 0, 0, 0, 0, 1 << 30), (64, 96)),
    "mirrored": ((-TURN, 0, 0, 0, TURN, 0, 0, 0, 1 << 30), (96, 64)),
    "right and mirrored": ((0, TURN, 0, TURN, 0, 0, 0, 0, 1 << 30), (64, 96)),
}


def numbered(count: int) -> list[np.ndarray]:
    """Pictures that can be told apart: number `i` is grey of 10 + 8 i."""
    return [flat((10 + 8 * i,) * 3) for i in range(count)]


def number(picture: np.ndarray) -> int:
    return round((float(picture.mean()) - 10) / 8)


@pytest.mark.parametrize(
    ("codec", "container", "pixels"),
    [
        ("libx264", "mp4", "yuv420p"),
        ("libx264", "mov", "yuv422p10le"),
        ("libx265", "mp4", "yuv420p"),
        ("libvpx", "webm", "yuv420p"),
        ("libvpx-vp9", "webm", "yuv420p"),
        ("libsvtav1", "mp4", "yuv420p"),
        ("mjpeg", "avi", "yuvj420p"),
        ("mpeg4", "avi", "yuv420p"),
        ("mpeg2video", "mpegts", "yuv420p"),
        ("libx264", "matroska", "yuv444p"),
    ],
)
def test_what_people_film_is_read(tmp_path: Path, codec: str, container: str, pixels: str) -> None:
    path = video(tmp_path / "film.bin", [halves()] * 12, 25, codec, container, pixels=pixels)
    facts = probe_video(path)
    assert (facts.width, facts.height, facts.has_sound) == (96, 64, False)
    assert facts.fps == pytest.approx(25, rel=0.01)
    assert facts.seconds == pytest.approx(12 / 25, abs=0.05)
    assert is_video(path)
    pictures = list(video_frames(path, 25))
    assert len(pictures) == pytest.approx(12, abs=1)
    for picture in pictures:
        assert (picture.shape, picture.dtype) == ((64, 96, 3), np.uint8)
        assert near(picture[50, 50], BLUE, 20)
        assert near(picture[10, 80], RED, 20)
        assert near(picture[10, 10], GREEN, 20)


@pytest.mark.parametrize("turn", TURNS)
def test_it_is_turned_as_it_was_filmed(tmp_path: Path, turn: str) -> None:
    matrix, size = TURNS[turn]
    path = video(tmp_path / "a.mp4", [halves()] * 2, matrix=matrix)
    facts = probe_video(path)
    assert (facts.width, facts.height) == size
    shown = {
        "upright": halves(),
        "half": np.rot90(halves(), 2),
        "right": np.rot90(halves(), -1),
        "left": np.rot90(halves(), 1),
        "mirrored": halves()[:, ::-1],
        "right and mirrored": halves().transpose(1, 0, 2),
    }[turn]
    pictures = list(video_frames(path, 25))
    assert np.abs(pictures[0].astype(int) - shown).mean() < 8
    small = next(video_frames(path, 25, max_height=32))
    assert small.shape[0] == 32
    assert np.abs(small.astype(int) - fitted(np.ascontiguousarray(shown), 32)).mean() < 12


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        target.mux(stream.encode(av.VideoFrame.from_ndarray(flat(RED, 96, 96))))
        target.mux(stream.encode(None))
    assert (probe_video(path).width, probe_video(path).height) == (128, 96)
    assert next(video_frames(path, 25)).shape == (96, 128, 3)


@pytest.mark.parametrize("fps", [10, 12.5, 25, 30, 60])
def test_it_is_sampled_at_any_rate(tmp_path: Path, fps: float) -> None:
    path = video(tmp_path / "a.mp4", numbered(25), 25)
    found = [number(picture) for picture in video_frames(path, fps)]
    assert len(found) == math.ceil(fps - 1e-6)
    assert found == [math.floor(index / fps * 25 + 1e-6) for index in range(len(found))]


def test_frames_that_come_irregularly_are_taken_at_their_times(tmp_path: Path) -> None:
    times = [0, 40, 90, 400, 410, 420, 1000, 1500]
    path = video(tmp_path / "a.mp4", numbered(8), times=times, ordered=True)
    found = [number(picture) for picture in video_frames(path, 10)]
    shown = [max(i for i, time in enumerate(times) if time <= 100 * tick + 0.5) for tick in range(15)]
    assert found[:15] == shown
    assert probe_video(path).seconds == pytest.approx(1.5, abs=0.6)


def test_it_starts_with_its_first_frame_whenever_that_comes(tmp_path: Path) -> None:
    path = video(
        tmp_path / "a.mkv", numbered(5), container="matroska", times=[5000 + 40 * i for i in range(5)]
    )
    assert [number(picture) for picture in video_frames(path, 25)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_one_frame_is_a_video_of_one_frame(tmp_path: Path, container: str) -> None:
    codec = "libx264" if container == "mp4" else "libvpx"
    path = video(tmp_path / "a", [halves()], 25, codec, container)
    assert 0 < probe_video(path).seconds <= 0.1
    pictures = list(video_frames(path, 25))
    assert len(pictures) == 1
    assert near(pictures[0][50, 50], BLUE, 20)


def test_a_browsers_recording_is_measured_by_its_packets(tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.mkv", "libopus", "matroska", rate=48_000, live=True, video=True)
    facts = probe_video(path)
    assert facts.seconds == pytest.approx(2, abs=0.1)
    assert facts.has_sound
    with pytest.raises(BadInput, match="over the limit"):
        probe_video(path, Limits(max_seconds=1))


def test_frames_are_made_smaller_with_even_sides(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", [halves(300, 202)] * 2)
    assert next(video_frames(path, 25, max_height=100)).shape == (100, 148, 3)
    assert next(video_frames(path, 25, max_height=1080)).shape == (202, 300, 3)
    tall = video(tmp_path / "b.mp4", [halves(300, 202)] * 2, matrix=TURNS["right"][0])
    assert next(video_frames(tall, 25, max_height=100)).shape == (100, 68, 3)


def test_the_file_is_closed_when_it_is_given_up(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", numbered(20))

    def is_open() -> bool:
        return any(str(path) == file.path for file in psutil.Process().open_files())

    frames = video_frames(path, 25)
    next(frames)
    assert is_open()
    frames.close()
    assert not is_open()


def with_cover(path: Path) -> Path:
    """A sound file with a picture on its sleeve."""
    Image.fromarray(halves()).save(path.with_suffix(".png"))
    with (
        av.open(str(path.with_suffix(".png"))) as cover,
        av.open(str(path), "w", format="mp3") as target,
    ):
        sleeve = target.add_stream_from_template(cover.streams.video[0])
        sleeve.disposition = av.stream.Disposition.attached_pic
        stream = target.add_stream("libmp3lame", rate=24_000, layout="mono")
        for packet in cover.demux():
            if packet.dts is not None:
                packet.stream = sleeve
                target.mux(packet)
        frame = av.AudioFrame.from_ndarray(tone(1)[None], format="fltp", layout="mono")
        frame.sample_rate = 24_000
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def test_sound_without_pictures_is_refused(tmp_path: Path) -> None:
    for path in (
        compressed(tmp_path / "a.mp4", "aac", "mp4"),
        with_cover(tmp_path / "b.mp3"),
        wav(tmp_path / "c.wav", tone(1)),
    ):
        with pytest.raises(BadInput, match=r"no pictures|not a video") as caught:
            probe_video(path)
        assert caught.value.hint
        assert not is_video(path)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF", "PNG", "JPEG"])
def test_a_picture_is_no_video_not_even_one_that_moves(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.mp4"
    more = [Image.fromarray(flat(color)) for color in FLAT]
    options = {"save_all": True, "append_images": more} if kind in ("GIF", "WEBP", "AVIF") else {}
    Image.fromarray(halves()).save(path, kind, **options)
    assert not is_video(path)
    with pytest.raises(BadInput):
        probe_video(path)


@pytest.mark.parametrize(
    "content", [b"", b"Not a film.\n" * 99, bytes(5000), b"\0\0\0\x18ftypisom" + bytes(99)]
)
def test_what_is_no_video_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"film\.mp4") as caught:
        probe_video(path)
    assert caught.value.hint
    assert not is_video(path)


def test_what_is_no_file_is_refused_in_words(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.mp4", tmp_path):
        with pytest.raises(BadInput, match=r"does not exist|not a file|cannot be opened"):
            probe_video(path)
        with pytest.raises(BadInput):
            is_video(path)


def noisy(count: int = 50) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(count)]


def test_a_film_that_breaks_off_is_refused(tmp_path: Path) -> None:
    plain = video(tmp_path / "a.mp4", noisy())
    plain.write_bytes(plain.read_bytes()[: plain.stat().st_size // 2])  # its index was at the end
    with pytest.raises(BadInput, match="incomplete"):
        probe_video(plain)
    fast = video(tmp_path / "b.mp4", noisy(), options={"movflags": "faststart"})
    fast.write_bytes(fast.read_bytes()[: fast.stat().st_size // 3])
    assert probe_video(fast).seconds == pytest.approx(2, abs=0.1)  # so it says
    with pytest.raises(BadInput, match="breaks off after 0"):
        list(video_frames(fast, 25))


def test_bytes_that_flip_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    path = video(tmp_path / "a.mp4", noisy(10))
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    index = len(whole) - 900  # where most of the header is
    outcomes = set()
    for attempt in range(40):
        flipped = whole.copy()
        at = rng.integers(index, len(whole), 3) if attempt % 2 else rng.integers(40, index, 300)
        flipped[at] = rng.integers(0, 256, len(at))
        path.write_bytes(flipped.tobytes())
        try:
            facts = probe_video(path)
            count = sum(1 for _ in video_frames(path, 5, 64))
        except BadInput:
            outcomes.add("refused")
        else:
            outcomes.add("read")
            assert count <= 1801 * 5
            assert facts.seconds <= 1800
    assert outcomes == {"read", "refused"}


def test_what_is_too_long_too_large_or_too_small_is_refused_by_its_header(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", numbered(25))
    for limits, said in (
        (Limits(max_seconds=0.5), "over the limit"),
        (Limits(max_pixels=5000), "million pixels"),
        (Limits(max_bytes=500), "more than"),
        (Limits(min_side=70), "too small"),
    ):
        with pytest.raises(BadInput, match=said) as caught:
            probe_video(path, limits)
        assert caught.value.hint
        with pytest.raises(BadInput, match=said):
            next(video_frames(path, 25, limits=limits))


def test_a_frame_larger_than_its_header_says_is_not_decoded(tmp_path: Path) -> None:
    large = video(
        tmp_path / "a.avi", [halves(640, 480)], codec="mjpeg", container="avi", pixels="yuvj420p"
    )
    data = large.read_bytes().replace((640).to_bytes(4, "little"), (96).to_bytes(4, "little"))
    large.write_bytes(data.replace((480).to_bytes(4, "little"), (64).to_bytes(4, "little")))
    assert probe_video(large).width == 640  # by its frame
    with pytest.raises(BadInput, match=r"decoded|damaged|million pixels"):
        probe_video(large, Limits(max_pixels=96 * 64))


def test_a_playlist_reads_no_neighbour(tmp_path: Path) -> None:
    neighbour = video(tmp_path / "neighbour.mp4", [halves()] * 25)
    stream = video(tmp_path / "neighbour.ts", [halves()] * 25, container="mpegts")
    lists = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{stream.name}\n#EXT-X-ENDLIST\n",
        "hls-url": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{stream}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile {neighbour.name}\n",
        "concat-url": f"ffconcat version 1.0\nfile 'file:{neighbour}'\n",
        "dash": f"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>{neighbour}</BaseURL></MPD>",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    }
    for kind, content in lists.items():
        path = tmp_path / f"{kind}.mp4"
        path.write_text(content)
        with pytest.raises(BadInput):
            probe_video(path)
        with pytest.raises(BadInput):
            list(video_frames(path, 25))
        assert not is_video(path)
    for address in ("http://127.0.0.1:9/a.mp4", f"file:{neighbour}", f"concat:{neighbour}|{neighbour}"):
        with pytest.raises(BadInput):
            probe_video(Path(address))
