"""The Voices tab from the handlers' side: the library, and what other tabs take from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import soundfile

from engines.base import Capability
from studio.errors import BadInput, NotFound
from studio.services import orders
from studio.services.studio import Studio
from studio.services.takes import Reference, SpeechOrder
from studio.services.voice_values import Basis, Consent, NewVoice, Voice
from studio.settings import load_settings
from tabs import consent, frame
from tabs.speech import form as speech_form
from tabs.speech.events import _named
from tabs.voices import hearing, keeping, library, taking, view
from tests.asking import ANN, ATTACK, BOB
from tests.spoken import clip_in, saved, silence, spoken

#: Where things stand in `VoicesTab.form`.
CHOSEN, CAPTION, LINK, ORIGIN, FAVOURITE, DUPLICATE = range(6)
TRANSCRIPT, NAME, LANGUAGE, TAGS, NOTE, PERSON, BASIS, DAY, AUDIO, WAVE = range(11, 21)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_in(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def voice(studio: Studio, clip: Path) -> Voice:
    """Ann's voice."""
    return studio.voices.create(NewVoice("Zoë", clip, transcript="Good morning."), "ann")


def saved_form(studio: Studio, clip: Path | None, chosen: str = "", **given: str) -> list[Any]:
    """What the form holds after Save; `given` are its fields."""
    plain = {"transcript": "", "name": "", "language": "", "tags": "", "note": ""}
    plain |= {"person": "", "basis": "", "day": ""}
    start, end = given.pop("start", ""), given.pop("end", "")
    audio = str(clip) if clip else None
    fields = (plain | given).values()
    return keeping.on_save(studio, ANN, chosen, "upload", None, "", audio, start, end, *fields)


def listed(studio: Studio, search: str = "", tag: str = "", favourites: bool = False) -> str:
    return str(library.on_list(studio, 0, ANN, search, tag, favourites, "", 0)[0])


def test_a_recording_becomes_a_voice_with_all_that_was_said(studio: Studio, clip: Path) -> None:
    assert "No voices yet" in listed(studio)
    shown = saved_form(
        studio,
        clip,
        name="Zoë",
        transcript=" We will see you. ",
        language="en",
        tags="warm, Narrator,, WARM",
        note="from the radio",
        person="Zoë Ray",
        basis=Basis.PERMISSION.value,
        day="2026-01-31",
    )
    voice = studio.voices.get(shown[CHOSEN], "ann")
    assert (voice.name, voice.transcript, voice.language) == ("Zoë", "We will see you.", "en")
    assert (voice.tags, voice.note) == (("warm", "Narrator"), "from the radio")
    assert voice.consent is not None
    assert (voice.consent.person, voice.consent.basis) == ("Zoë Ray", Basis.PERMISSION)
    assert "Zoë Ray: permission, 2026-01-31" in shown[CAPTION]
    assert shown[NAME] == "Zoë"
    assert shown[TAGS] == "warm, Narrator"
    assert shown[PERSON : DAY + 1] == ["Zoë Ray", "permission", "2026-01-31"]
    assert "timbre-waveform" in shown[WAVE]
    assert "Zoë" in listed(studio)


