"""Parts of a performance are kept by their content, spoken again, and chosen from their takes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.errors import BadInput, NotFound
from studio.services.performance_values import Unknown
from studio.services.performing import PerformanceService
from studio.services.personality_values import NewEmotion, Personality
from studio.services.studio import Studio
from tests.audio_files import tone, wav
from tests.engines_for_tests import RATE
from tests.performing import (
    SIX,
    anna_of,
    engines_in,
    files,
    finished,
    order,
    performing,
    samples,
    spoken,
    whole,
)


@pytest.fixture
def service(studio: Studio, tmp_path: Path) -> Iterator[PerformanceService]:
    yield from performing(studio, engines_in(tmp_path))


@pytest.fixture
def anna(studio: Studio, tmp_path: Path) -> Personality:
    return anna_of(studio, tmp_path)


def test_changing_one_sentence_of_six_speaks_one_part_alone(
    service: PerformanceService, anna: Personality
) -> None:
    first = service.perform(order(SIX))
    assert len(spoken()) == 6
    second = service.perform(order(SIX.replace("There is cake.", "There is tea.")))
    assert spoken() == ["There is tea."]
    assert [part.cached for part in second.parts] == [True, True, True, False, True, True]
    alike = [one == other for one, other in zip(files(first), files(second), strict=True)]
    assert alike == [True, True, True, False, True, True]


def test_changing_one_sentence_of_ten_behind_one_tag_speaks_that_one(
    service: PerformanceService, anna: Personality
) -> None:
    text = "[happy] " + " ".join(f"This is number {number}." for number in range(10))
    service.perform(order(text))
    assert len(spoken()) == 10
    service.perform(order(text.replace("number 4", "four")))
    assert spoken() == ["This is four."]


@pytest.mark.parametrize(
    "change", [{"seed": 6}, {"speed": 1.5}, {"language": "de"}, {"text": "[sad] Hello."}]
)
def test_what_changes_the_sound_is_spoken_anew(
    service: PerformanceService, anna: Personality, change: dict[str, object]
) -> None:
    service.perform(order("[happy] Hello."))
    service.perform(replace(order("[happy] Hello."), **change))  # type: ignore[arg-type]
    assert spoken() == ["Hello.", "Hello."]


def test_another_recording_of_an_emotion_is_another_sound(
    studio: Studio, service: PerformanceService, anna: Personality, tmp_path: Path
) -> None:
    service.perform(order("[happy] Hello. [sad] Bye."))
    spoken()
    other = NewEmotion("happy", wav(tmp_path / "other.wav", tone(3, hertz=333)), transcript="happy")
    studio.personalities.add_emotion(anna.id, "", other, replace=True)
    performance = service.perform(order("[happy] Hello. [sad] Bye."))
    assert spoken() == ["Hello."]
    assert [part.cached for part in performance.parts] == [False, True]


def test_emptying_the_cache_or_damaging_it_does_no_harm(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    first = service.perform(order(SIX))
    spoken()
    shutil.rmtree(studio.workspace.parts)
    assert files(service.perform(order(SIX))) == files(first)
    assert len(spoken()) == 6
    sounds = sorted(studio.workspace.parts.glob("*.wav"))
    sounds[0].unlink()
    sounds[1].write_bytes(sounds[1].read_bytes()[:100])
    sounds[2].with_suffix(".json").write_text("{")
    assert files(service.perform(order(SIX))) == files(first)
    assert len(spoken()) == 3
    assert service.get(first.id, "").parts == first.parts


def test_a_part_is_spoken_again_and_the_better_one_chosen(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    first = service.perform(order(SIX))
    before = whole(studio, first)
    spoken()
    second = finished(service, service.regenerate(first.id, 2, "", seed=77))
    assert spoken() == ["We stay in."]
    assert [take.seed for take in second.parts[2].takes] == [5, 77]
    assert second.parts[2].seed == 77
    after = whole(studio, second)
    start, end = (round(at * RATE) for at in (first.parts[2].start, first.parts[3].start))
    assert np.array_equal(np.delete(after, slice(start, end)), np.delete(before, slice(start, end)))
    assert not np.array_equal(after[start:end], before[start:end])
    assert service.get(first.id, "") == second

    third = service.choose(first.id, 2, 5, "")
    assert np.array_equal(whole(studio, third), before)
    assert [take.seed for take in third.parts[2].takes] == [5, 77]
    assert len(studio.history.list("")) == 1
    assert spoken() == []


def test_a_drawn_seed_is_a_new_one(service: PerformanceService, anna: Personality) -> None:
    first = service.perform(order("[happy] Hello."))
    second = finished(service, service.regenerate(first.id, 0, ""))
    assert len({take.seed for take in second.parts[0].takes}) == 2
    again = finished(service, service.regenerate(first.id, 0, "", seed=5))  # it is there already
    assert [take.seed for take in again.parts[0].takes] == [take.seed for take in second.parts[0].takes]
    assert again.parts[0].seed == 5


def test_a_chosen_take_is_taken_again_when_the_rest_of_the_text_changes(
    service: PerformanceService, anna: Personality
) -> None:
    first = service.perform(order(SIX, seed=None))
    better = finished(service, service.regenerate(first.id, 3, "", seed=77))
    spoken()
    second = service.perform(order(SIX.replace("Good night.", "Sleep well."), seed=None))
    assert spoken() == ["Sleep well."]
    assert second.parts[3].seed == 77
    assert second.parts[3].file.read_bytes() == better.parts[3].file.read_bytes()


def test_without_a_seed_the_same_text_sounds_the_same(
    service: PerformanceService, anna: Personality
) -> None:
    first, second = (service.perform(order(SIX, seed=None)) for _ in range(2))
    assert files(first) == files(second)
    assert len(spoken()) == 6


@pytest.mark.parametrize(
    ("index", "seed", "word"), [(6, 5, "no part 7"), (0, 99, "99"), (-1, 5, "part")]
)
def test_a_take_or_a_part_that_is_not_there_is_refused(
    service: PerformanceService, anna: Personality, index: int, seed: int, word: str
) -> None:
    performance = service.perform(order(SIX))
    with pytest.raises(NotFound, match=word):
        service.choose(performance.id, index, seed, "")


def test_a_part_of_a_personality_that_changed_is_not_spoken_again(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] Hello. [giggle] Bye.", unknown=Unknown.READ))
    giggle = NewEmotion("giggle", performance.parts[0].file)
    studio.personalities.add_emotion(anna.id, "", giggle)
    with pytest.raises(BadInput, match="has changed"):
        service.regenerate(performance.id, 0, "")
    studio.personalities.delete(anna.id, "")
    with pytest.raises(NotFound, match="personality"):
        service.regenerate(performance.id, 0, "")


def test_a_part_whose_file_is_gone_is_named(service: PerformanceService, anna: Personality) -> None:
    performance = service.perform(order(SIX))
    performance.parts[1].file.unlink()
    with pytest.raises(NotFound, match="part 2 is gone"):
        service.choose(performance.id, 0, 5, "")
    assert service.get(performance.id, "").record == performance.record


def test_the_guard_watches_and_its_rejects_are_no_takes_of_the_history(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] Hello there. [sad] Goodbye.", seed=9))
    notes = " ".join(performance.notes)
    assert "Part 1: Seed 9: it is mostly silent" in notes
    assert np.abs(samples(performance.parts[0].file)).max() > 1_000
    assert len(studio.history.list("", rejected=True)) == 1
