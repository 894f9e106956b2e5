"""The Avatar tab from the handlers' side: the making of a video, and the list of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.errors import BadInput, NotFound
from studio.services.avatar_values import Making
from studio.services.studio import Studio
from studio.services.tasks import TaskState, TaskStatus
from studio.settings import load_settings
from tabs.avatar import choosing, keeping, view
from tabs.avatar.place import Place
from tabs.avatar.portrait import Portrait
from tabs.avatar.tab import RECORDING, TEXT
from tests.asking import ATTACK, assert_harmless
from tests.avatar_tab import FIELDS, Window, two_faces
from tests.running import until
from tests.spoken import saved, spoken

LONG = " ".join(["One two three, this is a longer text."] * 40)


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
def ids(studio: Studio) -> list[str]:
    """Three videos of “keeper”, the oldest first."""
    window = Window(studio, "keeper")
    texts = ("One.", f"Two {ATTACK}", "Three.")
    return [window.make(text=text, label=False).until_over().video for text in texts]


class TestMaking:
    def test_an_empty_tab_says_what_to_do(self, window: Window) -> None:
        assert "No video yet" in window.shown["status"]
        assert "No videos yet" in window.shown["entries"]
        assert (window.ticking, window.may_make, window.may_stop) == (False, True, False)

    def test_a_text_becomes_a_video_that_is_shown_and_listed(
        self, studio: Studio, window: Window
    ) -> None:
        window.make(subtitles="file")
        assert (window.ticking, window.may_make, window.may_stop) == (True, False, True)
        assert "timbre-stages" in window.shown["status"]
        window.until_over()
        assert (window.ticking, window.may_make, window.may_stop) == (False, True, False)
        assert window.shown["status"] == ""
        record = studio.avatars.get(window.video, window.asker.username)
        assert (record.text, record.height) == ("Hi there.", 144)
        video = window.shown["video"]
        assert f'src="api/avatar/videos/{record.id}"' in video
        assert f'src="api/avatar/videos/{record.id}/subtitles.vtt"' in video
        assert " autoplay" in video
        assert f"takes/{record.take}/audio" in video
        (poster,) = re.findall(r'poster="gradio_api/file=([^"]+)"', video)
        assert Path(poster).read_bytes()[:2] == b"\xff\xd8"
        assert window.listed == [record.id]
        studio.avatars.delete(record.id, window.asker.username)
        assert not Path(poster).exists()

    def test_what_is_wrong_is_told_before_anything_is_begun(self, window: Window) -> None:
        with pytest.raises(BadInput):
            window.make(text="  ")
        assert window.place == Place()
        assert window.tick().place == Place()

    def test_stop_ends_it_and_the_next_one_can_begin(self, window: Window) -> None:
        window.make(text=LONG)
        until(lambda: "preview.jpg" in window.tick().shown["status"])
        assert re.search(r"frame \d+ of \d", window.shown["status"])
        assert 'aria-current="step">lips and file' in window.shown["status"]
        window.stop()
        window.until_over()
        assert "Stopped. What was spoken is in the history." in window.shown["status"]
        assert window.shown.get("video", "") == ""
        assert window.may_make

    def test_a_reload_finds_what_is_made_and_what_was_made_meanwhile(
        self, studio: Studio, window: Window
    ) -> None:
        window.make()
        task = window.place.task
        reloaded = Window(studio, window.asker.username).show(task)
        assert reloaded.place.task == task
        other = Window(studio, "somebody else").show(task)
        assert other.place == Place()
        assert other.shown["video" if "video" in other.shown else "status"] == view.NOTHING
        window.until_over()
        late = Window(studio, window.asker.username).show(task)
        assert late.video == window.video
        again = Window(studio, window.asker.username).show(window.video)
        assert again.video == window.video
        assert " autoplay" not in again.shown["video"]

    def test_a_video_that_was_opened_meanwhile_goes_on(self, window: Window) -> None:
        first = window.make().until_over().video
        window.make(text="Another one.")
        assert window.shown["video"] == ""
        window.press(f"show {first}").until_over()
        assert window.video == first
        assert len(window.listed) == 2

    def test_a_player_is_left_alone_when_the_tab_is_shown_again(self, window: Window) -> None:
        window.make().until_over()
        window.shown.clear()
        window.show(window.place.video)
        assert "video" not in window.shown
        assert window.listed == [window.place.video]

    def test_why_there_is_no_video_is_told_in_words(self) -> None:
        task = TaskStatus(
            "1", "avatar", "", "", TaskState.FAILED, error=ATTACK, hint="Do.", notes=(ATTACK,)
        )
        told = view.status(task)
        assert 'role="alert"' in told
        assert "Do." in told
        assert_harmless(told)
        waiting = view.status(TaskStatus("1", "avatar", "", "", detail=Making("face")))
        assert "Waiting for its turn" in waiting


class TestKeeping:
    @pytest.fixture
    def window(self, studio: Studio, ids: list[str]) -> Window:
        return Window(studio, "keeper").show()

    def test_the_newest_comes_first_and_nothing_typed_does_harm(
        self, window: Window, ids: list[str]
    ) -> None:
        assert window.listed == ids[::-1]
        window.press(f"show {ids[1]}")
        assert "onerror" in window.shown["video"]
        assert_harmless(window.shown["video"] + window.shown["entries"])
        assert f'data-value="show {ids[1]}" aria-current="true"' in window.shown["entries"]

    def test_favourites_notes_and_search(self, studio: Studio, window: Window, ids: list[str]) -> None:
        window.press(f"show {ids[0]}").press(f"favourite {ids[0]}")
        assert "★ Remove from favourites" in window.shown["video"]
        entries = keeping.on_note(studio, window.request, *window.here, f"The Best {ATTACK}")
        assert "The Best" in entries
        assert_harmless(entries)
        for search, favourites, found in (("best", False, 1), ("", True, 1), ("none such", False, 0)):
            place, entries = keeping.on_search(studio, window.request, window.place, search, favourites)
            assert place.video == ids[0]
            assert entries.count("timbre-card") == found
        window.press(f"favourite {ids[0]}")
        assert "☆ Favourite" in window.shown["video"]

    def test_pages_are_turned(
        self, window: Window, ids: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keeping, "PAGE_SIZE", 2)
        assert window.show().listed == ids[:0:-1]
        assert 'data-value="page 2"' in window.shown["entries"]
        assert window.press("page 2").listed == ids[:1]
        assert 'data-value="page 0"' in window.shown["entries"]

    def test_what_is_deleted_is_shown_no_more(self, studio: Studio, window: Window) -> None:
        window.make().until_over()
        gone = window.video
        window.press(f"delete {gone}")
        assert gone not in window.listed
        assert window.shown["video"] == ""
        with pytest.raises(NotFound):
            window.press(f"show {gone}")
        with pytest.raises(BadInput):
            window.press("explode")

    def test_nobody_touches_anothers(self, studio: Studio, ids: list[str]) -> None:
        other = Window(studio, "thief").show(ids[0])
        assert other.listed == []
        for word in ("show", "favourite", "delete"):
            with pytest.raises(NotFound):
                other.press(f"{word} {ids[0]}")

    def test_its_settings_fill_the_form_again(
        self, studio: Studio, window: Window, two: Path, tmp_path: Path
    ) -> None:
        given: dict[str, Any] = {
            "voice": "speaker:gmw/de",
            "max_height": 360,
            "option:animator:opening": 1.4,
            "seed": "7",
        }
        window.give(two).pick("face 0").make(text="Hallo.", **given).until_over()
        names = [*FIELDS, "option:animator:opening", "option:animator:blinks"]
        chosen, *_, said = told = choosing.on_reuse(studio, names, window.request, f"{window.video} 1")
        assert isinstance(chosen, Portrait)
        assert (chosen.name, chosen.chosen, said) == (two.name, 0, TEXT)
        values = {
            name: getattr(value, "value", value)
            for name, value in zip(names, told[3:-1], strict=True)
            if value != gr.skip()
        }
        assert values["option:animator:blinks"] == 14.0
        expected = FIELDS | given | {"text": "Hallo."}
        assert {name: expected[name] for name in values if name in expected} == {
            name: value for name, value in values.items() if name in expected
        }
        recording = saved(tmp_path / "a recording.wav", spoken()[:8000])
        window.pick("avatar mia").make(RECORDING, audio=str(recording)).until_over()
        assert "a recording" in window.shown["entries"]
        *_, said = choosing.on_reuse(studio, names, window.request, f"{window.video} 2")
        assert said == RECORDING
        with pytest.raises(NotFound):
            choosing.on_reuse(studio, names, Window(studio, "thief").request, f"{window.video} 3")
