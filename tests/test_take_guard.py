"""The take guard: parts that went wrong are spoken again, and nothing is hidden or lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.base import Capability, EngineFolders
from engines.manager import EngineManager
from engines.registry import Registry
from studio.audio.wav import HEADER_BYTES
from studio.errors import BadInput, ModelMissing, NotFound
from studio.models.folders import ModelFolders
from studio.services.guard import Fault, Meter, judge, letters
from studio.services.references import ReferenceStore
from studio.services.speech import SpeechService
from studio.services.studio import Studio
from studio.services.takes import Loudness, SpeechOrder, TakeState
from tests import engines_for_tests
from tests.engines_for_tests import RATE, ModelledEngine

TEXT = "Twenty letters or so are enough."
SECONDS = len(TEXT) / 10  # the test engines' pace


@pytest.fixture
def service(studio: Studio, tmp_path: Path) -> Iterator[SpeechService]:
    """The speech service over the engines for tests."""
    folders = EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path))
    engines = EngineManager(Registry(folders, engines_for_tests.TABLE))
    references = ReferenceStore(tmp_path / "references", studio.settings)  # type: ignore[arg-type]
    service = SpeechService(studio.settings, studio.workspace, engines, studio.history, references)
    ModelledEngine.history.clear()
    yield service
    service.close()


def order(seed: int, text: str = TEXT, engine: str = "moody") -> SpeechOrder:
    return SpeechOrder(
        Capability.PRESET, text, engine, "en", seed=seed, loudness=Loudness.AS_MADE
    )  # fmt: skip


def heard(seconds: float, level: float, clipped: bool = False) -> Meter:
    meter = Meter(RATE)
    tone = np.sin(np.arange(int(seconds * RATE)) * 0.2).astype(np.float32) * level
    for start in range(0, len(tone), 1000):
        meter.feed(np.clip(tone[start : start + 1000], -1, 1))
    return meter


@pytest.mark.parametrize(
    ("meter", "cut_off", "fault"),
    [
        (heard(2, 0.1), False, None),
        (heard(2, 0.1), True, Fault.RUNAWAY),
        (heard(0.4, 0.1), False, Fault.TOO_SHORT),
        (heard(2, 0.0001), False, Fault.SILENT),
        (heard(2, 3.0), False, Fault.CLIPPED),
        (Meter(RATE), False, Fault.SILENT),
    ],
)
def test_each_fault_is_told_from_the_sound(meter: Meter, cut_off: bool, fault: Fault | None) -> None:
    assert judge(TEXT, meter, cut_off) is fault


def test_short_words_may_be_short() -> None:
    assert judge("No.", heard(0.15, 0.1), False) is None


def test_ideographs_count_by_the_time_they_take() -> None:
    assert letters("你好, Zoë 2") == 3 * 2 + 4
    assert letters("こんにちは") == 15
    assert letters("?! …") == 0


def test_a_bad_part_is_spoken_again_with_the_next_seed(service: SpeechService, studio: Studio) -> None:
    record = service.speak(order(seed=3))  # 3 never ends, 4 is clipped, 5 is good
    assert (record.status, record.seed) == ("done", 3)
    assert record.duration == pytest.approx(SECONDS)
    samples, rate = soundfile.read(studio.history.path(record))
    assert len(samples) / rate == pytest.approx(SECONDS)
    assert np.abs(samples).max() < 0.5  # the good one
    notes = service.status(record.id).notes
    assert [note for note in notes if "Seed 3: it did not come to an end; spoken again" in note]
    assert [note for note in notes if "Seed 4: it is clipped; spoken again" in note]


def test_rejected_parts_are_in_the_history_marked_as_such(
    service: SpeechService, studio: Studio
) -> None:
    service.speak(order(seed=1))  # silent, too short, never ends: three tries in all
    rejected = [record for record in _everything(studio) if record.status == TakeState.REJECTED.value]
    assert {record.seed for record in rejected} == {1, 2}
    assert {record.note for record in rejected} == {
        "Rejected: it is mostly silent.",
        "Rejected: it is too short for its text.",
    }
    for record in rejected:
        samples, _ = soundfile.read(studio.history.path(record))
        assert len(samples) / RATE == pytest.approx(record.duration)
        studio.history.delete(record.id, "")
    assert [record.status for record in _everything(studio)] == ["done"]


def test_when_every_try_fails_the_best_is_kept_and_it_says_so(
    service: SpeechService, studio: Studio
) -> None:
    record = service.speak(order(seed=1))
    samples, _ = soundfile.read(studio.history.path(record))
    assert len(samples) / RATE == pytest.approx(SECONDS)  # the one that did not end, not the silence
    assert any("the best of the tries is kept" in note for note in service.status(record.id).notes)


def test_each_part_is_judged_for_itself(service: SpeechService, studio: Studio) -> None:
    text = "\n\n".join([TEXT] * 3)
    record = service.speak(order(seed=4, text=text))  # each part: 4 is clipped, 5 is good
    pauses = 2 * studio.settings.pause_paragraph_s
    assert record.duration == pytest.approx(3 * SECONDS + pauses)
    assert sum(entry.status == "rejected" for entry in _everything(studio)) == 3


def test_listeners_hear_all_of_it_in_order(service: SpeechService) -> None:
    record = service.speak(order(seed=4))
    spool = service.live(record.id).spool
    assert (spool.stat().st_size - HEADER_BYTES) / 2 / RATE == pytest.approx(2 * SECONDS)


def test_retries_can_be_turned_off(studio: Studio, service: SpeechService) -> None:
    service._settings = studio.settings.model_copy(update={"take_retries": 0})
    service.speak(order(seed=1))
    assert [record.status for record in _everything(studio)] == ["done"]


def test_engines_that_do_not_draw_by_chance_are_not_judged(
    service: SpeechService, studio: Studio
) -> None:
    service.speak(order(seed=1, engine="tone"))
    assert [record.status for record in _everything(studio)] == ["done"]


def test_a_batch_in_mixed_modes_loads_each_model_once(service: SpeechService) -> None:
    lines = [
        SpeechOrder(mode, f"Line {number}.", "modelled", "en", description="a voice")
        for number in range(10)
        for mode in (Capability.PRESET, Capability.DESIGN)
    ]
    results = service.speak_batch(lines)
    assert [getattr(result, "text", result) for result in results] == [line.text for line in lines]
    assert [getattr(result, "mode", result) for result in results] == ["preset", "design"] * 10
    assert ModelledEngine.history == ["small-preset", "small-design"]


def test_one_failing_line_does_not_cost_the_others(service: SpeechService) -> None:
    lines = [order(seed=0), order(seed=0, engine="breaking"), order(seed=0)]
    first, second, third = service.speak_batch(lines)
    assert getattr(first, "status", "") == getattr(third, "status", "") == "done"
    assert "unexpected" in str(second)


def test_a_batch_is_checked_before_the_first_sound(service: SpeechService, studio: Studio) -> None:
    with pytest.raises(BadInput, match="Line 2"):
        service.speak_batch([order(seed=0), order(seed=0, text="  ")])
    assert _everything(studio) == []


def test_the_best_installed_model_is_taken_and_named(service: SpeechService) -> None:
    plan = service.plan(order(seed=0, engine="modelled"))
    assert (plan.model, plan.order.model) == ("small-preset", "small-preset")
    assert plan.notes[:2] == ("Model: Small preset", "Small is quick.")


def test_a_missing_model_is_named_with_the_way_to_get_it(service: SpeechService) -> None:
    wanted = SpeechOrder(Capability.PRESET, TEXT, "modelled", "en", model="big-preset")
    with pytest.raises(ModelMissing, match=r"Big preset is not installed.*models download big-preset"):
        service.plan(wanted)


@pytest.mark.parametrize("name", ["small-preset", "Small preset", "small"])
def test_a_model_may_be_named_by_a_word_of_its_label(service: SpeechService, name: str) -> None:
    wanted = SpeechOrder(Capability.PRESET, TEXT, "modelled", "en", model=name)
    assert service.plan(wanted).model == "small-preset"


def test_an_unknown_model_lists_the_known_ones(service: SpeechService) -> None:
    with pytest.raises(NotFound, match="big-preset"):
        service.plan(SpeechOrder(Capability.PRESET, TEXT, "modelled", "en", model="bigger-preset"))
    with pytest.raises(BadInput, match="no models"):
        service.plan(SpeechOrder(Capability.PRESET, TEXT, "tone", "en", model="x"))


def _everything(studio: Studio) -> list:  # type: ignore[type-arg]
    return studio.history.list("", rejected=True)
