"""Personalities speak tagged texts: each part by its emotion, kept by its content, chosen from takes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.base import EngineFolders
from engines.manager import EngineManager
from engines.registry import Registry
from studio.control import Control
from studio.errors import BadInput, Cancelled, NotFound, StudioError
from studio.models.folders import ModelFolders
from studio.services.history import sidecar_path
from studio.services.performance_orders import from_settings, transcript_of
from studio.services.performance_values import (
    Performance,
    Performing,
    PerformOrder,
    Unknown,
)
from studio.services.performing import PerformanceService
from studio.services.personality_values import NewEmotion, NewPersonality, Personality
from studio.services.studio import Studio
from studio.services.takes import Loudness
from studio.services.tasks import TaskState
from studio.services.wording import Wording
from studio.settings import Settings
from studio.text.pronunciation import Entry
from tests import engines_for_tests
from tests.audio_files import tone, wav
from tests.engines_for_tests import RATE, CloningEngine
from tests.running import until

SIX = (
    "[happy] Good morning. [sad] It is raining. [neutral] We stay in. "
    "[happy] There is cake. [sad] It is gone. [neutral] Good night."
)
MARGIN = 0.03  # of the silence around a sentence, seconds


@pytest.fixture
def engines(tmp_path: Path) -> EngineManager:
    CloningEngine.spoken.clear()
    folders = EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path))
    return EngineManager(Registry(folders, engines_for_tests.TABLE))


@pytest.fixture
def service(studio: Studio, engines: EngineManager) -> Iterator[PerformanceService]:
    """The performances over the engines for tests."""
    yield opened(studio, engines)
    studio.tasks.close()


def opened(studio: Studio, engines: EngineManager) -> PerformanceService:
    return PerformanceService(
        studio.settings,
        studio.workspace,
        engines,
        studio.history,
        studio.tasks,
        Wording(studio.settings, studio.lexicon, studio.language_model),
        studio.personalities,
        studio.chimera.blend,
    )


@pytest.fixture
def anna(studio: Studio, tmp_path: Path) -> Personality:
    emotions = tuple(
        NewEmotion(tag, wav(tmp_path / f"{tag}.wav", tone(3, hertz=hertz)), transcript=tag)
        for tag, hertz in (("neutral", 200.0), ("happy", 300.0), ("sad", 150.0))
    )
    return studio.personalities.create(NewPersonality("Anna", emotions, language="en"), "")


def order(text: str, **changes: object) -> PerformOrder:
    plain = PerformOrder("Anna", text, "cloning", language="en", loudness=Loudness.AS_MADE, seed=5)
    return replace(plain, **changes)  # type: ignore[arg-type]


def spoken() -> list[str]:
    """What the engine was asked for since the last call."""
    texts = [text for text, _ in CloningEngine.spoken]
    CloningEngine.spoken.clear()
    return texts


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


def whole(studio: Studio, performance: Performance) -> np.ndarray:
    return samples(studio.history.path(performance.record))


def files(performance: Performance) -> list[bytes]:
    return [part.file.read_bytes() for part in performance.parts]


def finished(service: PerformanceService, task_id: str) -> Performance:
    status = list(service.follow(task_id))[-1]
    assert status.state is TaskState.DONE, status
    assert isinstance(status.result, Performance)
    return status.result


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


def test_stop_keeps_what_is_finished(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    text = " ".join(f"[happy] This is sentence number {number}." for number in range(200))
    task_id = service.start(order(text))
    until(lambda: isinstance(service.status(task_id).detail, Performing))
    detail = service.status(task_id).detail
    assert detail.total == 200
    assert detail.parts[0].file.exists()
    service.stop(task_id)
    last = list(service.follow(task_id))[-1]
    assert last.state is TaskState.STOPPED
    kept = last.detail.performance
    assert kept.record.status == "stopped"
    assert 0 < len(kept.parts) < 200
    assert studio.history.list("") == [kept.record]
    assert len(whole(studio, kept)) == round(kept.record.duration * RATE)
    part = finished(service, service.regenerate(kept.id, 0, "", seed=8))
    assert len(part.parts) == len(kept.parts)


def test_a_cancelled_call_raises_and_says_where_the_rest_is(
    service: PerformanceService, anna: Personality
) -> None:
    control = Control()
    text = " ".join(f"[happy] This is sentence number {number}." for number in range(200))
    with pytest.raises(Cancelled, match="kept in"):
        service.perform(order(text), on_status=lambda status: status.detail and control.cancel(),
                        control=control)  # fmt: skip


def test_a_stop_before_the_first_part_leaves_nothing(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        service.perform(order(SIX), control=control)
    assert studio.history.list("") == []
    until(lambda: not list((studio.workspace.outputs / "performances").glob("*")))


def test_progress_grows_part_by_part_to_one(service: PerformanceService, anna: Personality) -> None:
    text = " ".join(f"[sad] This is sentence number {number}." for number in range(20))
    seen = list(service.follow(service.start(order(text))))
    fractions = [status.fraction for status in seen if status.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert any(re.match(r"part \d+ of 20, sad: speaking", status.stage) for status in seen)
    counts = [len(status.detail.parts) for status in seen if status.detail is not None]
    assert counts == sorted(counts)


def test_the_guard_watches_and_its_rejects_are_no_takes_of_the_history(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] Hello there. [sad] Goodbye.", seed=9))
    notes = " ".join(performance.notes)
    assert "Part 1: Seed 9: it is mostly silent" in notes
    assert np.abs(samples(performance.parts[0].file)).max() > 1_000
    assert len(studio.history.list("", rejected=True)) == 1


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


def test_the_history_has_one_take_that_can_be_ordered_again(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order(SIX, gap_s=0.5))
    record = performance.record
    assert studio.history.list("") == [record]
    assert (record.mode, record.voice, record.engine) == ("personality", "Anna", "cloning")
    assert record.settings["performance"] == performance.id == record.id
    again = from_settings(record.settings, record.text)
    assert again == performance.order == order(SIX, gap_s=0.5, personality=anna.id)
    assert transcript_of(record).startswith("Good morning. It is raining.")
    assert service.list("") == service.list("", anna.id) == [performance]
    assert service.list("", "another") == []


def test_others_see_nothing_of_it(service: PerformanceService, anna: Personality) -> None:
    performance = service.perform(order("Hello."))
    with pytest.raises(NotFound):
        service.get(performance.id, "somebody else")
    with pytest.raises(NotFound):
        service.choose(performance.id, 0, 5, "somebody else")
    with pytest.raises(NotFound):
        service.perform(order("Hello."), "somebody else")


def test_several_people_at_once_get_their_own(
    studio: Studio, service: PerformanceService, tmp_path: Path
) -> None:
    recording = wav(tmp_path / "neutral.wav", tone(3))
    started = {}
    for owner in ("ann", "bob", "eve"):
        new = NewPersonality("Anna", (NewEmotion("neutral", recording),))
        studio.personalities.create(new, owner)
        started[owner] = service.start(order(f"I am {owner}. Good morning."), owner)
    for owner, task_id in started.items():
        performance = finished(service, task_id)
        assert performance.parts[0].text == f"I am {owner}. Good morning."
        assert service.list(owner) == [performance]
        with pytest.raises(NotFound):
            service.status(task_id, "somebody else")


def test_deleting_the_take_removes_its_parts_and_every_copy(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] Hello. [sad] Bye."))
    other = service.perform(order("[neutral] Other."))
    copy = studio.workspace.gradio_temp / "takes" / performance.parts[0].file.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(b"")
    studio.history.delete(performance.id, "")
    assert not performance.parts[0].file.parent.exists()
    assert not copy.exists()
    assert len(list(studio.workspace.parts.glob("*.wav"))) == 1  # the other's
    assert service.get(other.id, "") == other
    assert service.list("") == [other]


def test_a_new_choice_leaves_no_old_files_behind(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    performance = service.perform(order("[happy] Hello. [sad] Bye."))
    for seed in (6, 7):
        performance = finished(service, service.regenerate(performance.id, 0, "", seed=seed))
    folder = performance.parts[0].file.parent
    path = studio.history.path(performance.record)
    takes = {take.file for part in performance.parts for take in part.takes}
    assert set(folder.iterdir()) == {path, sidecar_path(path), *takes}
    assert len(takes) == 4


def test_what_a_killed_process_left_goes_at_the_next_start(
    studio: Studio, service: PerformanceService, engines: EngineManager, anna: Personality
) -> None:
    performance = service.perform(order("[happy] Hello."))
    folder = performance.parts[0].file.parent
    dead = folder.parent / ("0" * 32)
    dead.mkdir()
    alive = folder.parent / ("1" * 32)
    alive.mkdir()
    for path in (dead, folder):
        (path / "x.999999999.working").touch()
        (path / "half.wav").touch()
    (alive / "x.1.working").touch()
    opened(studio, engines)
    assert not dead.exists()
    assert alive.exists()
    assert not (folder / "half.wav").exists()
    assert service.get(performance.id, "") == performance


def test_a_damaged_script_is_named_and_the_others_are_listed(
    studio: Studio, service: PerformanceService, anna: Personality
) -> None:
    first, second = (service.perform(order(text)) for text in ("One.", "Two."))
    sidecar_path(studio.history.path(first.record)).unlink()
    assert service.list("") == [second]
    with pytest.raises(NotFound, match="gone"):
        service.get(first.id, "")
    sidecar_path(studio.history.path(second.record)).write_text("{}")
    with pytest.raises(StudioError, match="damaged"):
        service.get(second.id, "")
    studio.history.delete(second.id, "")
