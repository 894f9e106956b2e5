"""The Personalities tab from the handlers' side."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from studio.errors import BadInput, Cancelled, NotFound
from studio.services.emotion_audit import Audit, EmotionMeasure
from studio.services.emotion_texts import EMOTIONS, emotion_text
from studio.services.personality_values import NewEmotion, NewPersonality, Personality
from studio.services.smart_values import SmartEmotion
from studio.services.studio import Studio
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from tabs import page
from tabs.personalities import (
    audit_view,
    emotions,
    joints,
    keeping,
    layout,
    making,
    performing,
    reusing,
    showing,
    view,
    wanted,
    wiring,
    working,
)
from tests.spoken import saved, silence, spoken

ATTACK = "<img src=x onerror=alert(1)>"
TEXT = "[happy] Hello there! [neutral] How are you? [pause 0.3] [happy:0.5] Goodbye."


@dataclass
class Asker:
    """Who is signed in, as gr.Request tells it."""

    username: str = "ann"


ANN: Any = Asker()
BOB: Any = Asker("bob")


class Elements(HTMLParser):
    """The names of the elements in a piece of HTML, and its attributes' values."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def assert_harmless(*parts: str) -> None:
    """Nothing that was typed has become an element or a handler of the page."""
    for html in parts:
        found = Elements(html)
        assert not {"img", "script", "i-am-typed"} & set(found.names), html
        assert found.handlers == []


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("personalities")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as opened:
        yield opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    said = [spoken(), silence(0.3), spoken("Please bring the tickets with you.")]
    return saved(tmp_path_factory.mktemp("sound") / "me.wav", np.concatenate(said))


@pytest.fixture
def personality(studio: Studio, recording: Path) -> Iterator[Personality]:
    """One of ann's, with two emotions."""
    new = NewPersonality(
        "Zoë",
        (
            NewEmotion("neutral", recording, start=0, end=2.2, transcript="We will see you."),
            NewEmotion("happy", recording, start=0, end=2, aliases=("gay",)),
        ),
        note="A note.",
    )
    made = studio.personalities.create(new, "ann")
    yield made
    for each in studio.personalities.list("ann"):
        studio.personalities.delete(each.id, "ann")


