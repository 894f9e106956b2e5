"""The Personalities tab from the handlers' side: the list, what is kept of each, and its emotions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from studio.errors import BadInput, NotFound
from studio.services.emotion_audit import Audit, EmotionMeasure
from studio.services.personality_values import NewEmotion, NewPersonality, Personality
from studio.services.smart_values import SmartEmotion
from studio.services.studio import Studio
from tabs.personalities import (
    audit_view,
    emotions,
    joints,
    keeping,
    layout,
    showing,
    view,
    wanted,
    wiring,
    working,
)
from tests.asking import ANN, ATTACK, BOB, Asker, assert_harmless
from tests.personality_tab import TEXT, by_name, recorded, speak, studio_in, zoe

PAGE = ["chosen", "entries", "damaged", "head", "tags", "emotions"]
FORM = ["tag", "caption", "joint", "name", "aliases", "language", "audio", "transcript", "report",
        "save", "remove"]  # fmt: skip


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    yield from studio_in(tmp_path_factory.mktemp("personalities"), measure_once)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def personality(studio: Studio, recording: Path) -> Iterator[Personality]:
    yield from zoe(studio, recording)


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
    assert again[0] == personality.id
    assert 'aria-current="true"' in again[1]
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


@pytest.mark.parametrize("joint", [None, "x", [1], [2, 1], [0, 99], ["a", "b"], [float("nan"), 1]])
def test_a_joint_that_makes_no_sense_is_not_drawn(
    studio: Studio, personality: Personality, recording: Path, joint: Any
) -> None:
    made = NewEmotion("odd", recording, start=0, end=1.5, made={"how": "smart", "joint": joint})
    changed = studio.personalities.add_emotion(personality.id, "ann", made)
    odd = changed.emotion("odd")
    assert odd is not None
    assert "The joint" not in joints.shown(studio, changed, odd)