def test_only_the_chosen_part_becomes_the_voice(studio: Studio, clip: Path) -> None:
    shown = saved_form(studio, clip, name="Part", start="0.40", end="1.90")
    assert studio.voices.get(shown[CHOSEN], "ann").duration == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "name is empty"),
        ({"name": "A", "start": "2", "end": "1"}, "ends before it starts"),
        ({"name": "A", "start": "soon"}, "no place in the recording"),
        ({"name": "A", "person": "Ann"}, "On what basis"),
        ({"name": "A", "basis": "permission"}, "Who speaks"),
        ({"name": "A", "person": "Ann", "basis": "permission", "day": "31.1."}, "no day"),
        ({"name": "A", "person": "Ann", "basis": "permission", "day": "2999-01-01"}, "future"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    studio: Studio, clip: Path, given: dict[str, str], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        saved_form(studio, clip, **given)
    assert studio.voices.list("ann") == []


def test_no_recording_and_a_silent_one_are_refused(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no recording"):
        saved_form(studio, None, name="A")
    quiet = saved(tmp_path / "quiet.wav", silence(3))
    with pytest.raises(BadInput, match="silent"):
        saved_form(studio, quiet, name="A")


def test_a_shared_studio_asks_whose_voice_it_is(tmp_path: Path, clip: Path) -> None:
    settings = load_settings(home=tmp_path, models_dir=tmp_path / "m", require_consent="always")
    with Studio(settings) as studio:
        assert "shared" in view.consent_reminder(studio.voices.consent_required)
        with pytest.raises(BadInput, match="whose voice"):
            saved_form(studio, clip, name="A")
        saved_form(studio, clip, name="A", person="Ann", basis=Basis.OWN.value)
        assert studio.voices.list("ann")[0].consent is not None


def test_a_voice_is_changed_and_keeps_its_recording(studio: Studio, clip: Path, voice: Voice) -> None:
    given = Path(library.form(studio, voice, "")[AUDIO])
    shown = saved_form(studio, given, voice.id, name="Zoe", note="changed", start="0.5", end="1.5")
    changed = studio.voices.get(voice.id, "ann")
    assert (changed.name, changed.note, changed.transcript) == ("Zoe", "changed", "")
    assert changed.audio == voice.audio, "what is looked at is not what is cut"
    assert "Zoe" in shown[CAPTION]


def test_another_recording_takes_the_place_of_the_one_before(
    studio: Studio, voice: Voice, tmp_path: Path
) -> None:
    other = saved(tmp_path / "other.wav", np.concatenate([spoken(), spoken()]))
    saved_form(studio, other, voice.id, name="Zoë", start="0", end="3")
    assert studio.voices.get(voice.id, "ann").duration == pytest.approx(3, abs=0.02)


def test_the_list_is_searched_filtered_and_has_pages(studio: Studio, clip: Path) -> None:
    for number in range(library.PAGE_SIZE + 2):
        tags = ("deep",) if number % 2 else ("Bright", "new")
        studio.voices.create(NewVoice(f"Voice {number:02}", clip, tags=tags), "ann")
    page, tags, _, previous, next_, offset = library.on_list(studio, 0, ANN, "", "", False, "", 0)
    assert page.count("timbre-voice ") + page.count('timbre-voice"') == library.PAGE_SIZE
    assert [value for _, value in tags.choices] == ["", "Bright", "deep", "new"]
    assert (previous.interactive, next_.interactive) == (False, True)
    page, *_, offset = library.on_list(studio, 1, ANN, "", "", False, "", offset)
    assert "Voice 13" in page
    assert f"{library.PAGE_SIZE + 1} to 14 of 14" in page
    assert "Voice 07" in listed(studio, search="voice 07")
    assert "Voice 00" not in listed(studio, tag="deep")
    assert "No voice matches" in listed(studio, favourites=True)
    mark = studio.voices.get("Voice 03", "ann")
    assert library.on_favourite(studio, ANN, mark.id).value.startswith("★")
    assert "Voice 03" in listed(studio, favourites=True)
    library.on_favourite(studio, ANN, mark.id)
    assert "No voice matches" in listed(studio, favourites=True)
    assert "No voices yet" in str(library.on_list(studio, 0, BOB, "", "", False, "", 0)[0])


def test_what_people_type_is_inert(studio: Studio, clip: Path) -> None:
    shown = saved_form(
        studio,
        clip,
        name=ATTACK,
        transcript=ATTACK,
        tags=ATTACK,
        note=ATTACK,
        person=ATTACK,
        basis=Basis.OWN.value,
    )
    voice = studio.voices.get(shown[CHOSEN], "ann")
    html = listed(studio) + shown[CAPTION] + shown[WAVE]
    html += view.question(voice, studio.voices.uses(voice.id, "ann"))
    html += library.on_export(studio, ANN, voice.id)
    html += view.damaged([ATTACK])
    assert "<img" not in html
    assert "&lt;img" in html


@pytest.mark.parametrize("picked", ["", "nobody 3", "../../etc", "' OR 1=1", ATTACK, "\x00"])
def test_a_voice_that_is_not_there_is_refused(studio: Studio, voice: Voice, picked: str) -> None:
    with pytest.raises(NotFound):
        library.on_choose(studio, ANN, picked, "")


def test_nobody_touches_another_person_s_voice(studio: Studio, voice: Voice) -> None:
    for action in (
        lambda: library.on_choose(studio, BOB, f"{voice.id} 1", ""),
        lambda: library.on_favourite(studio, BOB, voice.id),
        lambda: library.on_duplicate(studio, BOB, voice.id, ""),
        lambda: library.on_export(studio, BOB, voice.id),
        lambda: library.on_ask(studio, BOB, "", voice.id),
        lambda: library.on_delete(studio, BOB, voice.id, False, ""),
        lambda: list(hearing.on_audition(studio, BOB, voice.id, "espeak", "Hello.")),
    ):
        with pytest.raises(NotFound):
            action()
    with pytest.raises(BadInput, match="gone"):
        taking.on_take_over(studio, BOB, voice.id)


def test_copies_get_free_names(studio: Studio, voice: Voice) -> None:
    assert library.on_duplicate(studio, ANN, voice.id, "")[NAME] == "Zoë (copy)"
    assert library.on_duplicate(studio, ANN, voice.id, "")[NAME] == "Zoë (copy 2)"
    long = library.free_name("x" * 200, set())
    assert len(long) == 200
    assert long.endswith("x (copy)")


def test_a_voice_leaves_as_a_zip_and_comes_back(studio: Studio, voice: Voice) -> None:
    link = library.on_export(studio, ANN, voice.id)
    assert 'download="zoe.zip"' in link
    archive = next((studio.workspace.gradio_temp / "exports").rglob("zoe.zip"))
    library.on_delete(studio, ANN, voice.id, False, "")
    with pytest.raises(BadInput, match="no file"):
        library.on_import(studio, ANN, "", None, "", "", "")
    file, *fields = library.on_import(studio, ANN, "", str(archive), "Zoë Ray", "permission", "")
    assert (file, fields[:3]) == (None, ["", "", ""])
    back = studio.voices.get("Zoë", "ann")
    assert back.transcript == "Good morning."
    assert back.consent is not None
    assert fields[3 + NAME] == "Zoë"


def test_the_question_says_what_was_made_from_it(studio: Studio, voice: Voice) -> None:
    update, text, keep, asked = library.on_ask(studio, ANN, "", voice.id)
    assert (update["visible"] if isinstance(update, dict) else update.visible) is True
    assert "Nothing was made from it" in text
    assert (keep, asked) == (False, voice.id)


def test_a_question_goes_with_its_voice_but_not_with_a_quick_hand_s(voice: Voice) -> None:
    # Nothing is written over what was pressed meanwhile.
    assert library.on_other(voice.id, voice.id) == [gr.skip()] * 4, "it was asked about the new one"
    assert library.on_other("", voice.id) == [gr.skip()] * 4
    assert library.on_other("another", voice.id)[3] == ""
    assert frame.on_other("one", "one") == frame.on_other(None, "one") == (gr.skip(), gr.skip())
    assert frame.on_other("one", "two")[1] is None


def test_deleting_can_keep_the_recording(studio: Studio, voice: Voice, clip: Path) -> None:
    cleared = library.on_delete(studio, ANN, voice.id, True, "")
    kept = list((studio.workspace.outputs / "voices").glob("*.wav"))
    assert len(kept) == 1
    assert str(kept[0]) in cleared[LINK]
    assert soundfile.info(kept[0]).duration == pytest.approx(soundfile.info(clip).duration, abs=0.01)
    assert (cleared[CHOSEN], cleared[NAME], cleared[AUDIO]) == ("", "", None)
    assert studio.voices.list("ann") == []


def test_a_damaged_voice_is_told_and_the_others_are_there(
    studio: Studio, clip: Path, voice: Voice
) -> None:
    other = studio.voices.create(NewVoice("Other", clip), "ann")
    (studio.workspace.voices / other.id / "config.json").write_text("{", "utf-8")
    page, _, notice, *_ = library.on_list(studio, 0, ANN, "", "", False, "", 0)
    assert "Zoë" in page
    assert "timbre-bad" in notice


@pytest.mark.usefixtures("measured")
def test_an_audition_is_heard_and_counts_as_made_from_it(studio: Studio, voice: Voice) -> None:
    steps = list(hearing.on_audition(studio, ANN, voice.id, "espeak", "Hello there."))
    assert soundfile.info(steps[-1][1]).duration > 0.3
    assert "1 take in the history" in library.on_ask(studio, ANN, "", voice.id)[1]
    assert studio.history.list("ann")[0].voice == "like Zoë"
    with pytest.raises(BadInput, match="nothing to speak"):
        list(hearing.on_audition(studio, ANN, voice.id, "espeak", " "))


def test_the_sentence_follows_the_language_until_somebody_writes_one(studio: Studio, clip: Path) -> None:
    german = studio.voices.create(NewVoice("Jan", clip, language="de-at"), "ann")
    said = library.form(studio, german, view.sentence(""))[10]
    assert said.startswith("Guten Morgen")
    assert view.is_own_sentence("My own words.")
    assert not view.is_own_sentence(said)


@pytest.mark.usefixtures("measured")
def test_a_take_becomes_a_voice(studio: Studio) -> None:
    order = SpeechOrder(Capability.DESIGN, "A voice in words, made here.", "espeak", description="old")
    take = studio.speech.speak(order, "ann")
    assert taking.on_save_take(studio, ANN, take.id, "Designed", "", "", "") == ("", "", "", "")
    voice = studio.voices.get("Designed", "ann")
    assert (voice.origin, voice.transcript) == ("take", "A voice in words, made here.")
    assert voice.consent is not None
    assert voice.consent.basis is Basis.SYNTHETIC
    with pytest.raises(BadInput, match="No take is chosen"):
        taking.on_save_take(studio, ANN, None, "A", "", "", "")
    with pytest.raises(NotFound):
        taking.on_save_take(studio, BOB, take.id, "Mine now", "", "", "")


def test_clone_takes_its_reference_from_a_saved_voice(studio: Studio, voice: Voice) -> None:
    choice = taking.on_known(studio, ANN, voice.id)
    assert [value for _, value in choice.choices] == ["", voice.id]
    assert choice.value == voice.id
    assert taking.on_known(studio, BOB, voice.id).value == ""
    ref_voice, audio, text, *_ = taking.on_take_over(studio, ANN, voice.id)
    assert (ref_voice, text) == (voice.id, "Good morning.")
    info = studio.engines.registry.get("espeak").info
    values = {
        "text": "Hello.", "language": "auto", "speed": 1.0, "seed": "", "loudness": True,
        "ref_audio": audio, "ref_text": text, "ref_voice": ref_voice,
    }  # fmt: skip
    order = _named(studio, "ann", speech_form.to_order(Capability.CLONE, values, info))
    assert order.reference == Reference(Path(audio), text, voice=voice.id, name="Zoë")
    kept = orders.from_settings(orders.to_settings(order), order.text)
    assert speech_form.from_order(kept, info)["ref_voice"] == voice.id
    studio.voices.delete(voice.id, "ann")
    forgotten = _named(studio, "ann", order).reference
    assert forgotten is not None
    assert forgotten.voice == ""
    assert taking.on_take_over(studio, ANN, "")[0] == ""


def test_consent_is_what_the_fields_say() -> None:
    before = Consent("Ann", Basis.OWN, 1_700_000_000.0)
    fields = consent.values(before)
    assert consent.consent_of(*fields, before) is None, "nothing is new"
    assert consent.consent_of("", "", "") is None
    given = consent.consent_of("Ann", "my own voice", fields[2])
    assert given is not None
    assert consent.values(given) == fields
