"""Videos from texts and recordings: what is seen, what is heard, and that both are in step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from engines.animator.track import spoken as spoken_states
from studio.errors import BadInput, NotFound
from studio.services.avatar_values import STAGES, GivenSound, Making, Subtitles
from studio.services.face_geometry import face_of, values_of
from studio.services.face_values import FaceChoice
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.tasks import TaskStatus
from studio.settings import load_settings
from studio.video.pictures import read_picture
from studio.video.types import Picture, frame_count
from tests import face_files
from tests.animation import mouth_opening
from tests.audio_files import wav
from tests.avatar_orders import SMALL, TEXT, given, order, studio_of_videos
from tests.face_files import save
from tests.spoken import RATE, SENTENCE, saved, spoken
from tests.video_files import video


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    with studio_of_videos(tmp_path_factory, measure_once) as opened:
        yield opened


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of a face."""
    return save(face_files.portrait(), tmp_path_factory.mktemp("faces") / "eileen.png")


@pytest.fixture
def me(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def pictures(path: Path) -> list[Picture]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def seconds(path: Path) -> tuple[float, float]:
    """Of the picture and of the sound, as decoded."""
    with av.open(str(path)) as file:
        rate = file.streams.video[0].average_rate
        frames = sum(1 for _ in file.decode(video=0))
    with av.open(str(path)) as file:
        sound = [frame.samples / frame.sample_rate for frame in file.decode(audio=0)]
    assert rate is not None
    return float(frames / rate), sum(sound)


def test_a_text_becomes_a_video_as_long_as_its_speech(studio: Studio, me: str) -> None:
    told: list[TaskStatus] = []
    record = studio.avatars.make(order(fps=30), me, told.append)
    path = studio.avatars.path(record)
    take = studio.history.get(record.take, me)
    for length in seconds(path):
        assert length == pytest.approx(take.duration, abs=1 / 30 + 0.03)  # a frame, and AAC's padding
    assert record.duration == frame_count(take.duration, 30) / 30
    with av.open(str(path)) as file:
        video, sound = file.streams.video[0], file.streams.audio[0]
        assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert video.pix_fmt == "yuv420p"
        assert (video.width, video.height) == (record.width, record.height)
        assert record.height == SMALL
        assert "AI-generated" in file.metadata["comment"]
        assert "Mia" in file.metadata["comment"]
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "a browser can begin before it has it all"
    sidecar = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert sidecar["synthetic"] is True
    assert sidecar["made_with"].startswith("Timbre ")
    assert (sidecar["engine"], sidecar["text"], sidecar["take"]) == ("animator", TEXT, take.id)
    assert any("phonemes as they were spoken" in note for note in record.notes)
    assert studio.avatars.list(me) == [record]
    stages = [status.detail.stage for status in told if isinstance(status.detail, Making)]
    assert list(dict.fromkeys(stages)) == [stage for stage in STAGES if stage in stages]
    fractions = [status.fraction for status in told if status.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    last = told[-1].detail
    assert last.frame == last.frames == frame_count(take.duration, 30)
    assert last.preview.startswith(b"\xff\xd8"), "a JPEG"


@pytest.mark.parametrize("fps", [25, 30])
def test_lips_and_sound_are_in_step_in_the_finished_file(studio: Studio, me: str, fps: int) -> None:
    text = f"{TEXT} Papa, mama, bubble, pumpkin!"
    record = studio.avatars.make(order(text, max_height=320, fps=fps, options={"head_motion": 0}), me)
    seen = pictures(studio.avatars.path(record))
    avatar = studio.faces.built_in()[0]
    size = read_picture(avatar.picture).shape[0]
    face = face_of(values_of(avatar.face) * record.height / size)
    opening = np.array([mouth_opening(picture, face) for picture in seen])
    phonemes = studio.history.phonemes(studio.history.get(record.take, me))
    wanted = np.array([state.opening for state in spoken_states(phonemes, fps, len(seen))])
    by_lag = {lag: correlation(opening, wanted, lag) for lag in range(-4, 5)}
    assert by_lag[0] >= 0.8, by_lag
    assert abs(max(by_lag, key=lambda lag: by_lag[lag])) <= 1, by_lag
    lips = [each for each in phonemes if each.symbol in ("p", "b", "m")]
    assert len(lips) >= 15
    for each in lips:
        middle = int((each.start + each.end) / 2 * fps)
        assert opening[middle] <= 0.03, (each, opening[middle - 2 : middle + 3])
    assert np.quantile(opening, 0.9) > 0.12, "between them it opens"


def correlation(measured: np.ndarray, wanted: np.ndarray, lag: int) -> float:
    """Of the measured values with those wanted `lag` frames earlier."""
    ends = len(wanted) - abs(lag)
    first, second = max(lag, 0), max(-lag, 0)
    return float(np.corrcoef(measured[first : first + ends], wanted[second : second + ends])[0, 1])


def test_the_label_is_drawn_unless_it_is_not_wanted(studio: Studio, me: str) -> None:
    with_label = studio.avatars.make(order("Hi."), me)
    without = studio.avatars.make(order("Hi.", label=False), me)
    first, second = (pictures(studio.avatars.path(each))[0] for each in (with_label, without))
    changed = np.abs(first.astype(int) - second).max(axis=2) > 40
    rows, columns = np.nonzero(changed)
    assert len(rows) > 50
    assert rows.max() < SMALL * 0.2, "only at the top"
    assert columns.min() > SMALL * 0.5, "on the right"
    assert with_label.settings["label"] is True
    assert without.settings["label"] is False


def test_subtitles_are_in_the_picture_or_in_files(studio: Studio, me: str) -> None:
    # eSpeak NG's sound is not the same to the last sample, and by its length the eyes blink.
    wanted = order("Pamela and Bob.", label=False, options={"blinks": 0, "head_motion": 0})
    plain = studio.avatars.make(wanted, me)
    burnt = studio.avatars.make(replace(wanted, subtitles=Subtitles.BURNT), me)
    filed = studio.avatars.make(replace(wanted, subtitles=Subtitles.FILE), me)
    at = len(pictures(studio.avatars.path(plain))) // 2
    without, within, beside = (
        pictures(studio.avatars.path(each))[at].astype(int) for each in (plain, burnt, filed)
    )
    assert np.abs(without - within)[SMALL * 3 // 4 :].max() > 80
    assert np.abs(without - beside).max() < 40
    srt = studio.avatars.path(filed).with_suffix(".srt")
    assert "Pamela" in srt.read_text("utf-8")
    assert srt.with_suffix(".vtt").read_text("utf-8").startswith("WEBVTT")
    assert not studio.avatars.path(burnt).with_suffix(".srt").exists()
    assert studio.avatars.subtitles(filed, "srt")[1] == srt.read_text("utf-8")
    assert studio.avatars.subtitles(burnt, "vtt")[1].startswith("WEBVTT")
    with pytest.raises(BadInput, match="without subtitles"):
        studio.avatars.subtitles(plain, "srt")
    with pytest.raises(NotFound, match="srt"):
        studio.avatars.subtitles(filed, "doc")


def test_a_video_keeps_its_own_motion_and_is_played_again(
    studio: Studio, me: str, tmp_path: Path, portrait: Path
) -> None:
    still = read_picture(portrait)
    moving = [np.ascontiguousarray(np.roll(still, shift, axis=1)) for shift in range(0, 40, 2)]
    clip = video(tmp_path / "clip.mp4", [*moving, *reversed(moving)])
    record = studio.avatars.make(order(face=FaceChoice(file=clip), max_height=300, label=False), me)
    seen = pictures(studio.avatars.path(record))
    assert len(seen) > 40, "longer than the clip"
    difference = [np.abs(seen[0][:80].astype(int) - other[:80]).mean() for other in seen[:41]]
    assert max(difference) > 5 * difference[40], "what is above the eyes moves, and begins again"
    assert record.avatar == "clip"
    assert studio.avatars.history.face(record).suffix == ".mp4"  # type: ignore[union-attr]


def test_wav2lip_with_the_practice_model(wav2lip_models: Path, tmp_path: Path, portrait: Path) -> None:
    settings = load_settings(home=tmp_path / "home", models_dir=wav2lip_models, device="cpu")
    with Studio(settings) as studio:
        wanted = order("Hi.", engine="wav2lip", face=FaceChoice(file=portrait))
        record = studio.avatars.make(wanted)
        assert record.model == "wav2lip-practice"
        assert len(pictures(studio.avatars.path(record))) == round(record.duration * 25)
        assert any("non-commercial" in note for note in record.notes), record.notes
        assert any("runs on cpu" in note for note in record.notes), record.notes
        assert not any(note.startswith("Lips:") for note in record.notes)


def test_a_recording_of_any_kind_is_spoken(studio: Studio, me: str, tmp_path: Path) -> None:
    """Stereo, compressed, at another rate than speech has: the file is what is heard."""
    sound = np.stack([spoken("Good morning.")] * 2, axis=1)
    path = tmp_path / "a recording.flac"
    soundfile.write(path, sound, RATE)
    record = studio.avatars.make(given(path), me)
    assert record.duration == pytest.approx(len(sound) / RATE, abs=1 / 25)
    assert record.take == ""
    assert "_a-recording_" in record.file
    assert studio.history.list(me) == []
    assert any("by the loudness alone" in note for note in record.notes)
    assert studio.avatars.order(record).says == GivenSound(Path(), "", name=path.name)


def test_the_text_of_a_recording_tells_the_lips_what_to_do(
    studio: Studio, me: str, tmp_path: Path
) -> None:
    text = "We met at the station."
    path = saved(tmp_path / "a.wav", spoken(text))
    record = studio.avatars.make(given(path, text, subtitles=Subtitles.FILE), me)
    assert any("aligned with its text" in note for note in record.notes)
    assert "station" in studio.avatars.subtitles(record, "srt")[1]
    wrong = studio.avatars.make(given(path, "Quite another thing about eleven purple elephants"), me)
    assert any("does not fit its text" in note for note in wrong.notes)
    german = GivenSound(path, "Wir sehen uns heute Morgen am Bahnhof.", "de")
    other = studio.avatars.make(order(says=german), me)
    assert any("other languages than English" in note for note in other.notes)


@pytest.mark.parametrize("length", [0.1, 0.05])
def test_a_tenth_of_a_second_works_and_silence_says_so(
    studio: Studio, me: str, tmp_path: Path, length: float
) -> None:
    path = wav(tmp_path / "silence.wav", np.zeros(round(length * 24_000), np.float32))
    record = studio.avatars.make(given(path), me)
    assert len(pictures(studio.avatars.path(record))) == frame_count(length, 25)
    assert any("silent" in note for note in record.notes)


def test_what_a_personality_speaks_moves_the_lips_by_its_phonemes(
    studio: Studio, me: str, tmp_path: Path
) -> None:
    voice = saved(tmp_path / "voice.wav", spoken())
    emotion = NewEmotion("neutral", voice, transcript=SENTENCE)
    studio.personalities.create(NewPersonality("Anna", (emotion,), language="en"), me)
    said = PerformOrder("Anna", "[neutral] Bob met Pam. Maybe.", "espeak", language="en-us")
    record = studio.avatars.make(order(says=said, subtitles=Subtitles.FILE), me)
    take = studio.history.get(record.take, me)
    assert take.mode == "personality"
    assert record.text == "Bob met Pam. Maybe."
    again = studio.avatars.order(record).says
    assert isinstance(again, PerformOrder)
    assert again.text == said.text
    assert any("as they were spoken" in note for note in record.notes)
    phonemes = studio.history.phonemes(take)
    lips = [each for each in phonemes if each.symbol in ("p", "b", "m")]
    assert len(lips) == 7
    words = studio.history.words(take)
    for word, letters in zip(words, ("bb", "m", "pm", "mb"), strict=True):
        within = [each.symbol for each in lips if word.start - 0.05 < each.start < word.end]
        assert "".join(within) == letters, word
    assert all(0 <= each.start < each.end <= take.duration for each in phonemes)
