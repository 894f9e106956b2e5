"""What writing videos promises: an MP4 that plays everywhere, sound and picture in step, whole or not at
all; and text that can be read on it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import features

from studio.audio.reading import read
from studio.errors import BadInput, Cancelled, StorageFailed
from studio.video.captions import LABEL, Caption, Overlay, captions_of
from studio.video.reading import probe_video, video_frames, video_tags
from studio.video.types import Picture, frame_count
from studio.video.writing import VideoWriter
from tests.audio_files import RATE, megabytes_used, tone, wav
from tests.small_disk import said_under_a_limit, tiny_disk
from tests.video_files import FLAT, GREEN, GREY, RED, flat, halves, near, sound


def written(path: Path, pictures: list[Picture], heard: Path, fps: int = 25, **more: object) -> Path:
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, (width, height), fps, heard, **more) as writer:  # type: ignore[arg-type]
        for picture in pictures:
            writer.write(picture)
    return path


def boxes(path: Path) -> list[str]:
    """The names of an MP4's outermost boxes, in order."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        assert size >= 8
        found.append(name.decode())
        at += size
    return found


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    return sound(tmp_path / "heard.wav", 2.0)


def test_it_plays_in_every_browser_while_it_is_still_loading(tmp_path: Path, heard: Path) -> None:
    path = written(tmp_path / "new" / "a.mp4", [halves(128, 96)] * 50, heard)
    with av.open(str(path)) as container:
        video, sound_track = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == "h264"
        assert video.profile in ("High", "Main")
        assert video.codec_context.pix_fmt == "yuv420p"
        assert video.codec_context.colorspace == video.codec_context.color_primaries == 1  # BT.709
        assert (sound_track.codec_context.name, sound_track.profile) == ("aac", "LC")
    order = boxes(path)
    assert order[0] == "ftyp"
    assert order.index("moov") < order.index("mdat")
    assert list(path.parent.iterdir()) == [path]


