"""Personalities speak tagged texts: each part by its emotion, with its pauses, its words and its tags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engines.manager import EngineManager
from studio.errors import BadInput, StudioError
from studio.services.performance_values import Performance, Unknown
from studio.services.performing import PerformanceService
from studio.services.personality_values import Personality
from studio.services.studio import Studio
from studio.settings import Settings
from studio.text.pronunciation import Entry
from tests.engines_for_tests import RATE, CloningEngine
from tests.performing import (
    SIX,
    anna_of,
    engines_in,
    files,
    opened,
    order,
    performing,
    samples,
    spoken,
    whole,
)

MARGIN = 0.03  # of the silence around a sentence, seconds


@pytest.fixture
def engines(tmp_path: Path) -> EngineManager:
    return engines_in(tmp_path)


@pytest.fixture
def service(studio: Studio, engines: EngineManager) -> Iterator[PerformanceService]:
    yield from performing(studio, engines)


@pytest.fixture
def anna(studio: Studio, tmp_path: Path) -> Personality:
    return anna_of(studio, tmp_path)


def gaps(performance: Performance) -> list[float]:
    """The silence before each part and after the last one, seconds."""
    position, found = 0.0, []
    for part in performance.parts:
        found.append(part.start - position)
        position = part.start + part.duration
    return [*found, performance.record.duration - position]


def test_each_part_is_spoken_by_the_recording_of_its_emotion(
    service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("Well. [happy] Hello. [triste] Goodbye. [HAPPY] Again."))
    assert [part.tag for part in performance.parts] == ["neutral", "happy", "sad", "happy"]
    assert [part.text for part in performance.parts] == ["Well.", "Hello.", "Goodbye.", "Again."]
    for part in performance.parts:
        emotion = anna.emotion(part.tag)
        assert emotion is not None
        sound = samples(part.file)[RATE // 10 : RATE // 10 + 2048]
        peak = np.argmax(np.abs(np.fft.rfft(sound))) * 2 * np.pi / 2048
        assert peak == pytest.approx(CloningEngine.pitch(emotion.audio, 5), abs=0.01)


def test_the_parts_and_their_times_add_up_to_the_whole(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] One. Two.\n\n[sad] Three. [pause 0.5] Four. [pause 1]"))
    sound = whole(studio, performance)
    for part in performance.parts:
        own = samples(part.file)
        start = round(part.start * RATE)
        assert len(own) == round(part.duration * RATE)
        assert np.array_equal(sound[start : start + len(own)], own)
        sound[start : start + len(own)] = 0
    assert not sound.any()
    assert performance.record.duration == pytest.approx(len(sound) / RATE)
    last = performance.parts[-1]
    assert gaps(performance)[-1] == pytest.approx(1.0)
    assert last.start + last.duration + 1 == pytest.approx(performance.record.duration)


def test_words_have_their_times_in_the_part_and_in_the_whole(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] One. Two. [sad] Three."))
    first, second = performance.parts
    pause = studio.settings.pause_sentence_s
    assert [(word.text, word.start) for word in first.words] == [
        ("One.", pytest.approx(MARGIN)), ("Two.", pytest.approx(0.4 + 3 * MARGIN + pause)),
    ]  # fmt: skip
    words = studio.history.words(performance.record)
    assert [word.text for word in words] == ["One.", "Two.", "Three."]
    assert words[2].start == pytest.approx(second.start + MARGIN, abs=0.001)


def test_pauses_are_exact_and_gaps_are_natural(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    settings = studio.settings
    text = (
        "[pause 0.25] [happy] One. [pause 0.5] [pause 1] Two. [sad] Three, [happy] four.\n\n"
        "[sad] Five. [pause 2]"
    )
    within = gaps(service.perform(order(text)))
    sentence, paragraph = settings.pause_sentence_s, settings.pause_paragraph_s
    assert within == pytest.approx([0.25, 1.5, sentence, 0.1, paragraph, 2])
    asked = gaps(service.perform(order(text, gap_s=0.8)))
    assert asked == pytest.approx([0.25, 1.5, 0.8, 0.8, 0.8, 2])


def test_a_written_pause_is_heard_as_long_as_it_says(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    """The engine's own silence around a sentence does not come on top."""
    performance = service.perform(order("[happy] One. [pause 1] Two."))
    silent = np.flatnonzero(np.abs(whole(studio, performance)) > 300)
    assert np.diff(silent).max() / RATE == pytest.approx(1 + 2 * MARGIN, abs=0.03)


