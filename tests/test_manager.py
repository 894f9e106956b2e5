"""The engine manager keeps its promises under threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.base import EngineFolders, SpeechRequest
from engines.manager import EngineManager
from engines.registry import Registry
from studio.control import Control, Progress
from studio.errors import BadInput, Busy, Cancelled, EngineFailed, NotFound
from studio.models.folders import ModelFolders
from tests import engines_for_tests
from tests.engines_for_tests import ModelledEngine, ToneEngine

REQUEST = SpeechRequest("hello", "en", speaker="sine")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    ToneEngine.inside = ToneEngine.most_inside = 0
    engines_for_tests.UnloadableEngine.attempts = 0
    return Registry(EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path)), engines_for_tests.TABLE)


@pytest.fixture
def manager(registry: Registry) -> Iterator[EngineManager]:
    manager = EngineManager(registry, idle_s=0, max_waiting=16)
    yield manager
    manager.close()


def speak(manager: EngineManager, engine: str, control: Control | None = None) -> int:
    control = control or Control()
    with manager.lease(engine, control) as lease:
        return sum(1 for _ in lease.engine.stream(REQUEST, control))


def test_eight_threads_get_whole_results_one_at_a_time(manager: EngineManager) -> None:
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda name=name: results.append(speak(manager, name)))
        for name in ("tone", "other") * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [5] * 8
    assert ToneEngine.most_inside == 1


def test_those_who_wait_are_served_in_the_order_they_came(manager: EngineManager) -> None:
    served: list[int] = []
    threads = []
    with manager.lease("tone", Control()):
        for number in range(6):

            def wait(number: int = number) -> None:
                with manager.lease("tone", Control()):
                    served.append(number)

            threads.append(threading.Thread(target=wait))
            threads[-1].start()
            until(lambda count=number + 1: manager.state().waiting == count)
    for thread in threads:
        thread.join()
    assert served == list(range(6))


def test_an_engine_is_loaded_once_and_swapped_for_another(
    manager: EngineManager, registry: Registry
) -> None:
    speak(manager, "tone")
    speak(manager, "tone")
    tone, other = registry.get("tone"), registry.get("other")
    assert isinstance(tone, ToneEngine)
    assert tone.loads == 1
    speak(manager, "other")
    assert other.is_loaded
    assert not tone.is_loaded


def test_unload_waits_until_the_engine_is_free(manager: EngineManager, registry: Registry) -> None:
    control = Control()
    with manager.lease("tone", control) as lease:
        stream = lease.engine.stream(REQUEST, control)
        next(stream)
        unloading = threading.Thread(target=manager.unload, args=("tone",))
        unloading.start()
        until(lambda: manager.state().waiting == 1)
        assert registry.get("tone").is_loaded
        assert sum(1 for _ in stream) == 4
    unloading.join()
    assert not registry.get("tone").is_loaded


def test_a_failed_load_says_so_and_frees_the_device(manager: EngineManager) -> None:
    for _ in range(2):
        with pytest.raises(EngineFailed, match="no room"):
            speak(manager, "unloadable")
        state = {engine.id: engine for engine in manager.state().engines}["unloadable"]
        assert "no room" in state.load_error
    assert speak(manager, "tone") == 5
    assert speak(manager, "unloadable") == 5
    assert not {engine.id: engine for engine in manager.state().engines}["unloadable"].load_error


def test_stopping_while_it_loads_is_no_fault_of_the_engine(manager: EngineManager) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled), manager.lease("tone", Control(stop)):
        pass
    state = {engine.id: engine for engine in manager.state().engines}["tone"]
    assert (state.load_error, state.in_use) == ("", False)
    assert speak(manager, "tone") == 5


def test_who_is_told_of_the_queue_may_ask_how_long_it_is(manager: EngineManager) -> None:
    """From another thread, as a page does that hears of it."""
    answered: list[bool] = []

    def ask(progress: Progress) -> None:
        asking = threading.Thread(target=lambda: manager.waiting)
        asking.start()
        asking.join(1)
        answered.append(not asking.is_alive())

    with manager.lease("tone", Control()):
        thread = threading.Thread(target=speak, args=(manager, "tone", Control(ask)))
        thread.start()
        until(lambda: answered)
    thread.join()
    assert all(answered)


def test_a_cancelled_wait_leaves_the_queue(manager: EngineManager) -> None:
    control = Control()
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            speak(manager, "tone", control)
        except Cancelled as error:
            failures.append(error)

    with manager.lease("tone", Control()):
        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: manager.state().waiting == 1)
        control.cancel()
        thread.join(1)
        assert manager.state().waiting == 0
    assert len(failures) == 1


def test_above_its_limit_the_queue_refuses_at_once(registry: Registry) -> None:
    manager = EngineManager(registry, idle_s=0, max_waiting=1)
    with manager.lease("tone", Control()):
        thread = threading.Thread(target=speak, args=(manager, "tone"))
        thread.start()
        until(lambda: manager.state().waiting == 1)
        with pytest.raises(Busy):  # as long as nobody gets on
            speak(manager, "tone")
        assert manager.state().waiting == 1
    thread.join()


def test_a_long_work_gives_way_between_parts(manager: EngineManager) -> None:
    order: list[str] = []

    def short() -> None:
        with manager.lease("tone", Control()):
            order.append("short")

    with manager.lease("tone", Control()) as lease:
        order.append("long 1")
        thread = threading.Thread(target=short)
        thread.start()
        until(lambda: manager.state().waiting == 1)
        lease.give_way()
        order.append("long 2")
    thread.join()
    assert order == ["long 1", "short", "long 2"]


def test_a_heavy_engine_keeps_its_turn_when_the_next_would_swap_it(manager: EngineManager) -> None:
    with manager.lease("tone", Control()) as lease:
        thread = threading.Thread(target=speak, args=(manager, "other"))
        thread.start()
        until(lambda: manager.state().waiting == 1)
        lease.give_way()
        assert manager.state().waiting == 1
        assert lease.engine.is_loaded
    thread.join()


def test_a_cancel_while_giving_way_takes_nobody_s_slot(manager: EngineManager) -> None:
    control = Control()
    entered, leave = threading.Event(), threading.Event()

    def neighbour() -> None:
        with manager.lease("tone", Control()):
            entered.set()
            leave.wait(5)

    thread = threading.Thread(target=neighbour)
    with pytest.raises(Cancelled), manager.lease("tone", control) as lease:
        thread.start()
        until(lambda: manager.state().waiting == 1)
        threading.Thread(target=lambda: (entered.wait(5), control.cancel())).start()
        lease.give_way()
    assert {engine.id: engine for engine in manager.state().engines}["tone"].in_use
    leave.set()
    thread.join()
    assert speak(manager, "tone") == 5


def test_an_idle_engine_is_unloaded_after_its_time(registry: Registry) -> None:
    manager = EngineManager(registry, idle_s=0.1)
    speak(manager, "tone")
    until(lambda: not registry.get("tone").is_loaded)
    assert speak(manager, "tone") == 5
    manager.close()


def test_an_unknown_engine_is_refused_with_the_nearest(manager: EngineManager) -> None:
    with pytest.raises(NotFound, match="tone"):
        speak(manager, "tones")


def until(condition: object, seconds: float = 5.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_switching_loads_a_model_now_and_only_once(manager: EngineManager) -> None:
    ModelledEngine.history.clear()
    placement = manager.switch("modelled", "small-preset", Control())
    assert placement is not None
    assert placement.reason
    manager.switch("modelled", "small-preset", Control())
    with manager.lease("modelled", Control(), "small-preset"):
        pass
    assert ModelledEngine.history == ["small-preset"]
    state = next(engine for engine in manager.state().engines if engine.id == "modelled")
    assert (state.loaded, state.model, state.placement) == (True, "small-preset", placement)


def test_another_model_of_the_same_engine_takes_its_place(manager: EngineManager) -> None:
    ModelledEngine.history.clear()
    for model in ("small-preset", "small-design", "small-design"):
        with manager.lease("modelled", Control(), model) as lease:
            assert lease.engine.loaded_model == model
    assert ModelledEngine.history == ["small-preset", "small-design"]


def test_switching_the_numbers_loads_anew(manager: EngineManager) -> None:
    ModelledEngine.history.clear()
    manager.switch("modelled", "small-preset", Control(), dtype="float32")
    placement = manager.switch("modelled", "small-preset", Control(), dtype="int8")
    assert placement is not None
    assert placement.dtype == "int8"
    assert ModelledEngine.history == ["small-preset", "small-preset"]
    with pytest.raises(BadInput, match="number format"):
        manager.switch("modelled", "small-preset", Control(), dtype="int2")
    assert manager.registry.get("modelled").is_loaded


def test_a_model_gives_way_only_to_takes_of_the_same_model(manager: EngineManager) -> None:
    """Swapping models between the parts of two long texts would cost a load for every part."""
    order: list[str] = []

    def second(model: str) -> None:
        with manager.lease("modelled", Control(), model):
            order.append(model)

    with manager.lease("modelled", Control(), "small-preset") as lease:
        threads = [threading.Thread(target=second, args=("small-design",))]
        threads[0].start()
        while not manager.state().waiting:
            time.sleep(0.005)
        lease.give_way()
        order.append("first goes on")
    threads[0].join()
    assert order == ["first goes on", "small-design"]
