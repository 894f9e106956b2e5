"""POST /v1/audio/speech as OpenAI's clients know it, and GET /v1/audio/voices."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, StreamingResponse

from engines.base import Capability
from studio.api import takes
from studio.api.access import Access, Caller
from studio.api.documented import INFERENCE, PLAIN, errors, sound
from studio.api.errors import body_of
from studio.api.live_speech import LiveSpeech, SpeechResponse, encoded
from studio.api.openai_orders import SpeechRequest, model_named, order_of
from studio.api.openai_voices import listed
from studio.api.running import outcome, speaking
from studio.audio.live_encoding import LIVE_FORMATS, LiveEncoder
from studio.audio.wav import HEADER_BYTES
from studio.audio.writing import FORMATS
from studio.errors import StudioError
from studio.services.performance_values import PerformOrder
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder, TakeRecord

#: Hz; OpenAI's clients play raw PCM so, whatever made it.
_PCM_RATE = 24_000
_BLOCK = 1 << 16
_HEADERS = {
    "X-Sample-Rate": "Hz of the sound in the answer.",
    "X-Seed": "The same again with this seed.",
    "X-Take-Id": "The take in the history.",
}
_SSE = "text/event-stream"


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes /v1/audio/speech and /v1/audio/voices."""
    routes = APIRouter(prefix="/v1/audio", tags=["OpenAI-compatible"])
    media_types = dict.fromkeys((*(each.mime for each in LIVE_FORMATS.values()), _SSE))

    @routes.post(
        "/speech",
        response_class=Response,
        responses={
            **errors(*INFERENCE, openai=True),
            **sound(*media_types, description="The sound, or pieces of it as events.", headers=_HEADERS),
        },
    )
    async def speech(
        request: Request, body: SpeechRequest, caller: Caller = Depends(access.caller)
    ) -> Response:
        """Speak a text; the sound comes while it is spoken. Who hangs up stops it."""
        access.check(caller)  # a full house is told at once
        deadline = access.deadline(connection=request)
        with ExitStack() as files:
            order = await run_in_threadpool(order_of, studio, body, caller.owner, files)
            if isinstance(order, PerformOrder) or _waits(studio, body, order):
                with access.admit(caller):
                    work = await run_in_threadpool(speaking, studio, order, caller.owner)
                    record = await outcome(work, deadline, request)
                return await _finished(studio, record, body)
            live = await LiveSpeech.begin(studio, order, caller, access, deadline, files.pop_all())
        await live.wait_for_sound(request)
        return _live(live, body)

    @routes.get("/voices", responses=errors(*PLAIN, openai=True))
    def voices(model: str = "", caller: Caller = Depends(access.caller)) -> dict[str, Any]:
        """The voices there are, of an engine or of all: its own, saved ones, personalities, and what OpenAI's
        names stand for."""
        engine, _ = model_named(studio, model, caller.owner)
        rows = list(listed(studio, caller.owner, engine))
        saved = [
            {"name": row["name"], "id": row["id"], "kind": row["kind"]}
            for row in rows
            if row["kind"] in ("saved", "personality", "trained")
        ]
        names = list(dict.fromkeys(row["id"] for row in rows))
        return {"object": "list", "voices": names, "uploaded_voices": saved, "data": rows}

    return routes


def _waits(studio: Studio, body: SpeechRequest, order: SpeechOrder) -> bool:
    """Whether the finished sound is wanted. What an engine draws by chance is checked only then, and spoken
    again where it went wrong; and FLAC without its length is more than many programs can read."""
    if body.stream is not None:
        return not body.stream
    info = studio.engines.registry.get(order.engine).info
    better = Capability.SAMPLED in info.capabilities or body.response_format == "flac"
    return body.stream_format is None and better


def _live(live: LiveSpeech, body: SpeechRequest) -> Response:
    encoder = _encoder(body, live.sample_rate)
    headers = _headers(encoder, live.status.seed, live.take_id)
    sound = encoded(live, encoder)
    if body.stream_format == "sse":
        events = _events(sound, body, {"take_id": live.take_id})
        return SpeechResponse(live, events, headers=_event_headers(headers), media_type=_SSE)
    return SpeechResponse(live, sound, headers=headers, media_type=encoder.mime)


async def _finished(studio: Studio, record: TakeRecord, body: SpeechRequest) -> Response:
    path = studio.history.path(record)
    encoder = _encoder(body, record.sample_rate)
    headers = _headers(encoder, record.seed, record.id)
    if body.stream_format == "sse":
        events = _events(_file(path, encoder), body, {"take_id": record.id})
        return StreamingResponse(events, headers=_event_headers(headers), media_type=_SSE)
    if encoder.format.id in FORMATS:
        whole = await run_in_threadpool(takes.encoded, studio, record, path, encoder.format.id)
        return FileResponse(whole, media_type=encoder.mime, headers=headers)
    return StreamingResponse(_file(path, encoder), headers=headers, media_type=encoder.mime)


def _encoder(body: SpeechRequest, sample_rate: int) -> LiveEncoder:
    wanted = _PCM_RATE if body.response_format == "pcm" else None
    return LiveEncoder(body.response_format, sample_rate, wanted)


def _headers(encoder: LiveEncoder, seed: int, take_id: str) -> dict[str, str]:
    return {
        "X-Sample-Rate": str(encoder.sample_rate),
        "X-Seed": str(seed),
        "X-Take-Id": take_id,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="speech{encoder.format.extension}"',
    }


def _event_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Content-Disposition"}


async def _file(path: Path, encoder: LiveEncoder) -> AsyncIterator[bytes]:
    """A take's file by `encoder`; memory stays flat."""
    position = HEADER_BYTES
    try:
        while block := await run_in_threadpool(_read, path, position):
            position += len(block)
            if ready := await run_in_threadpool(encoder.feed, block):
                yield ready
        if rest := await run_in_threadpool(encoder.finish):
            yield rest
    finally:
        encoder.close()


def _read(path: Path, position: int) -> bytes:
    with path.open("rb") as file:
        file.seek(position)
        return file.read(_BLOCK)


async def _events(
    sound: AsyncIterator[bytes], body: SpeechRequest, about: Mapping[str, Any]
) -> AsyncIterator[bytes]:
    """The events speech.audio.delta for each piece, then speech.audio.done, or speech.audio.error.

    No tokens are counted here: what the usage counts is characters of the text.
    """
    count = len(body.input)
    try:
        async for piece in sound:
            audio = base64.b64encode(piece).decode()
            yield _event("delta", {"audio": audio, "response_format": body.response_format})
    except StudioError as error:
        yield _event("error", body_of(error, "/v1/"))
        return
    usage = {"input_tokens": count, "output_tokens": 0, "total_tokens": count}
    yield _event("done", {"usage": usage, **about})


def _event(kind: str, content: Mapping[str, Any]) -> bytes:
    name = f"speech.audio.{kind}"
    return f"event: {name}\ndata: {json.dumps({'type': name, **content})}\n\n".encode()
