"""The Avatar tab from the handlers' side: faces, voices and engines, and what is ordered with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from engines.base import Capability
from studio.errors import BadInput, NotFound
from studio.services.avatar_values import GivenSound
from studio.services.face_values import FaceChoice
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from studio.video.types import Point
from tabs.avatar import choosing, form, models, portrait, voice
from tabs.avatar.tab import RECORDING
from tests import face_files
from tests.asking import Asker, assert_harmless
from tests.avatar_tab import FIELDS, Window, two_faces
from tests.face_files import nobody, save
from tests.spoken import SENTENCE, saved, spoken


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One for all: each test is a person of its own."""
    home = tmp_path_factory.mktemp("avatar-page")
    with Studio(load_settings(home=home / "home", models_dir=home / "models")) as opened:
        yield opened


@pytest.fixture
def window(studio: Studio, request: pytest.FixtureRequest) -> Window:
    return Window(studio, str(request.node.name)).show()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_faces(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(nobody(200, 260), tmp_path_factory.mktemp("none") / "dusk.png")


@pytest.fixture(scope="module")
def own(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The ids of a saved voice and of a personality, of “own”."""
    recording = saved(tmp_path_factory.mktemp("voice") / "voice.wav", np.tile(spoken(), 2))
    words = f"{SENTENCE} {SENTENCE}"
    kept = studio.voices.create(NewVoice("Zoë", recording, transcript=words), "own")
    emotion = NewEmotion("neutral", recording, transcript=words)
    person = studio.personalities.create(NewPersonality("Ann", (emotion,), language="en"), "own")
    return kept.id, person.id


class TestFaces:
    def test_at_first_the_default_avatar_is_chosen_and_all_are_offered(self, studio: Studio) -> None:
        first, *others = studio.faces.built_in()
        window = Window(studio, "fresh").pick(f"avatar {first.id}")
        assert f"<b>{first.label}</b>" in window.shown["face"]
        pressed = re.findall(r'data-value="avatar (\w+)" aria-pressed="true"', window.shown["gallery"])
        assert pressed == [first.id]
        assert all(each.label in window.shown["gallery"] for each in others)
        assert window.order().face == FaceChoice(first.id)

    def test_another_avatar_is_chosen_by_a_press(self, window: Window) -> None:
        assert window.pick("avatar bolt").order().face == FaceChoice("bolt")

    @pytest.mark.parametrize(
        "words", ["", "face 1", "face -1", "ask", "points 1 2", "avatar a b", "dance"]
    )
    def test_nonsense_is_refused_with_words(self, window: Window, words: str) -> None:
        with pytest.raises(BadInput, match="nothing this page can do"):
            window.pick(words)

    def test_of_two_faces_the_larger_is_taken_until_another_is_chosen(
        self, window: Window, two: Path
    ) -> None:
        face = window.give(two).shown["face"]
        assert "two &amp; more.png" in face
        assert "2 faces" in face
        assert len(re.findall(r'class="timbre-face-area"', face)) == 2
        assert re.findall(r'data-value="face (\d)" aria-pressed="true"', face) == ["1"]
        assert window.order().face == FaceChoice(file=two, face=1, name=two.name)
        for word, number in (("face", 0), ("area", 1), ("face", 0)):
            assert window.pick(f"{word} {number}").order().face.face == number
        with pytest.raises(BadInput):
            window.pick("face 2")

    def test_the_found_face_is_drawn_where_it_is(self, window: Window, two: Path) -> None:
        window.give(two)
        assert (
            f'viewBox="0 0 {window.portrait.size[0]} {window.portrait.size[1]}"' in window.shown["face"]
        )
        face = window.portrait.face
        assert face is not None
        mouth = face.landmarks.mouth_left
        assert f'cx="{mouth.x:.1f}" cy="{mouth.y:.1f}"' in window.shown["face"]
        (picture,) = re.findall(r'<img src="gradio_api/file=([^"]+\.jpg)"', window.shown["face"])
        assert Path(picture).is_file()

    def test_where_no_face_is_found_the_points_are_asked_for(
        self, window: Window, nowhere: Path
    ) -> None:
        face = window.give(nowhere).shown["face"]
        assert "No face was found" in face
        assert "Click the left eye" in face
        with pytest.raises(BadInput, match="No face was found"):
            window.make()
        # The right eye first: left and right are put in order.
        window.pick("points 150 80 100 80 105 130 145 131")
        assert "set by you" in window.shown["face"]
        choice = window.order().face
        assert choice.landmarks is not None
        assert choice.landmarks.left_eye == Point(100, 80)
        assert choice.landmarks.mouth_right == Point(145, 131)
        again = portrait.of_choice(window.studio, choice)
        assert (again.faces, again.by_hand) == (window.portrait.faces, True)

    def test_the_size_that_is_told_is_the_file_s(self, window: Window, tmp_path: Path) -> None:
        face = window.give(save(nobody(200, 1400), tmp_path / "wide.png")).shown["face"]
        assert "1400 × 200" in face
        assert 'viewBox="0 0 1280 183"' in face
        assert "top left corner of 1280 × 183" in face, "what is typed is of the preview"

    @pytest.mark.parametrize(
        "points",
        ["-1 80 150 80 105 130 145 131", "100 80 150 80 105 130 145 900", "1 1 1 1 1 1 1 1",
         "nan 80 150 80 105 130 145 131", "a 80 150 80 105 130 145 131"],
    )  # fmt: skip
    def test_points_that_make_no_face_are_refused(
        self, window: Window, nowhere: Path, points: str
    ) -> None:
        window.give(nowhere)
        with pytest.raises(BadInput):
            window.pick(f"points {points}")
        assert window.portrait.asking

    def test_points_can_be_set_where_a_face_was_found_and_taken_back(
        self, window: Window, two: Path
    ) -> None:
        window.give(two).pick("ask")
        assert window.portrait.asking
        assert "timbre-face-area" not in window.shown["face"]
        window.pick("points 100 80 150 80 105 130 145 131")
        assert window.order().face.landmarks is not None
        window.pick("found")
        assert window.order().face == FaceChoice(file=two, face=1, name=two.name)

    def test_what_is_no_picture_is_told_where_it_was_given_and_is_not_used(
        self, window: Window, tmp_path: Path
    ) -> None:
        fake = tmp_path / "<img src=x onerror=alert(1)>.jpg"
        fake.write_text("no picture")
        face = window.give(fake).shown["face"]
        assert 'role="alert"' in face
        assert "is not used" in face
        assert_harmless(face)
        with pytest.raises(BadInput, match="picture"):
            window.make()
        assert window.pick("avatar mia").order().face == FaceChoice("mia")

    def test_a_video_may_speak(self, window: Window, tmp_path: Path) -> None:
        path = face_files.save_video([face_files.portrait()] * 10, tmp_path / "clip.mp4", 5)
        face = window.give(path).shown["face"]
        assert "video of 2.0 s" in face
        assert "one face" in face


class TestOrders:
    def test_own_voices_come_before_those_of_the_engine(
        self, studio: Studio, own: tuple[str, str]
    ) -> None:
        known = voice.offered(studio, "espeak", "de", "own")
        values = [value for _, value in known]
        assert values[:3] == ["", f"voice:{own[0]}", f"personality:{own[1]}"]
        assert values[3] == "speaker:gmw/de"
        assert voice.offered(studio, "espeak", "de", "another")[1][1] == "speaker:gmw/de"

    def test_each_kind_of_voice_makes_its_order(self, studio: Studio, own: tuple[str, str]) -> None:
        window = Window(studio, "own")
        auto = window.order(speed=1.2, seed="7").says
        assert auto == SpeechOrder(Capability.PRESET, "Hi there.", "espeak", speed=1.2, seed=7)
        preset = window.order(voice="speaker:gmw/de").says
        assert isinstance(preset, SpeechOrder)
        assert preset.speaker == "gmw/de"
        cloned = window.order(voice=f"voice:{own[0]}").says
        assert isinstance(cloned, SpeechOrder)
        assert cloned.mode is Capability.CLONE
        assert cloned.reference is not None
        assert cloned.reference.name == "Zoë"
        performed = window.order(voice=f"personality:{own[1]}", text="[neutral] Hi.").says
        assert performed == PerformOrder(own[1], "[neutral] Hi.", "espeak")
        with pytest.raises(NotFound):
            Window(studio, "another").order(voice=f"voice:{own[0]}")

    def test_a_form_and_an_order_say_the_same(self, studio: Studio, own: tuple[str, str]) -> None:
        window = Window(studio, "own")
        infos = {info.id: info for info in studio.avatars.engines()}
        moved = {"option:animator:opening": 1.3, "option:animator:blinks": 14.0}
        for chosen in ("", "speaker:gmw/de", f"voice:{own[0]}", f"personality:{own[1]}"):
            given = FIELDS | moved | {"voice": chosen, "fps": 30, "subtitles": "file", "label": False}
            order = window.order(**given)
            assert order.options == {"opening": 1.3}
            again = form.from_order(order, infos)
            assert {name: given[name] for name in again if name in given} == {
                name: value for name, value in again.items() if name in given
            }
            assert window.order(**again) == order

    def test_a_recording_is_wanted_where_one_is_to_be_said(self, window: Window, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="no recording"):
            window.make(RECORDING)
        path = saved(tmp_path / "said.wav", spoken())
        said = window.order(RECORDING, audio=str(path), transcript=f" {SENTENCE} ").says
        assert said == GivenSound(path, SENTENCE)

    def test_a_personality_shows_its_tags_in_place_of_the_examples(
        self, studio: Studio, own: tuple[str, str]
    ) -> None:
        def below(name: str, chosen: str) -> str:
            asker: Any = Asker(name)
            told = models.on_models(studio, asker, False, "animator", "", "espeak", "", chosen, None)
            return str(told[3])

        assert 'data-fill="avatar-text"' in below("own", "")
        assert 'data-insert="[neutral] " data-at="avatar-text"' in below("own", f"personality:{own[1]}")
        assert 'data-fill="avatar-text"' in below("another", f"personality:{own[1]}")

    def test_another_engine_keeps_what_it_has_too(self, studio: Studio, window: Window) -> None:
        language, chosen = choosing.on_speech_engine(
            studio, window.request, "qwen", "de", "speaker:gmw/de"
        )
        assert language.value == "de"
        assert chosen.value == ""
        kept = choosing.on_voices(studio, window.request, "espeak", "auto", "speaker:gmw/de")
        assert kept.value == "speaker:gmw/de"


class TestModels:
    def look(self, studio: Studio, engine: str) -> tuple[str, Any, bool, str]:
        """The line below the lips' engine, its models, whether the notice is shown, and what it says."""
        asker: Any = Asker("ann")
        note, known, _, _, block, shown, text, *_ = models.on_models(
            studio, asker, False, engine, "", "espeak", "", "", None
        )
        assert block == gr.skip() or block.visible == shown
        return note, known, shown, text

    def test_the_embedded_engine_needs_none(self, studio: Studio) -> None:
        _, known, shown, _ = self.look(studio, "animator")
        assert not shown
        assert len(known.choices) == 1

    def test_wav2lip_shows_its_notice_and_where_its_models_come_from(self, studio: Studio) -> None:
        note, known, shown, text = self.look(studio, "wav2lip")
        assert "non-commercial" in note
        assert [key for _, key in known.choices][:2] == ["", "wav2lip"]
        assert shown
        assert "Wav2Lip needs a model" in text

    def test_nothing_is_missing_once_a_model_is_there(
        self, tmp_path: Path, wav2lip_models: Path
    ) -> None:
        with Studio(load_settings(home=tmp_path / "home", models_dir=wav2lip_models)) as studio:
            _, known, shown, _ = self.look(studio, "wav2lip")
            assert not shown
            assert "none yet" not in known.choices[0][0]
