"""Promises of what is said: the history keeps what was typed, and people see what was changed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.base import Capability, EngineFolders, EngineInfo, Speaker, WordTiming
from engines.manager import EngineManager
from engines.registry import Registry
from studio.control import Control
from studio.errors import Cancelled
from studio.models.folders import ModelFolders
from studio.services.history import sidecar_path
from studio.services.planning import make_plan
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder, TakeState
from studio.services.wording import Wording, as_written
from studio.settings import load_settings
from studio.text.pronunciation import Change, Entry, Spoken, apply, put
from studio.text.stress import ACUTE, StressMissing, stress
from tests import engines_for_tests
from tests.llm_server import LlmServer
from tests.running import until

TEXT = "Nguyen's cat came to NY. It cost 5 dollars."


def preset(text: str = TEXT, **changes: object) -> SpeechOrder:
    order = SpeechOrder(Capability.PRESET, text, "espeak", language="en-us", seed=7)
    return replace(order, **changes)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer(answer=lambda text: text.replace("5", "five")) as running:
        yield running


@pytest.fixture
def assisted(tmp_path: Path, server: LlmServer) -> Iterator[Studio]:
    """A studio with a language model before speech."""
    settings = load_settings(home=tmp_path / "home", models_dir=tmp_path / "models",
                             llm_url=server.url, use_llm_tts=True, llm_timeout_s=5)  # fmt: skip
    with Studio(settings) as opened:
        yield opened


def fill(studio: Studio) -> None:
    studio.lexicon.add(Entry("Nguyen", "en", "Win", "wɪn"))
    studio.lexicon.add(Entry("NY", "", "new york", case_sensitive=True))


def test_the_lexicon_is_spoken_and_what_was_typed_is_kept(studio: Studio) -> None:
    fill(studio)
    record = studio.speech.speak(preset())
    assert record.text == TEXT
    sidecar = json.loads(sidecar_path(studio.history.path(record)).read_text("utf-8"))
    assert sidecar["text"] == TEXT
    assert sidecar["spoken"] == "[[w|I|n|z]] cat came to new york. It cost 5 dollars."
    assert "2 words by the lexicon: Nguyen's, NY" in sidecar["notes"]
    assert "2 words by the lexicon: Nguyen's, NY" in studio.speech.status(record.id).notes


def test_subtitles_show_the_words_as_written(studio: Studio) -> None:
    fill(studio)
    words = studio.history.words(studio.speech.speak(preset()))
    assert [word.text for word in words] == TEXT.split()
    assert all(a.end <= b.start + 0.02 for a, b in pairwise(words))


def test_a_preview_says_what_a_take_will_speak(studio: Studio) -> None:
    fill(studio)
    preview = studio.speech.preview(preset())
    assert (preview.text, preview.prepared) == (TEXT, TEXT)
    assert [each.original for each in preview.replacements] == ["Nguyen's", "NY"]
    assert [TEXT[each.start : each.end] for each in preview.replacements] == ["Nguyen's", "NY"]
    assert preview.spoken == studio.speech.plan(preset()).spoken.text
    assert studio.history.list("") == [], "nothing was spoken"


def test_a_voice_s_own_language_counts(studio: Studio) -> None:
    studio.lexicon.add(Entry("Tag", "de", "tahk"))
    order = preset("Guten Tag", speaker="gmw/de")
    assert studio.speech.preview(replace(order, language="auto")).spoken == "Guten tahk"
    assert studio.speech.preview(preset("Guten Tag")).spoken == "Guten Tag"


def test_an_engine_without_phonemes_gets_the_respelling(studio: Studio) -> None:
    fill(studio)
    folders = EngineFolders(studio.workspace.voice_prompts, ModelFolders(Path("m"), Path("q")))
    engine = EngineManager(Registry(folders, engines_for_tests.TABLE)).registry.get("tone")
    plan = make_plan(preset(engine="tone", language="en"), engine, studio.settings)
    wording = Wording(studio.settings, studio.lexicon, studio.language_model)
    assert wording.quick(plan).spoken.text.startswith("Win's cat")
    assert wording.quick(wording.quick(plan)) == wording.quick(plan), "notes are not said twice"


def test_the_language_model_prepares_the_text_before_it_is_spoken(
    assisted: Studio, server: LlmServer
) -> None:
    fill(assisted)
    record = assisted.speech.speak(preset())
    assert record.text == TEXT
    sidecar = json.loads(sidecar_path(assisted.history.path(record)).read_text("utf-8"))
    assert sidecar["spoken"] == "[[w|I|n|z]] cat came to new york. It cost five dollars."
    assert sidecar["notes"].count("Prepared by the language model.") == 1
    assert [note for note in sidecar["notes"] if "lexicon" in note] == [
        "2 words by the lexicon: Nguyen's, NY"
    ]
    assert [asked.text for asked in server.asked] == [TEXT], "as typed, before the lexicon"


def test_a_language_model_that_is_down_keeps_nobody_from_speaking(
    assisted: Studio, server: LlmServer
) -> None:
    server.fault = "500"
    record = assisted.speech.speak(preset())
    assert record.duration > 1
    notes = " ".join(assisted.speech.status(record.id).notes)
    assert "HTTP 500" in notes
    assert "stays as it was" in notes


def test_a_language_model_that_touches_brackets_is_not_heard(
    assisted: Studio, server: LlmServer
) -> None:
    server.answer = lambda text: text.replace("[[h@l'oU]]", "hello")
    preview = assisted.speech.preview(preset("Say [[h@l'oU]] to everybody who is here, please."))
    assert "[[h@l'oU]]" in preview.spoken
    assert "brackets" in " ".join(preview.notices)


def test_starting_does_not_wait_for_the_language_model_and_stop_is_felt_at_once(
    assisted: Studio, server: LlmServer
) -> None:
    server.fault = "slow"
    began = time.monotonic()
    take = assisted.speech.start(preset())
    assert time.monotonic() - began < 1
    until(lambda: server.asked)
    assert assisted.speech.status(take).stage == "language model"
    assisted.speech.stop(take)
    until(lambda: assisted.speech.status(take).state is TakeState.STOPPED, 2)
    until(server.gone.is_set, 2)


def test_a_preview_can_be_stopped(assisted: Studio, server: LlmServer) -> None:
    server.fault = "slow"
    control = Control()
    threading.Timer(0.2, control.cancel).start()
    with pytest.raises(Cancelled):
        assisted.speech.preview(preset(), control)


def test_a_broken_prompt_fails_the_take_and_names_the_file(assisted: Studio) -> None:
    folder = assisted.settings.home / "configs" / "llm"
    folder.mkdir(parents=True)
    (folder / "tts.toml").write_text("mode =")
    take = assisted.speech.start(preset())
    until(lambda: assisted.speech.status(take).state.finished)
    assert assisted.speech.status(take).state is TakeState.FAILED
    assert "tts.toml" in assisted.speech.status(take).error


def test_words_of_a_replacement_are_one_word_in_the_timings() -> None:
    spoken = put(
        "NY (and Hue Jackman) is on the A/B.",
        (
            Change(0, 2, "new york", "respelling"),
            Change(8, 19, "Hyoojackman", "respelling"),
            Change(31, 32, "ay", "respelling"),
            Change(33, 34, "bee tree", "respelling"),
        ),
    )
    assert spoken.text == "new york (and Hyoojackman) is on the ay/bee tree."
    words = [WordTiming(word, index, index + 1) for index, word in enumerate(spoken.text.split())]
    assert [(word.text, word.start, word.end) for word in as_written(words, spoken)] == [
        ("NY", 0, 2), ("(and", 2, 3), ("Hue Jackman)", 3, 4), ("is", 4, 5), ("on", 5, 6), ("the", 6, 7),
        ("A/B.", 7, 9),
    ]  # fmt: skip


@given(st.lists(st.sampled_from(("a", "b", "cat", "dog.", "(cat)", "x-cat", "a/b")), max_size=15))
def test_the_words_as_written_are_those_of_the_text(words: list[str]) -> None:
    text = " ".join(words)
    spoken = apply(
        text, "en", [Entry("a", "", "alpha beta"), Entry("cat", "", "kat"), Entry("a b", "", "ab")]
    )
    timed = [WordTiming(word, index, index + 1) for index, word in enumerate(spoken.text.split())]
    written = as_written(timed, spoken)
    assert " ".join(word.text for word in written) == text
    assert all(a.end <= b.start for a, b in pairwise(written))


def test_a_word_that_is_not_in_the_text_stays_as_it_is() -> None:
    word = WordTiming("other", 0, 1)
    assert as_written([word], Spoken("text")) == [word]


class Accentor:
    """Marks the words it knows as silero-stress does."""

    known = {"замок": "зам+ок", "все": "вс+ё", "берег": "б+ерег"}  # noqa: RUF012

    def __call__(self, text: str) -> str:
        assert "\n" not in text
        return " ".join(self.known.get(word, word) for word in text.split(" "))


def test_stress_is_an_acute_on_the_vowel() -> None:
    text = "дом замок\n  все берег 2+2"
    assert put(text, stress(text, Accentor())).text == f"дом замо{ACUTE}к\n  все бе{ACUTE}рег 2+2"


def test_a_library_that_changes_the_words_is_not_heard() -> None:
    with pytest.raises(StressMissing, match="another text"):
        stress("один два", lambda _: "од+ин тр+и")


def test_a_missing_library_is_said_and_the_text_spoken(studio: Studio) -> None:
    settings = studio.settings.model_copy(update={"use_stress": True})
    folders = EngineFolders(studio.workspace.voice_prompts, ModelFolders(Path("m"), Path("q")))
    registry = Registry(folders, {"russian": f"{__name__}:RussianEngine"})
    plan = make_plan(
        preset("Старый замок.", engine="russian", language="ru"), registry.get("russian"), settings
    )
    missing = Wording(settings, studio.lexicon, studio.language_model).full(plan, Control())
    assert missing.spoken.text == "Старый замок."
    assert "pip install silero-stress" in " ".join(missing.notes)
    there = Wording(settings, studio.lexicon, studio.language_model, Accentor)
    studio.lexicon.add(Entry("берег", "ru", "брег"))
    plan = replace(plan, order=replace(plan.order, text="Берег и берег, замок здесь"))
    worded = there.full(plan, Control())
    assert worded.spoken.text == "брег и брег, замок здесь".replace("замок", f"замо{ACUTE}к")
    assert "1 word with a stress mark: замок" in worded.notes


class RussianEngine(engines_for_tests.ToneEngine):
    id = "russian"

    @property
    def info(self) -> EngineInfo:
        return replace(super().info, languages={"ru": "Russian"})

    def speakers(self) -> tuple[Speaker, ...]:
        return (Speaker("sine", "Sine", "ru"),)


def test_espeak_gets_no_stress_marks_which_it_misreads(studio: Studio) -> None:
    settings = studio.settings.model_copy(update={"use_stress": True})
    plan = studio.speech.plan(preset("Старый замок.", speaker="zle/ru", language="ru"))
    worded = Wording(settings, studio.lexicon, studio.language_model).full(plan, Control())
    assert worded.spoken.text == "Старый замок."
    assert "does not follow stress marks" in " ".join(worded.notes)