def by_name(names: list[str], values: list[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


PAGE = ["chosen", "entries", "damaged", "head", "tags", "emotions"]
FORM = ["tag", "caption", "joint", "name", "aliases", "language", "audio", "transcript", "report",
        "save", "remove"]  # fmt: skip


def test_every_handler_fills_what_its_event_says(studio: Studio, personality: Personality) -> None:
    """The lists of components and of values are written in two places."""
    import gradio as gr

    with gr.Blocks():
        tab = layout.lay_out(studio)
    shown = showing.page(studio, ANN, personality, "")
    assert len(shown) == len(tab.page)
    assert len(showing.forms(studio, personality)) == len(tab.forms)
    assert len(showing.forms(studio, None)) == len(tab.forms)
    assert len(emotions.form(studio, personality, None)) == len(tab.emotion_form)
    assert len(working.now(studio, ANN, "", "")) == len(tab.work)
    asked = ("", personality.id, "", "", "", "")
    assert len(showing.on_show(studio, ANN, *asked, "")) == len(tab.shown)
    assert len(showing.on_tick(studio, ANN, *asked)) == len(tab.shown)
    acted = wiring.on_act(studio, ANN, "settle 1", "", personality.id, "", "", "")
    assert len(acted) == len([*tab.page, *tab.work]) + 1


def test_what_was_typed_stays_text(studio: Studio, recording: Path) -> None:
    new = NewPersonality(
        ATTACK,
        (
            NewEmotion("neutral", recording, transcript=ATTACK),
            NewEmotion(ATTACK, recording, start=0, end=2, aliases=("<script>",)),
        ),
        description=ATTACK,
        note=ATTACK,
    )
    made = studio.personalities.create(new, "eve")
    eve: Any = Asker("eve")
    assert_harmless(*showing.page(studio, eve, made, "")[1:])
    emotion = made.emotions[1]
    assert_harmless(joints.shown(studio, made, emotion), view.emotion_caption(made, emotion))
    measure = EmotionMeasure(ATTACK, 100.0, 3.0, -20.0, 4.0, 3.0)
    assert_harmless(audit_view.audit(Audit((measure,), (ATTACK,))))
    assert_harmless(wanted.table([wanted.Wanted(SmartEmotion(ATTACK, ATTACK, ATTACK, ATTACK), True)]))


def test_a_damaged_one_is_told_and_the_others_stay(studio: Studio, personality: Personality) -> None:
    folder = studio.workspace.personalities / "broken-12345678"
    folder.mkdir()
    (folder / "config.json").write_text("{")
    shown = by_name(PAGE, showing.page(studio, ANN, personality, ""))
    assert "set aside" in shown["damaged"]
    assert "Zoë" in shown["entries"]
    (folder / "config.json").unlink()
    folder.rmdir()


def test_the_list_is_searched_by_names_notes_and_emotions(
    studio: Studio, personality: Personality
) -> None:
    for search in ("zoë", "note", "happy", "gay"):
        assert "Zoë" in showing.on_search(studio, ANN, search, "")
    assert "No personality matches" in showing.on_search(studio, ANN, "nobody", "")
    assert "Make the first one" in showing.on_search(studio, BOB, "", "")


def test_one_is_chosen_and_a_reload_finds_it_again(studio: Studio, personality: Personality) -> None:
    picked = showing.on_pick(studio, ANN, f"{personality.id} 3", "")
    assert picked[0] == personality.id
    assert 'aria-current="true"' in picked[1]
    again = showing.on_show(studio, ANN, "", "", "", "", "", "", f"{personality.id} ")
    assert again[: len(picked)] == picked or again[0] == personality.id
    shown = showing.on_show(studio, ANN, "", personality.id, "", "", "", "", "")
    assert all("__type__" in each for each in shown[6:10])  # what is being typed stays
    gone = showing.on_show(studio, ANN, "", "deleted-meanwhile", "", "", "", "", "nobody nothing")
    assert gone[0] == ""


def test_only_the_owner_sees_and_changes_it(studio: Studio, personality: Personality) -> None:
    assert showing.on_show(studio, BOB, "", personality.id, "", "", "", "", personality.id)[0] == ""
    facts = ("Mine", "", "", "")
    for action in (
        lambda: showing.on_pick(studio, BOB, personality.id, ""),
        lambda: keeping.on_change(studio, BOB, "", personality.id, *facts),
        lambda: keeping.on_duplicate(studio, BOB, "", personality.id, ""),
        lambda: keeping.on_export(studio, BOB, personality.id),
        lambda: keeping.on_delete(studio, BOB, "", personality.id),
        lambda: emotions.on_open(studio, BOB, personality.id, "0 1", ""),
        lambda: emotions.on_remove(studio, BOB, personality.id, "", "happy"),
        lambda: emotions.on_compare(studio, BOB, personality.id),
        lambda: wiring.on_act(studio, BOB, "resume 1", "", personality.id, "", "", ""),
        lambda: speak(studio, BOB, personality.id, TEXT),
    ):
        with pytest.raises(NotFound):
            action()
    assert studio.personalities.get(personality.id, "ann") == personality


def test_it_is_renamed_duplicated_exported_deleted_and_imported(
    studio: Studio, personality: Personality
) -> None:
    shown = keeping.on_change(studio, ANN, "", personality.id, "Anna", "EN", "A voice.", "Other.")
    assert "Anna" in shown[3]
    changed = studio.personalities.get(personality.id, "ann")
    assert (changed.name, changed.language, changed.note) == ("Anna", "en", "Other.")
    copy = keeping.on_duplicate(studio, ANN, "", personality.id, "")
    assert "Anna 2" in copy[3]
    link = keeping.on_export(studio, ANN, personality.id)
    path = Path(re.search(r"file=([^\"]+)", link)[1])  # type: ignore[index]
    assert path.name == "anna.zip"
    keeping.on_delete(studio, ANN, "", personality.id)
    assert [each.name for each in studio.personalities.list("ann")] == ["Anna 2"]
    box, *_, chosen = keeping.on_import(studio, ANN, str(path), "Ann", "permission", "2026-01-31")[:6]
    assert box is None
    consent = studio.personalities.get(chosen, "ann").consent
    assert consent is not None
    assert consent.person == "Ann"
    assert studio.personalities.get(chosen, "ann").emotions[1].aliases == ("gay",)
    with pytest.raises(BadInput, match="no file"):
        keeping.on_import(studio, ANN, None, "", "", "")


def save(studio: Studio, chosen: str, opened: str, **given: Any) -> list[Any]:
    fields = {"tag": "", "aliases": "", "language": "", "audio": None, "transcript": ""} | given
    return emotions.on_save(studio, ANN, "", chosen, opened, *fields.values())


def test_an_emotion_is_added_changed_replaced_and_removed(
    studio: Studio, personality: Personality, recording: Path
) -> None:
    def now() -> Personality:
        return studio.personalities.get(personality.id, "ann")

    with pytest.raises(BadInput, match="no recording"):
        save(studio, personality.id, "", tag="sad")
    added = save(studio, personality.id, "", tag="печаль", audio=str(recording), aliases="low , ,gloomy")
    assert by_name(FORM, added[6:])["tag"] == ""  # the form is empty for the next one
    assert now().emotions[-1].aliases == ("low", "gloomy")
    opened = emotions.on_open(studio, ANN, personality.id, "1 7", "")
    form = by_name(FORM, opened[6:])
    assert (form["tag"], form["aliases"]) == ("happy", "gay")
    assert 'class="timbre-waveform"' in form["joint"]
    saved_ = save(studio, personality.id, "happy", tag="Glad", transcript="As heard.")
    assert by_name(FORM, saved_[6:])["tag"] == "Glad"
    sound = now().emotion("glad").audio  # type: ignore[union-attr]
    save(studio, personality.id, "Glad", tag="Glad", transcript="All.", audio=str(recording))
    glad = now().emotion("glad")
    assert glad is not None
    assert glad.audio.name != sound.name
    assert glad.transcript == "All."
    emotions.on_remove(studio, ANN, personality.id, "", "Glad")
    assert now().emotion("glad") is None
    with pytest.raises(BadInput, match="neutral"):
        emotions.on_remove(studio, ANN, personality.id, "", "neutral")


@pytest.mark.parametrize("picked", ["9 1", "-1 1", "", "x", "9" * 400])
def test_an_emotion_that_is_not_there_is_refused(
    studio: Studio, personality: Personality, picked: str
) -> None:
    with pytest.raises(BadInput, match="no such emotion"):
        emotions.on_open(studio, ANN, personality.id, picked, "")


def test_a_recording_is_checked_and_written_down(studio: Studio, personality: Personality) -> None:
    report = emotions.on_check(studio, ANN, personality.id, "neutral", None, "We will see you.")
    assert "timbre-report" in report
    assert "morning" in emotions.on_transcribe(studio, ANN, personality.id, "neutral", None)
    with pytest.raises(BadInput, match="no recording"):
        emotions.on_transcribe(studio, ANN, personality.id, "", None)
    with pytest.raises(BadInput, match="No personality is chosen"):
        emotions.on_compare(studio, ANN, "")


def measure(tag: str, hertz: float | None, rate: float = 4.0) -> EmotionMeasure:
    return EmotionMeasure(tag, hertz, 6.0, -20.0, rate, 3.0)


def test_the_plot_says_in_words_what_it_shows() -> None:
    html = audit_view.plot([measure("neutral", 120), measure("a <b> & c", 200.4), measure("w", None)])
    svgs = ElementTree.fromstring(html)  # well-formed
    pitch = svgs[0]
    assert pitch.get("role") == "img"
    assert pitch.get("aria-label") == "Pitch: neutral 120 Hz, a <b> & c 200 Hz, w –"
    places = [float(dot.get("cx", "0")) for dot in pitch.iter("circle")]
    assert len(places) == 2
    assert places[0] < places[1]
    assert all(90 < place < 250 for place in places)


def test_a_figure_that_nobody_has_is_no_plot_and_equal_ones_stand_together() -> None:
    none = audit_view.plot([measure("a", None), measure("b", None)])
    assert len(ElementTree.fromstring(none)) == 3
    same = ElementTree.fromstring(audit_view.plot([measure("a", 100), measure("b", 100.5)]))
    places = [float(dot.get("cx", "0")) for dot in same[0].iter("circle")]
    assert abs(places[0] - places[1]) < 10


def test_the_comparison_warns_of_emotions_that_measure_alike(
    studio: Studio, personality: Personality
) -> None:
    html = emotions.on_compare(studio, ANN, personality.id)
    assert "measure alike" in html
    assert html.count("<svg") == 4
    assert "No two emotions measure alike" in audit_view.audit(
        Audit((measure("a", 100), measure("b", 300)), ())
    )
    assert "nothing to compare" in audit_view.audit(Audit((), ()))


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
    tick = showing.on_tick(studio, ANN, "", made.id, "", "", "", shown[tick_seen(shown)])
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


def tick_seen(shown: list[Any]) -> int:
    """Where the stamp of the tasks stands."""
    return 6 + 18


@pytest.mark.parametrize("joint", [None, "x", [1], [2, 1], [0, 99], ["a", "b"], [float("nan"), 1]])
def test_a_joint_that_makes_no_sense_is_not_drawn(
    studio: Studio, personality: Personality, recording: Path, joint: Any
) -> None:
    made = NewEmotion("odd", recording, start=0, end=1.5, made={"how": "smart", "joint": joint})
    changed = studio.personalities.add_emotion(personality.id, "ann", made)
    odd = changed.emotion("odd")
    assert odd is not None
    assert "The joint" not in joints.shown(studio, changed, odd)


def speak(studio: Studio, asker: Any, chosen: str, text: str, unknown: str = "report") -> list[Any]:
    return performing.on_speak(studio, asker, chosen, "", text, unknown, "", "", "auto", 1.0, "")


WORK = ["seen", "timer", "build", "build_button", "build_stop", "status", "parts", "speak", "stop",
        "pack", "performance"]  # fmt: skip


def spoken_by(studio: Studio, chosen: str, text: str) -> dict[str, Any]:
    """What the page shows once the text is spoken."""
    begun = by_name(WORK, speak(studio, ANN, chosen, text))
    for task in studio.tasks.of("ann", "perform"):
        studio.tasks.wait(task.id)
    return by_name(WORK, working.now(studio, ANN, begun["performance"], begun["seen"]))


def test_a_text_is_spoken_and_one_part_tried_again(studio: Studio, personality: Personality) -> None:
    with pytest.raises(BadInput, match="furious"):
        speak(studio, ANN, personality.id, "[furious] Hello.")
    shown = spoken_by(studio, personality.id, TEXT)
    assert shown["parts"].count("<tr data-part=") == 3
    assert shown["parts"].count('data-cached="0"') == 3
    assert "3 parts, 3 spoken anew" in shown["status"]
    assert not shown["timer"].active
    id_ = shown["performance"]
    changed = spoken_by(studio, personality.id, TEXT.replace("Goodbye", "Farewell"))
    assert re.findall(r'data-cached="(\d)"', changed["parts"]) == ["1", "1", "0"]
    wiring.on_act(studio, ANN, "again 1 1", "", personality.id, "", id_, "")
    for task in studio.tasks.of("ann", "perform"):
        studio.tasks.wait(task.id)
    part = studio.performances.get(id_, "ann").parts[1]
    assert len(part.takes) == 2
    first = part.takes[0].seed
    acted = wiring.on_act(studio, ANN, f"choose 1 {first} 2", "", personality.id, "", id_, "")
    assert studio.performances.get(id_, "ann").parts[1].seed == first
    assert "<tr data-part=" in "".join(each for each in acted if isinstance(each, str))
    link = performing.on_pack(studio, ANN, id_)
    path = re.search(r"file=([^\"]+)", link)[1]  # type: ignore[index]
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 5
        times = json.loads(archive.read("timings.json"))
    assert [each["tag"] for each in times["parts"]] == ["happy", "neutral", "happy"]
    assert times["parts"][1]["seed"] == first


def test_the_history_brings_the_settings_back(studio: Studio, personality: Personality) -> None:
    id_ = spoken_by(studio, personality.id, TEXT)["performance"]
    names = {"clone": ["text"], "preset": ["text", "engine"]}
    import gradio as gr

    with gr.Blocks():
        count = len(reusing.filled(layout.lay_out(studio)))
    found = page.on_reuse(studio, names, count, ANN, id_)
    assert found[0] == layout.ID
    assert len(found) == 1 + 3 + count
    assert found[4] == personality.id
    assert TEXT in found
    assert id_ in found
    studio.personalities.delete(personality.id, "ann")
    with pytest.raises(NotFound, match="personality"):
        page.on_reuse(studio, names, count, ANN, id_)


@pytest.mark.parametrize("acted", ["", "x", "again 1", "again x 1", "choose 1 -2 1", "choose 1 1"])
def test_an_act_that_the_page_does_not_have_is_refused(studio: Studio, acted: str) -> None:
    with pytest.raises(BadInput):
        wiring.on_act(studio, ANN, acted, "", "", "", "", "")


def test_a_text_can_be_stopped(studio: Studio, personality: Personality) -> None:
    begun = by_name(WORK, speak(studio, ANN, personality.id, "[happy] A long story. " * 30))
    assert begun["stop"].interactive
    performing.on_stop(studio, ANN)
    task = studio.tasks.of("ann", "perform")[0]
    with pytest.raises(Cancelled):
        studio.tasks.wait(task.id)
    shown = by_name(WORK, working.now(studio, ANN, begun["performance"], begun["seen"]))
    assert "Stopped" in shown["status"]
    assert shown["speak"].interactive
