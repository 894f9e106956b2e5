"""Server-sent events of work that ends with its answer."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing
from typing import Any

from fastapi.responses import StreamingResponse

from studio.api.running import Running, Standing, standings

#: How often progress is told while it changes, and how often at least, seconds.
_NEWS_S = 0.15
HEARTBEAT_S = 1.0


class EventStream(StreamingResponse):
    """`events` of `work`, which ends whatever becomes of the answer, begun or not; then `held` is closed."""

    def __init__(self, events: AsyncIterator[str], work: Running[Any], held: ExitStack) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._work, self._held = work, held

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with self._held:
            try:
                await super().__call__(scope, receive, send)
            finally:
                self._work.stop()


def event_of(value: dict[str, Any]) -> str:
    """An event whose data is a JSON object."""
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


async def worth_telling(work: Running[Any], deadline: float) -> AsyncGenerator[Standing, None]:
    """How `work` stands until it is finished, as often as is to be told. Raises what `standings` raises;
    close the iterator to end the work."""
    said, at = "", -HEARTBEAT_S
    async with aclosing(standings(work, deadline)) as steps:
        async for now in steps:
            if now.finished:
                return
            news, passed = f"{now.stage} {now.fraction}", time.monotonic() - at
            if passed >= (_NEWS_S if news != said else HEARTBEAT_S):
                said, at = news, time.monotonic()
                yield now


def row_of(now: Standing) -> dict[str, Any]:
    """What every event of progress tells; the stage by the studio's own word."""
    return {
        "stage": now.stage,
        "progress": None if now.fraction is None else round(now.fraction, 4),
        "elapsed_s": round(now.elapsed, 2),
        "eta_s": None if now.eta is None else round(now.eta, 2),
    }
