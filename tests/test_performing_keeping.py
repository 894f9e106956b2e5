"""Performances are followed, stopped and kept: one take in the history, and nothing left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.manager import EngineManager
from studio.control import Control
from studio.errors import Cancelled, NotFound, StudioError
from studio.services.history import sidecar_path
from studio.services.performance_orders import from_settings, transcript_of
from studio.services.performance_values import Performing
from studio.services.performing import PerformanceService
from studio.services.personality_values import NewEmotion, NewPersonality, Personality
from studio.services.studio import Studio
from studio.services.tasks import TaskState
from tests.audio_files import tone, wav
from tests.engines_for_tests import RATE
from tests.performing import SIX, anna_of, engines_in, finished, opened, order, performing, whole
from tests.running import until


@pytest.fixture
def engines(tmp_path: Path) -> EngineManager:
    return engines_in(tmp_path)


@pytest.fixture
def service(studio: Studio, engines: EngineManager) -> Iterator[PerformanceService]:
    yield from performing(studio, engines)


@pytest.fixture
def anna(studio: Studio, tmp_path: Path) -> Personality:
    return anna_of(studio, tmp_path)


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
