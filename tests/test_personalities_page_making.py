"""The Personalities tab from the handlers' side: a new one made by hand, or built with the wanted emotions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.errors import BadInput, Cancelled
from studio.services.emotion_texts import EMOTIONS, emotion_text
from studio.services.studio import Studio
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from tabs.personalities import joints, layout, making, showing, wanted, wiring
from tests.asking import ANN
from tests.personality_tab import recorded, studio_in

#: Of what `showing.on_tick` shows: how the tasks stood then.
SEEN = 24


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    yield from studio_in(tmp_path_factory.mktemp("personalities"), measure_once)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("sound"))


def rows(*given: dict[str, Any]) -> str:
    return json.dumps([{"wanted": True, "tag": "", "text": "", "instruct": "", **row} for row in given])


def test_the_wanted_emotions_come_with_texts_in_the_language() -> None:
    html = wanted.table(wanted.usual("de"))
    assert emotion_text("happy", "de").text in html.replace("&#x27;", "'").replace("&quot;", '"')
    assert html.count('timbre-want"') == len(EMOTIONS) + 1  # and the one for another
    assert html.count(" checked") == 4


def test_what_was_typed_stays_when_the_language_changes() -> None:
    english = emotion_text("happy", "en")
    told = rows(
        {"tag": "happy", "text": english.text, "instruct": english.instruct},
        {"tag": "sad", "text": "My own words.", "instruct": "quietly", "wanted": False},
    )
    html = making.on_language("de", told)
    assert "My own words." in html
    assert "Seit Wochen" in html
    assert "forward to this day" not in html


@pytest.mark.parametrize(
    "told",
    ["{", "{}", "[1]", '["x"]', '[{"tag": 5}]', "[" * 100_000, json.dumps([{"tag": "x"}] * 300)],
)
def test_a_table_that_the_page_would_not_send_is_refused(told: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        wanted.gathered(told)


RECORDING = ["name", "description", "language", "voice", "audio", "transcript"]
SMART = ["own_s", "expressive_s", "crossfade_ms", "temperature", "own_start", "own_end", "engine",
         "model", "seed"]  # fmt: skip


def new(**given: Any) -> list[Any]:
    """The fields of a new one, and those of the consent."""
    fields = dict.fromkeys(RECORDING, "") | {"audio": None, "name": "New"} | given
    return [*(fields[name] for name in RECORDING), "", "", ""]


def smart(told: str, **given: Any) -> list[Any]:
    fields = {
        "own_s": 2.0, "expressive_s": 2.0, "crossfade_ms": 100, "temperature": 0.0, "own_start": "",
        "own_end": "", "engine": "", "model": "", "seed": "5",
    } | given  # fmt: skip
    return [*(fields[name] for name in SMART), told]


def test_the_names_of_the_fields_are_those_of_the_page(studio: Studio) -> None:
    import gradio as gr

    with gr.Blocks():
        tab = layout.lay_out(studio)
    assert (list(tab.new.recording), list(tab.new.smart)) == (RECORDING, SMART)


def test_one_is_made_by_hand_of_a_recording_or_a_saved_voice(studio: Studio, recording: Path) -> None:
    with pytest.raises(BadInput, match="no recording"):
        making.on_create(studio, RECORDING, ANN, "", *new())
    voice = studio.voices.create(NewVoice("Voice", recording, transcript="Said."), "ann")
    assert voice.id in [value for _, value in making.on_voices(studio, ANN, "").choices]
    filled = making.on_voice(studio, ANN, voice.id)
    given = new(audio=filled[1], transcript=filled[2], voice=voice.id)
    made = making.on_create(studio, RECORDING, ANN, "", *given)
    found = studio.personalities.get(made[0], "ann")
    assert (found.voice, found.emotions[0].transcript) == (voice.id, "Said.")
    studio.personalities.delete(found.id, "ann")


def test_the_part_of_the_recording_is_that_of_the_waveform() -> None:
    how = dict(zip(SMART, smart(""), strict=False))
    assert making.join_of(how).own_start is None
    assert making.join_of(how).own_s == 2.0
    chosen = making.join_of(how | {"own_start": "1.5", "own_end": "4"})
    assert (chosen.own_start, chosen.own_s) == (1.5, 2.5)
    chosen = making.join_of(how | {"own_end": "3"})
    assert (chosen.own_start, chosen.own_s) == (0.0, 3.0)
    with pytest.raises(BadInput, match="ends before"):
        making.join_of(how | {"own_start": "3", "own_end": "1"})


def test_emotions_are_built_and_the_page_follows(studio: Studio, recording: Path) -> None:
    told = rows({"tag": "happy"}, {"tag": "angry", "text": "Get out of here at once, all of you!"})
    fields = new(audio=str(recording), description="a young woman", transcript="We will see you.")
    with pytest.raises(BadInput, match="No emotion"):
        making.on_build(studio, RECORDING, SMART, ANN, "", "", *fields, *smart("[]"))
    begun = making.on_build(studio, RECORDING, SMART, ANN, "", "", *fields, *smart(told))
    seen, timer, building = begun[0], begun[1], begun[-1]
    assert timer.active
    studio.tasks.wait(building)
    shown = showing.on_tick(studio, ANN, "", "", "", "", building, seen)
    made = studio.personalities.get(shown[0], "ann")
    assert [each.tag for each in made.emotions] == ["neutral", "happy", "angry"]
    assert shown[-1] == ""  # it is chosen once
    assert 'data-state="made"' in "".join(each for each in shown if isinstance(each, str))
    happy = made.emotion("happy")
    assert happy is not None
    html = joints.shown(studio, made, happy)
    assert html.count("<audio") == 3
    assert "The joint" in html
    tick = showing.on_tick(studio, ANN, "", made.id, "", "", "", shown[SEEN])
    assert all(isinstance(each, dict) for each in tick[:6])  # nothing is drawn anew
    studio.personalities.delete(made.id, "ann")


def test_a_build_that_was_stopped_is_resumed_or_left_as_it_is(studio: Studio, recording: Path) -> None:
    told = rows({"tag": "happy"}, {"tag": "sad"}, {"tag": "angry"})
    fields = new(audio=str(recording), description="a young woman", transcript="We will see you.")
    begun = making.on_build(studio, RECORDING, SMART, ANN, "", "", *fields, *smart(told))
    made = studio.personalities.list("ann")[0]
    assert "It is being built" in showing.page(studio, ANN, made, "")[3]
    making.on_stop(studio, ANN)
    with pytest.raises(Cancelled):
        studio.tasks.wait(begun[-1])
    shown = showing.on_tick(studio, ANN, "", "", "", "", begun[-1], begun[0])
    assert shown[0] == made.id
    assert 'data-value="resume"' in shown[3]
    resumed = wiring.on_act(studio, ANN, "resume 1", "", made.id, "", "", "")
    assert "It is being built" in resumed[3]
    making.on_stop(studio, ANN)
    with pytest.raises(Cancelled):
        studio.tasks.wait(resumed[-1])
    settled = wiring.on_act(studio, ANN, "settle 2", "", made.id, "", "", "")
    assert "resume" not in settled[3]
    studio.personalities.delete(made.id, "ann")


def test_a_shared_studio_asks_whose_voice_it_is(tmp_path: Path, recording: Path) -> None:
    settings = load_settings(
        home=tmp_path / "home", models_dir=tmp_path / "models", require_consent="always"
    )
    with Studio(settings) as shared:
        given = new(audio=str(recording))
        with pytest.raises(BadInput):
            making.on_create(shared, RECORDING, ANN, "", *given)
        given[-3:] = ["Ann", "my own voice", ""]
        made = making.on_create(shared, RECORDING, ANN, "", *given)
        assert "Ann: my own voice" in made[3]