def test_unknown_tags_are_reported_with_the_known_ones(
    service: PerformanceService, anna: Personality
) -> None:
    with pytest.raises(BadInput) as caught:
        service.start(order("[hapy] One. [giggle] Two. [happy] Three."))
    assert "“hapy”, “giggle”" in caught.value.message
    assert "neutral, happy, sad" in caught.value.hint
    assert spoken() == []


def test_unknown_tags_are_read_aloud_where_that_is_asked_for(
    service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] One [giggle] two. [sad] Bye.", unknown=Unknown.READ))
    assert spoken() == ["One (giggle) two.", "Bye."]
    assert [part.text for part in performance.parts] == ["One [giggle] two.", "Bye."]
    assert any("giggle" in note for note in performance.notes)


@pytest.mark.parametrize("text", ["[happy One.", "One] two.", "[a [b]] One.", "[pause 99] One."])
def test_brackets_that_mean_nothing_are_refused_with_their_place(
    service: PerformanceService, anna: Personality, text: str
) -> None:
    with pytest.raises(BadInput, match="It is at") as caught:
        service.plan(order(text))
    assert "\\[" in caught.value.hint
    assert len(service.plan(order(text, unknown=Unknown.READ)).parts) == 1


def test_escaped_brackets_are_words(service: PerformanceService, anna: Personality) -> None:
    performance = service.perform(order(r"[happy] See \[1\]."))
    assert performance.parts[0].text == "See [1]."
    assert spoken() == ["See (1)."]


@pytest.mark.parametrize("text", ["", "[happy]", "[pause 1]", "[happy] … [sad] 😀"])
def test_a_text_without_words_is_refused(
    service: PerformanceService, anna: Personality, text: str
) -> None:
    with pytest.raises(BadInput, match="nothing to speak"):
        service.start(order(text))


def test_a_tag_without_words_is_noted(service: PerformanceService, anna: Personality) -> None:
    performance = service.perform(order("[sad] … [happy] Hello."))
    assert len(performance.parts) == 1
    assert any("nothing to speak in “…”" in note for note in performance.notes)


def test_an_emotion_whose_recording_is_gone_is_refused_in_words(
    service: PerformanceService, anna: Personality
) -> None:
    happy = anna.emotion("happy")
    assert happy is not None
    happy.audio.unlink()
    with pytest.raises(
        StudioError, match="“Anna” cannot be used: “happy” has lost its recording"
    ) as caught:
        service.start(order("[happy] Hello."))
    assert caught.value.hint
    assert spoken() == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"engine": "tone"}, "cannot do “clone”"),
        ({"engine": "none"}, "none"),
        ({"personality": "Bob"}, "Bob"),
        ({"speed": 9.0}, "Speed"),
        ({"seed": -1}, "Seed"),
        ({"gap_s": 99.0}, "gap"),
        ({"language": "tlh"}, "tlh"),
        ({"model": "big"}, "no models"),
        ({"text": "a " * 150_000}, "299,999"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(
    service: PerformanceService, anna: Personality, changes: dict[str, object], word: str
) -> None:
    with pytest.raises(BadInput) as caught:
        service.start(order("Hello.", **changes) if "text" not in changes else order(**changes))  # type: ignore[arg-type]
    assert word in caught.value.message
    assert caught.value.hint


def test_notes_name_the_emotion_that_they_are_about(
    service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] Hello. [happy] Hello again."))
    assert [note for note in performance.notes if "It says" in note] == ["“happy”: It says “happy”."]


def test_a_strength_mixes_the_emotion_with_the_neutral_one(
    service: PerformanceService, anna: Personality
) -> None:
    text = "[happy] Hello. [happy:0.5] Hello. [happy:0] Hello. [neutral:0.3] Hello."
    performance = service.perform(order(text))
    happy, mixed, none, neutral = files(performance)
    assert len({happy, mixed, none}) == 3
    assert none == neutral
    assert [part.strength for part in performance.parts] == [1, 0.5, 0, 1]


def test_the_lexicon_counts_and_the_words_stay_as_typed(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    studio.lexicon.add(Entry("cake", "en", "kayk"))
    performance = service.perform(order(SIX))
    assert "There is kayk." in spoken()
    assert performance.parts[3].text == "There is cake."


def test_the_engine_that_spoke_last_speaks_again(
    studio: Studio, engines: EngineManager, anna: Personality
) -> None:
    settings: Settings = studio.settings.model_copy(update={"default_engine": "tone"})
    studio.settings = settings
    service = opened(studio, engines)
    with pytest.raises(BadInput, match="cannot do"):
        service.plan(order("Hello.", engine=""))
    service.perform(order("Hello."))
    assert service.plan(order("Hello.", engine="")).order.engine == "cloning"