def test_pictures_come_back_as_they_were_written(tmp_path: Path, heard: Path) -> None:
    pictures = [flat(FLAT[index // 5 % 4]) for index in range(50)]
    read_back = list(video_frames(written(tmp_path / "a.mp4", pictures, heard), 25))
    assert len(read_back) == 50
    for picture, color in zip(read_back, [FLAT[index // 5 % 4] for index in range(50)], strict=True):
        assert near(picture[30, 40], color, 4)


@pytest.mark.parametrize(
    ("size", "padded"), [((95, 64), (96, 64)), ((96, 63), (96, 64)), ((65, 67), (66, 68))]
)
def test_odd_sides_get_their_edge_again(
    tmp_path: Path, heard: Path, size: tuple[int, int], padded: tuple[int, int]
) -> None:
    picture = halves(*size)
    picture[:, : size[0] // 2] //= 2
    path = written(tmp_path / "a.mp4", [picture] * 50, heard, crf=1)
    facts = probe_video(path)
    assert (facts.width, facts.height) == padded
    shown = np.pad(picture, ((0, padded[1] - size[1]), (0, padded[0] - size[0]), (0, 0)), "edge")
    last = next(video_frames(path, 25)).astype(int)
    assert np.abs(last[-2:] - shown[-2:]).mean() < 5
    assert np.abs(last[:, -2:] - shown[:, -2:]).mean() < 5


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize(("seconds", "fps"), [(0.1, 25), (1.0, 25), (1.234, 30), (2.019, 24)])
def test_sound_and_picture_are_equally_long(tmp_path: Path, seconds: float, fps: int, rate: int) -> None:
    heard = sound(tmp_path / "heard.wav", seconds, rate)
    path = written(tmp_path / "a.mp4", [halves()] * frame_count(seconds, fps), heard, fps)
    with av.open(str(path)) as container:
        shown, spoken = (float(s.duration * s.time_base) for s in container.streams)
    assert abs(shown - spoken) < 0.5 / fps
    assert abs(spoken - seconds) <= 1 / fps
    assert read(path).duration == pytest.approx(
        seconds, abs=1 / fps + 1024 / rate
    )  # AAC comes in pieces of 1,024 samples


def test_what_is_heard_belongs_to_what_is_seen(tmp_path: Path) -> None:
    """Flashes and clicks at the same moments, found again in the decoded file."""
    moments = (0.4, 1.2, 2.0)
    samples = np.zeros(RATE * 3, np.float32)
    for moment in moments:
        samples[round(moment * RATE) : round((moment + 0.04) * RATE)] = tone(0.04, hertz=2000, level=0.8)
    bright = {round(moment * 25) for moment in moments}
    pictures = [flat((255,) * 3 if index in bright else (0, 0, 0)) for index in range(75)]
    path = written(tmp_path / "a.mp4", pictures, wav(tmp_path / "clicks.wav", samples))
    with av.open(str(path)) as container:
        flashes = [
            frame.time
            for frame in container.decode(video=0)
            if frame.to_ndarray(format="gray").mean() > 128
        ]
    with av.open(str(path)) as container:
        loud: list[float] = []
        for frame in container.decode(audio=0):
            for at in np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.3):
                time = frame.time + at / frame.sample_rate
                if not loud or time > loud[-1] + 0.2:
                    loud.append(time)
    assert flashes == pytest.approx(moments, abs=0.001)
    assert loud == pytest.approx(moments, abs=0.01)


def test_sound_and_picture_lie_side_by_side(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4", [halves()] * 250, sound(tmp_path / "heard.wav", 10.0))
    with av.open(str(path)) as container:
        packets = [
            (p.pos, float(p.dts * p.time_base), p.stream.type)
            for p in container.demux()
            if p.dts is not None
        ]
    last = {"video": 0.0, "audio": 0.0}
    for _, time, kind in sorted(packets):
        last[kind] = time
        assert abs(last["video"] - last["audio"]) < 1.1
    assert last["video"] > 9


def test_sound_that_is_too_short_or_too_long_is_made_to_fit(tmp_path: Path, heard: Path) -> None:
    short = read(written(tmp_path / "a.mp4", [halves()] * 100, heard))
    assert short.duration == pytest.approx(4, abs=0.05)
    assert np.abs(short.samples[:RATE]).max() > 0.2
    assert np.abs(short.samples[-RATE:]).max() < 0.01
    long = written(tmp_path / "b.mp4", [halves()] * 10, heard)
    assert read(long).duration == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("kind", ["flac", "mp3", "stereo"])
def test_any_kind_of_recording_is_taken(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "heard"
    samples = np.stack([tone(1)] * 2, 1) if kind == "stereo" else tone(1)
    soundfile.write(path, samples, RATE, format="WAV" if kind == "stereo" else kind.upper())
    found = read(written(tmp_path / "a.mp4", [halves()] * 25, path))
    assert np.sqrt(np.mean(found.samples**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_it_says_what_it_is_and_how_it_was_made(tmp_path: Path, heard: Path) -> None:
    metadata = {
        "title": "Grüße",
        "engine": "animator",
        "voice": "Tom",
        "comment": "A\0 test.",
        "empty": "",
    }
    tags = video_tags(written(tmp_path / "a.mp4", [halves()] * 50, heard, metadata=metadata))
    assert tags["title"] == "Grüße"
    first, *lines = tags["comment"].splitlines()
    assert first == "AI-generated video made with Timbre. A test."
    assert {"engine: animator", "voice: Tom"} <= set(lines)
    assert any("trainedAlgorithmicMedia" in line for line in lines)
    assert "empty" not in tags["comment"]
    plain = video_tags(written(tmp_path / "b.mp4", [halves()] * 50, heard))
    assert plain["comment"].startswith("AI-generated video made with Timbre")


@pytest.mark.parametrize(
    "error", [Cancelled(), BadInput("No face."), KeyboardInterrupt(), GeneratorExit()]
)
@pytest.mark.parametrize("after", [0, 1, 40])
def test_what_breaks_off_leaves_nothing_and_what_was_there(
    tmp_path: Path, heard: Path, error: BaseException, after: int
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"before")
    with pytest.raises(type(error)):
        with VideoWriter(path, (96, 64), 25, heard) as writer:
            for _ in range(after):
                writer.write(halves())
            raise error
    assert path.read_bytes() == b"before"
    assert {file.name for file in tmp_path.iterdir()} == {"a.mp4", "heard.wav"}


def test_sound_that_cannot_be_read_is_refused_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    text = tmp_path / "heard.wav"
    text.write_text("no sound")
    for path in (text, tmp_path / "missing.wav"):
        with pytest.raises(BadInput):
            VideoWriter(tmp_path / "a.mp4", (96, 64), 25, path)
    assert list(tmp_path.iterdir()) == [text]


def test_sound_that_is_damaged_midway_leaves_nothing(tmp_path: Path) -> None:
    samples = tone(4)
    samples[RATE * 3] = np.nan
    heard = wav(tmp_path / "heard.wav", samples, subtype="FLOAT")
    with pytest.raises(BadInput, match="not numbers"):
        written(tmp_path / "a.mp4", [halves()] * 100, heard)
    assert list(tmp_path.iterdir()) == [heard]


def test_pictures_of_another_form_and_none_at_all_are_mistakes(tmp_path: Path, heard: Path) -> None:
    for wrong in (flat(RED, 64, 96), halves()[..., :1], halves().astype(np.float32)):
        with pytest.raises(ValueError, match="in a video of 96 x 64"):
            with VideoWriter(tmp_path / "a.mp4", (96, 64), 25, heard) as writer:
                writer.write(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="without pictures"):
        with VideoWriter(tmp_path / "a.mp4", (96, 64), 25, heard):
            pass
    assert list(tmp_path.iterdir()) == [heard]


def noise(count: int, side: int = 128) -> Iterator[Picture]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.integers(0, 255, (side, side, 3), dtype=np.uint8)


def test_a_full_disk_leaves_no_half_video(tmp_path: Path, heard: Path) -> None:
    """Full at the start, midway, and while the index is moved to the front at the end."""
    pictures = list(noise(50))
    pages = -(-written(tmp_path / "a.mp4", pictures, heard).stat().st_size // 4096)
    for enough in (4, pages // 2, pages - 2, pages - 1):
        with tiny_disk(f"{enough * 4}k") as disk:
            with pytest.raises(StorageFailed, match="disk is full") as caught:
                written(disk / "a.mp4", pictures, heard)
            assert caught.value.hint
            assert list(disk.iterdir()) == []
    with tiny_disk(f"{(pages + 2) * 4}k") as disk:
        assert boxes(written(disk / "a.mp4", pictures, heard))[0] == "ftyp"


def test_a_file_too_large_for_the_account_is_no_half_video(tmp_path: Path, heard: Path) -> None:
    code = f"""
import sys, pathlib, numpy as np
from studio.errors import StorageFailed
from studio.video.writing import VideoWriter
path, rng = pathlib.Path(sys.argv[1]), np.random.default_rng(0)
try:
    with VideoWriter(path, (128, 128), 25, pathlib.Path({str(heard)!r})) as writer:
        for _ in range(50):
            writer.write(rng.integers(0, 255, (128, 128, 3), dtype=np.uint8))
except StorageFailed as error:
    print(len(list(path.parent.iterdir())), error)
"""
    folder = tmp_path / "out"
    folder.mkdir()
    assert said_under_a_limit(code, folder / "a.mp4").startswith("0 ")


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """400 pictures of 256 x 256 would be 79 MB, and the sound, read at once, 317 MB."""
    heard = tmp_path / "hour.wav"
    heard.write_bytes(sound(tmp_path / "a.wav", 1.0).read_bytes()[:44])
    with heard.open("rb+") as file:
        file.truncate(44 + 22_050 * 2 * 3600)
        file.seek(4)
        file.write(struct.pack("<I", 36 + 22_050 * 2 * 3600))
        file.seek(40)
        file.write(struct.pack("<I", 22_050 * 2 * 3600))
    code = """
        import pathlib, sys
        import numpy as np
        from studio.video.writing import VideoWriter
        picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
        def write(name, count):
            with VideoWriter(pathlib.Path(sys.argv[1], name), (256, 256), 25, pathlib.Path(sys.argv[2])) as writer:
                for index in range(count):
                    writer.write(np.roll(picture, index, 1))
        write("warm.mp4", 100)
        def work():
            write("long.mp4", 400)
    """
    grown, _ = megabytes_used(code, tmp_path, heard)
    assert grown < 25
    assert probe_video(tmp_path / "long.mp4").seconds == 16


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float


def changed(before: Picture, after: Picture) -> tuple[int, int, int, int] | None:
    """Top, bottom, left and right of what differs."""
    rows, columns = np.nonzero(np.abs(before.astype(int) - after).max(2) > 30)
    return (rows.min(), rows.max(), columns.min(), columns.max()) if len(rows) else None


@pytest.mark.parametrize("size", [(512, 512), (404, 720), (1280, 720), (96, 64)])
def test_text_stays_within_its_picture(size: tuple[int, int]) -> None:
    text = "This is a subtitle of many words, as\nlong as they are allowed to become here"
    overlay = Overlay(size, 25, [Caption(text, 0, 1)], LABEL)
    picture = flat(GREY, *size)
    picture.flags.writeable = False
    drawn = overlay.draw(picture, 0)
    label = changed(picture[: size[1] // 3], drawn[: size[1] // 3])
    below = changed(picture[size[1] // 3 :], drawn[size[1] // 3 :])
    assert label is not None
    assert below is not None
    assert label[3] > size[0] * 0.9  # on the right
    assert label[3] < size[0] - 1
    assert below[2] > 0
    assert below[3] < size[0] - 1
    assert abs(below[2] + below[3] - size[0]) <= size[0] // 16  # in the middle


def test_subtitles_and_the_label_are_seen_in_the_video(tmp_path: Path, heard: Path) -> None:
    picture = flat(GREEN, 320, 240)
    overlay = Overlay(
        (320, 240), 25, [Caption("Hello there", 0.4, 0.8), Caption("Again", 1.2, 1.6)], LABEL
    )
    pictures = [overlay.draw(picture, index) for index in range(50)]
    assert near(picture[5, 300], GREEN, 0)  # left as it was
    found = list(video_frames(written(tmp_path / "a.mp4", pictures, heard), 25))
    for index, frame in enumerate(found):
        label = changed(picture[:80], frame[:80])
        assert label is not None
        assert frame[:80].max() > 200  # white letters
        below = changed(picture[120:], frame[120:])
        assert (below is not None) == (10 <= index < 20 or 30 <= index < 40), index


def test_without_text_a_picture_is_passed_on() -> None:
    picture = halves()
    assert Overlay((96, 64), 25).draw(picture, 3) is picture


def test_captions_are_made_of_timed_words() -> None:
    words = [
        Word(text, index * 0.5, index * 0.5 + 0.4)
        for index, text in enumerate(["One", "two", "three.", "Four", "five."])
    ]
    captions = captions_of(words)
    assert (
        " ".join(caption.text.replace("\n", " ") for caption in captions) == "One two three. Four five."
    )
    assert captions[0].start == 0
    assert all(caption.end > caption.start for caption in captions)


@pytest.mark.parametrize(
    "text", ["Grüße, Żółć", "Привет", "Γειά σου", "გამარჯობა", "Tiê\u0301ng Viê\u0323t", "Fine 🙂👍🏽!"]
)
def test_many_scripts_can_be_drawn(text: str) -> None:
    picture = flat(GREY, 256, 256)
    assert changed(picture, Overlay((256, 256), 25, [Caption(text, 0, 1)]).draw(picture, 0)) is not None


@pytest.mark.parametrize("text", ["你好", "こんにちは", "नमस्ते", "안녕하세요", "สวัสดี"])
def test_a_script_without_letters_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(BadInput, match="no letters for") as caught:
        Overlay((256, 256), 25, [Caption("Fine", 0, 1), Caption(text, 1, 2)])
    assert "file of their own" in caught.value.hint


def test_arabic_is_drawn_joined_or_refused() -> None:
    captions = [Caption("مرحبا بكم", 0, 1)]
    if features.check("fribidi"):
        picture = flat(GREY, 256, 256)
        assert changed(picture, Overlay((256, 256), 25, captions).draw(picture, 0)) is not None
    else:
        with pytest.raises(BadInput):
            Overlay((256, 256), 25, captions)


def test_a_word_that_is_longer_than_the_picture_is_cut_up() -> None:
    picture = flat(GREY, 128, 128)
    drawn = Overlay((128, 128), 25, [Caption("Donaudampfschifffahrtsgesellschaftskapitän", 0, 1)]).draw(
        picture, 0
    )
    box = changed(picture, drawn)
    assert box is not None
    assert box[2] > 0
    assert box[3] < 127
    assert box[1] - box[0] > 20  # two lines or more


def test_emoji_and_signs_without_a_letter_are_left_out() -> None:
    picture = halves()
    alone = Overlay((96, 64), 25, [Caption("🙂⭐", 0, 1)])
    np.testing.assert_array_equal(alone.draw(picture, 0), picture)
    beside, without = (Overlay((96, 64), 25, [Caption(text, 0, 1)]) for text in ("5 ⭐ ⏰", "5"))
    np.testing.assert_array_equal(beside.draw(picture, 0), without.draw(picture, 0))
    assert changed(picture, without.draw(picture, 0)) is not None
