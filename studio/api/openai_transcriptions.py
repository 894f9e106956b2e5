"""POST /v1/audio/transcriptions as OpenAI's clients know it."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from contextlib import ExitStack
from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse

from engines.recognition import Segment
from studio.api.access import Access, Caller
from studio.api.documented import INFERENCE, errors
from studio.api.errors import body_of
from studio.api.live_speech import PlacedResponse
from studio.api.openai_orders import language_code
from studio.api.running import Running, outcome, standings, transcribing
from studio.api.uploads import received
from studio.errors import StudioError, unknown
from studio.services.studio import Studio
from studio.services.transcript_files import FORMATS
from studio.services.transcripts import AUTO, TranscribeOrder, TranscriptRecord
from studio.text.transcripts import timed_words

#: OpenAI's own models stand for the best recognizer that is installed.
OPENAI_RECOGNIZERS = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe")


class ResponseFormat(str, Enum):
    """What the answer is."""

    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VTT = "vtt"
    VERBOSE_JSON = "verbose_json"


class Granularity(str, Enum):
    """What verbose_json tells the times of."""

    WORD = "word"
    SEGMENT = "segment"


_ANSWERS = {
    "description": "The transcript.",
    "content": {
        "application/json": {
            "schema": {"type": "object", "required": ["text"]},
            "examples": {"json": {"value": {"text": "Good morning."}}},
        },
        **{
            each: {"schema": {"type": "string"}}
            for each in ("text/plain", "application/x-subrip", "text/vtt", "text/event-stream")
        },
    },
    "headers": {"X-Transcript-Id": {"description": "It in the history.", "schema": {"type": "string"}}},
}


def router(studio: Studio, access: Access) -> APIRouter:
    """The route /v1/audio/transcriptions."""
    routes = APIRouter(prefix="/v1/audio", tags=["OpenAI-compatible"])

    @routes.post(
        "/transcriptions",
        response_class=Response,
        responses={**errors(*INFERENCE, openai=True), 200: _ANSWERS},
    )
    async def transcriptions(
        request: Request,
        file: Annotated[UploadFile, File(description="The recording, in any usual format.")],
        model: Annotated[
            str,
            Form(description="A recognizer, one of its models, or whisper-1 ...: the best there is."),
        ] = "",
        language: Annotated[str, Form(description="ISO 639-1 or BCP 47; empty: it is told.")] = "",
        prompt: Annotated[str, Form(description="Names and words that are likely to occur.")] = "",
        response_format: Annotated[ResponseFormat, Form()] = ResponseFormat.JSON,
        temperature: Annotated[
            float, Form(ge=0, le=1, description="Taken, and without effect: nothing is drawn by chance.")
        ] = 0.0,
        granularities: Annotated[
            list[Granularity] | None,
            Form(
                alias="timestamp_granularities[]",
                description="For verbose_json: word, segment, or both; none: segment.",
            ),
        ] = None,
        stream: Annotated[
            bool, Form(description="Events with what is recognised as it is, for json and text.")
        ] = False,
        caller: Caller = Depends(access.caller),
    ) -> Response:
        """Write down a recording, and wait for it. Who hangs up stops it."""
        deadline = access.deadline(connection=request)
        with ExitStack() as stack:
            stack.enter_context(access.admit(caller))
            (path,) = await run_in_threadpool(stack.enter_context, received(studio, [file]))
            engine, key = await run_in_threadpool(recognizer_named, studio, model)
            order = TranscribeOrder(
                path,
                engine=engine,
                model=key,
                language=_language(studio, language),
                prompt=prompt,
                name=file.filename or "",
            )
            work = await run_in_threadpool(transcribing, studio, order, caller.owner)
            if stream and response_format in (ResponseFormat.JSON, ResponseFormat.TEXT):
                stack.callback(work.stop)
                return PlacedResponse(
                    _events(work, deadline),
                    stack.pop_all(),
                    media_type="text/event-stream",
                    headers={"Cache-Control": "no-store"},
                )
            record = await outcome(work, deadline, request)
        return _answer(record, response_format, granularities or [Granularity.SEGMENT])

    return routes


def recognizer_named(studio: Studio, name: str) -> tuple[str, str]:
    """The recognizer and its model that `name` stands for, or (AUTO, ""). Raises NotFound."""
    wanted = name.strip().lower()
    if not wanted or wanted.startswith(OPENAI_RECOGNIZERS):
        return AUTO, ""
    infos = studio.transcripts.recognizers()
    if wanted in {info.id for info in infos}:
        return wanted, ""
    for info in infos:
        if wanted in info.model_keys:
            return info.id, wanted
    keys = [key for info in infos for key in info.model_keys]
    raise unknown("recognizer", name, (*(info.id for info in infos), *keys, *OPENAI_RECOGNIZERS))


def _language(studio: Studio, given: str) -> str:
    """The code of a language; clients may write "english"."""
    known = {
        code: name for info in studio.transcripts.recognizers() for code, name in info.languages.items()
    }
    return language_code(given, known, studio.settings.default_language)


def _answer(
    record: TranscriptRecord, format: ResponseFormat, granularities: list[Granularity]
) -> Response:
    headers = {"X-Transcript-Id": record.id}
    if format is ResponseFormat.TEXT:
        return PlainTextResponse(f"{record.text}\n", headers=headers)
    if format in (ResponseFormat.SRT, ResponseFormat.VTT):
        kind = FORMATS[format.value]
        return Response(kind.write(record), media_type=f"{kind.mime}; charset=utf-8", headers=headers)
    usage = {"type": "duration", "seconds": math.ceil(record.transcript.duration)}
    content: dict[str, Any] = {"text": record.text, "usage": usage}
    if format is ResponseFormat.VERBOSE_JSON:
        content |= _verbose(record, granularities)
    return JSONResponse(content, headers=headers)


def _verbose(record: TranscriptRecord, granularities: list[Granularity]) -> dict[str, Any]:
    transcript = record.transcript
    content: dict[str, Any] = {
        "task": record.task,
        "language": transcript.language,
        "duration": round(transcript.duration, 3),
    }
    if Granularity.SEGMENT in granularities:
        content["segments"] = [_segment(index, each) for index, each in enumerate(transcript.segments)]
    if Granularity.WORD in granularities:
        content["words"] = [
            {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
            for each in transcript.segments
            for word in timed_words(each)
        ]
    return content


def _segment(index: int, segment: Segment) -> dict[str, Any]:
    """As OpenAI's clients read it. What no recognizer here tells has the value that means "nothing odd"."""
    probability = segment.probability
    sure = math.log(max(probability, 1e-9)) if probability is not None else 0.0
    return {
        "id": index,
        "seek": 0,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(sure, 4),
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }


async def _events(work: Running[TranscriptRecord], deadline: float) -> AsyncIterator[bytes]:
    """transcript.text.delta with what is new whenever there is something, then transcript.text.done."""
    told, done = "", 0.0
    try:
        async for standing in standings(work, deadline):
            if standing.fraction == done and not standing.finished:
                continue
            done, text = standing.fraction or 0.0, work.text()
            if len(text) > len(told):
                yield _event("transcript.text.delta", {"delta": text[len(told) :]})
                told = text
        record = await run_in_threadpool(work.outcome)
    except StudioError as error:
        yield _event("error", body_of(error, "/v1/"))
        return
    usage = {"type": "duration", "seconds": math.ceil(record.transcript.duration)}
    yield _event("transcript.text.done", {"text": record.text, "usage": usage})


def _event(name: str, content: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **content})}\n\n".encode()
