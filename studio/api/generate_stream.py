"""Speech with its progress as server-sent events: POST /api/generate_stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import ExitStack, aclosing
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import Field

from studio.api.access import Access, Caller
from studio.api.documented import INFERENCE, errors, events
from studio.api.errors import body_of
from studio.api.running import Running, speaking
from studio.api.speech_requests import SpeechBody, order_of
from studio.api.sse import HEARTBEAT_S, EventStream, event_of, row_of, worth_telling
from studio.api.takes import encoded
from studio.audio.writing import format_named
from studio.errors import EngineFailed, StudioError
from studio.services.studio import Studio
from studio.services.takes import TakeRecord

log = logging.getLogger(__name__)

#: What programs call the stages; what is not here goes by the studio's own words.
STAGES = (
    ("waiting", "waiting"),
    ("switching the model", "switching model"),
    ("loading", "loading"),
    ("language model", "preparing text"),
    ("stress marks", "preparing text"),
    ("reading the reference", "preparing voice"),
    ("preparing the voice", "preparing voice"),
    ("speaking", "generating"),
    ("saving", "encoding"),
)


class StreamBody(SpeechBody):
    """A text, who speaks it, and what file is wanted."""

    format: str = Field("wav", description="wav, flac, mp3, ogg, opus or m4a.")


def router(studio: Studio, access: Access) -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["speech"])

    @routes.post(
        "/generate_stream",
        response_class=StreamingResponse,
        responses={
            **errors(*INFERENCE),
            **events(
                "One JSON object an event. While it runs: stage (waiting, switching model, loading, "
                "preparing text, preparing voice, generating, encoding ...), message, progress (0 to 1 or "
                "null), elapsed_s, eta_s. At the end: done, url, duration, sample_rate, seed, id; or "
                "error, hint, error_id. At least one event or comment comes every two seconds.",
                'data: {"stage": "generating", "progress": 0.4, "eta_s": 1.2}',
            ),
        },
    )
    async def generate_stream(
        request: Request, body: StreamBody, caller: Caller = Depends(access.caller)
    ) -> StreamingResponse:
        """Speak a text and tell how it goes. What is wrong with the request is answered by a status at once;
        who hangs up stops it."""
        deadline = access.deadline(connection=request)
        format = format_named(body.format).id
        stack = ExitStack()
        try:
            stack.enter_context(access.admit(caller))
            order = await run_in_threadpool(stack.enter_context, order_of(studio, body, caller.owner))
            work = await run_in_threadpool(speaking, studio, order, caller.owner)
        except BaseException:
            stack.close()
            raise
        return EventStream(_told(studio, work, format, deadline), work, stack)

    return routes


async def _told(
    studio: Studio, work: Running[TakeRecord], format: str, deadline: float
) -> AsyncIterator[str]:
    """The events of `work`, the last one its end."""
    try:
        async with aclosing(worth_telling(work, deadline)) as steps:
            async for now in steps:
                yield event_of(row_of(now) | {"stage": stage_of(now.stage), "message": now.stage})
        record = await run_in_threadpool(work.outcome)
        if format != "wav":
            yield event_of({"stage": "encoding", "message": f"saving as {format}", "progress": 1.0})
            path = studio.history.path(record)
            saving = run_in_threadpool(encoded, studio, record, path, format)
            async for line in _meanwhile(saving):
                yield line
    except StudioError as error:
        body = body_of(error)
        yield event_of({"error": body["detail"], "code": error.kind, **body})
        return
    except Exception as error:
        log.error("telling of speech failed", exc_info=error)
        body = body_of(EngineFailed("Something unexpected went wrong.", "The log has the details."))
        yield event_of({"error": body["detail"], "code": "engine_failed", **body})
        return
    yield event_of(
        {
            "done": True,
            "progress": 1.0,
            "id": record.id,
            "url": f"/api/audio/{record.id}?format={format}",
            "duration": round(record.duration, 3),
            "sample_rate": record.sample_rate,
            "seed": record.seed,
        }
    )


async def _meanwhile(work: Coroutine[Any, Any, Any]) -> AsyncIterator[str]:
    """Signs of life until `work` is done; raises what it raises."""
    task = asyncio.create_task(work)
    while not (await asyncio.wait({task}, timeout=HEARTBEAT_S))[0]:
        yield ": working\n\n"
    await task


def stage_of(words: str) -> str:
    """What programs call a stage."""
    return next((name for start, name in STAGES if words.startswith(start)), words)
