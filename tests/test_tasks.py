"""Promises of work in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from studio.control import Control
from studio.errors import BadInput, Busy, Cancelled, EngineFailed, NotFound
from studio.services.tasks import Task, Tasks, TaskState


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    opened = Tasks(max_waiting=4)
    yield opened
    opened.close()


def test_the_result_and_what_was_told_on_the_way(tasks: Tasks) -> None:
    def work(task: Task) -> int:
        task.control.progress("counting", 0.5)
        task.tell(("half",))
        task.note("Slow today.", "Slow today.")
        return 7

    task_id = tasks.start("prepare", "Count", work, "me")
    assert tasks.wait(task_id) == 7
    status = tasks.status(task_id, "me")
    assert (status.state, status.fraction, status.result) == (TaskState.DONE, 1.0, 7)
    assert (status.detail, status.notes) == (("half",), ("Slow today.",))
    assert [each.id for each in tasks.of("me", "prepare")] == [task_id]
    assert tasks.of("you") == []
    with pytest.raises(NotFound):
        tasks.status(task_id, "you")


def test_of_one_lane_one_runs_and_the_other_is_queued(tasks: Tasks) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(task: Task) -> None:
        begun.set()
        go_on.wait(20)

    first = tasks.start("prepare", "First", hold)
    assert begun.wait(20)
    second = tasks.start("prepare", "Second", lambda task: "second")
    other = tasks.start("smart", "Other lane", lambda task: "other")
    assert tasks.wait(other) == "other"
    assert tasks.status(second).state is TaskState.QUEUED
    assert tasks.status(first).state is TaskState.RUNNING
    go_on.set()
    assert tasks.wait(second) == "second"


def test_what_is_stopped_ends_as_stopped_also_while_it_waits(tasks: Tasks) -> None:
    def endless(task: Task) -> None:
        while True:
            task.control.wait(5)

    running, waiting = (tasks.start("prepare", "Endless", endless) for _ in range(2))
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        tasks.wait(waiting, control=control)
    tasks.stop(running)
    with pytest.raises(Cancelled):
        tasks.wait(running)
    assert tasks.status(running).state is TaskState.STOPPED


def test_errors_are_told_in_words_and_a_crash_names_the_log(tasks: Tasks) -> None:
    def refuse(task: Task) -> None:
        raise BadInput("It is silent.", "Record it again.")

    def crash(task: Task) -> None:
        raise ZeroDivisionError

    refused = tasks.start("prepare", "Refuse", refuse)
    with pytest.raises(BadInput):
        tasks.wait(refused)
    assert tasks.status(refused).error == "It is silent."
    assert tasks.status(refused).hint == "Record it again."
    with pytest.raises(EngineFailed, match="log"):
        tasks.wait(tasks.start("prepare", "Crash", crash))


def test_too_many_are_refused(tasks: Tasks) -> None:
    go_on = threading.Event()
    for _ in range(5):
        tasks.start("prepare", "Hold", lambda task: go_on.wait(20))
    with pytest.raises(Busy):
        tasks.start("prepare", "One too many", lambda task: None)
    go_on.set()
