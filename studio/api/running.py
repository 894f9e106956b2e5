"""Work of the studio that a request waits for: watched, given up when nobody waits any more or time is up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from studio.api.speech_requests import Order
from studio.errors import Cancelled, TimedOut
from studio.services.performance_values import Performance, PerformOrder
from studio.services.studio import Studio
from studio.services.takes import TakeRecord, TakeState
from studio.services.transcripts import TranscribeOrder, TranscriptRecord

#: How often work is looked at, seconds.
_POLL_S = 0.03

R = TypeVar("R")


@dataclass(frozen=True)
class Standing:
    """How a piece of work stands."""

    stage: str
    fraction: float | None  # 0 to 1, None while it cannot be told
    elapsed: float  # s
    eta: float | None  # s until the end, None while it cannot be told
    finished: bool


@dataclass(frozen=True)
class Running(Generic[R]):
    """A piece of work in a thread of the studio's; its functions are quick."""

    look: Callable[[], Standing]
    stop: Callable[[], None]  # harmless when it has ended
    outcome: Callable[[], R]  # once it is finished; raises what went wrong, and Cancelled
    text: Callable[[], str] = str  # of a transcript, what was recognised so far


async def standings(
    work: Running[R], deadline: float, request: Request | None = None
) -> AsyncGenerator[Standing, None]:
    """How `work` stands, many times a second, the last one finished.

    Raises TimedOut when it is not finished by `deadline` (see Access.deadline), and Cancelled where whoever
    sent `request` has gone. However this ends, the work does as well: close the iterator to end it.
    """
    try:
        while True:
            standing = work.look()
            yield standing
            if standing.finished:
                return
            if time.monotonic() >= deadline:
                raise TimedOut(
                    "It was not finished in the time it was given.",
                    "Ask for less at once, or allow more time: X-Timeout, request_timeout_s.",
                )
            if request is not None and await request.is_disconnected():
                raise Cancelled
            await asyncio.sleep(_POLL_S)
    finally:
        work.stop()


async def outcome(work: Running[R], deadline: float, request: Request) -> R:
    """What `work` comes to, waited for. Raises what went wrong, and what `standings` raises."""
    async for _ in standings(work, deadline, request):
        pass
    return await run_in_threadpool(work.outcome)


def speaking(studio: Studio, order: Order, owner: str) -> Running[TakeRecord]:
    """Begin to speak. Raises what the services' `start` raises."""
    if isinstance(order, PerformOrder):
        return _performing(studio, order, owner)
    live = studio.speech.live(studio.speech.start(order, owner))

    def look() -> Standing:
        now = live.status
        return Standing(now.stage, now.fraction, now.elapsed, now.eta, now.state.finished)

    def result() -> TakeRecord:
        now = live.status
        if live.failure is not None:
            raise live.failure
        if now.state is not TakeState.DONE or now.record is None:
            raise Cancelled
        return now.record

    return Running(look, lambda: studio.speech.stop(live.id), result)


def _performing(studio: Studio, order: PerformOrder, owner: str) -> Running[TakeRecord]:
    task_id = studio.performances.start(order, owner)

    def look() -> Standing:
        now = studio.performances.status(task_id)
        return Standing(now.stage, now.fraction, now.elapsed, now.eta, now.state.finished)

    def result() -> TakeRecord:
        performance: Performance = studio.tasks.wait(task_id)
        return performance.record

    return Running(look, lambda: studio.performances.stop(task_id), result)


def transcribing(studio: Studio, order: TranscribeOrder, owner: str) -> Running[TranscriptRecord]:
    """Begin to transcribe. Raises what TranscriptService.start raises. The file is needed to the end."""
    live = studio.transcripts.live(studio.transcripts.start(order, owner))

    def look() -> Standing:
        now = live.status
        return Standing(now.stage, now.fraction, now.elapsed, now.eta, now.state.finished)

    def result() -> TranscriptRecord:
        record = live.status.record
        if live.failure is not None:
            raise live.failure
        if record is None or record.status != "done":
            raise Cancelled
        return record

    return Running(look, lambda: studio.transcripts.stop(live.id), result, lambda: live.status.text)
