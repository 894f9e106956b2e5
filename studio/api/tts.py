"""Texts to speech and speech to texts in one request each: /tts, /tts/wav, /stt."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from engines.recognition import AUTO_LANGUAGE
from studio.api.access import Access, Caller
from studio.api.documented import INFERENCE, errors, sound
from studio.api.running import outcome, speaking, transcribing
from studio.api.speech_requests import SpeechBody, order_of
from studio.api.uploads import received
from studio.services.performance_orders import transcript_of
from studio.services.studio import Studio
from studio.services.takes import TakeRecord
from studio.services.transcripts import AUTO, TranscribeOrder, TranscriptRecord


class Spoken(BaseModel):
    """A finished take."""

    id: str
    processed_text: str = Field(description="What was said: the text with the lexicon's words.")
    audio_url: str = Field(description="The sound as Ogg Vorbis; ?format= has others.")
    duration: float = Field(description="Of the sound, seconds.")
    sample_rate: int
    seed: int
    engine: str
    voice: str
    language: str


class Heard(BaseModel):
    """A finished transcript."""

    id: str
    raw_text: str = Field(description="As it was recognised.")
    processed_text: str = Field(description="As the language model corrected it, where one is set.")
    language: str = Field(description="BCP 47; empty where nothing is said.")
    duration: float = Field(description="Of the recording, seconds.")
    notes: list[str] = Field(description="What one should know: who recognised it, guesses, faults.")
    files: dict[str, str] = Field(description="Where they are: txt, raw, srt, vtt, tsv, json, audio.")


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes /tts, /tts/wav and /stt."""
    routes = APIRouter(tags=["speech"])

    @routes.post("/tts", responses=errors(*INFERENCE))
    async def tts(request: Request, body: SpeechBody, caller: Caller = Depends(access.caller)) -> Spoken:
        """Speak a text and wait for it; the answer says where the sound is. Who hangs up stops it."""
        record = await spoken(studio, access, request, body, caller)
        text = await run_in_threadpool(said, studio, record)
        return Spoken(
            id=record.id,
            processed_text=text,
            audio_url=f"/api/audio/{record.id}?format=ogg",
            duration=round(record.duration, 3),
            sample_rate=record.sample_rate,
            seed=record.seed,
            engine=record.engine,
            voice=record.voice,
            language=record.language,
        )

    @routes.post(
        "/tts/wav",
        response_class=FileResponse,
        responses={
            **errors(*INFERENCE),
            **sound(
                "audio/wav",
                headers={
                    "X-Processed-Text-Length": "Characters of what was said.",
                    "X-Sample-Rate": "Hz.",
                    "X-Seed": "The same again with this seed.",
                    "X-Take-Id": "The take in the history.",
                },
            ),
        },
    )
    async def wav(
        request: Request, body: SpeechBody, caller: Caller = Depends(access.caller)
    ) -> FileResponse:
        """Speak a text and wait for it; answered with the finished sound. Who hangs up stops it."""
        record = await spoken(studio, access, request, body, caller)
        text = await run_in_threadpool(said, studio, record)
        path = studio.history.path(record)
        headers = {
            "X-Processed-Text-Length": str(len(text)),
            "X-Sample-Rate": str(record.sample_rate),
            "X-Seed": str(record.seed),
            "X-Take-Id": record.id,
        }
        return FileResponse(path, media_type="audio/wav", filename=path.name, headers=headers)

    @routes.post("/stt", responses=errors(*INFERENCE))
    async def stt(
        request: Request,
        file: Annotated[UploadFile, File(description="The recording, in any usual format.")],
        context: Annotated[str, Form(description="Names and words that are likely to occur.")] = "",
        language: Annotated[str, Form(description="BCP 47 or auto.")] = AUTO_LANGUAGE,
        engine: Annotated[str, Form(description="Who recognises; auto: the best there is.")] = AUTO,
        model: Annotated[str, Form(description="Its model; empty: the best installed.")] = "",
        caller: Caller = Depends(access.caller),
    ) -> Heard:
        """Write down a recording and wait for it. Who hangs up stops it."""
        order = {"prompt": context, "language": language, "engine": engine, "model": model}
        record = await heard(studio, access, request, file, order, caller)
        address = f"/transcripts/{record.id}"
        kinds = ("txt", "raw", "srt", "vtt", "tsv", "json")
        return Heard(
            id=record.id,
            raw_text=record.raw_text,
            processed_text=record.text,
            language=record.transcript.language,
            duration=round(record.transcript.duration, 3),
            notes=list(record.notes),
            files={kind: f"{address}/text?format={kind}" for kind in kinds}
            | {"audio": f"{address}/audio"},
        )

    return routes


async def spoken(
    studio: Studio, access: Access, request: Request, body: SpeechBody, caller: Caller
) -> TakeRecord:
    """The take of `body`, waited for. Raises what the services raise, Busy, TimedOut, and Cancelled for who
    hangs up."""
    deadline = access.deadline(connection=request)
    with access.admit(caller), ExitStack() as files:
        order = await run_in_threadpool(files.enter_context, order_of(studio, body, caller.owner))
        work = await run_in_threadpool(speaking, studio, order, caller.owner)
        return await outcome(work, deadline, request)


def said(studio: Studio, record: TakeRecord) -> str:
    """What a take says, as the engine got it."""
    return str(studio.history.sidecar(record).get("spoken") or transcript_of(record))


async def heard(
    studio: Studio,
    access: Access,
    request: Request,
    file: UploadFile,
    order: dict[str, Any],
    caller: Caller,
) -> TranscriptRecord:
    """The transcript of `file`, waited for; `order` has the other fields of a TranscribeOrder. Raises as
    `spoken`."""
    deadline = access.deadline(connection=request)
    with access.admit(caller), ExitStack() as files:
        (path,) = await run_in_threadpool(files.enter_context, received(studio, [file]))
        wanted = TranscribeOrder(path, name=file.filename or "", **order)
        work = await run_in_threadpool(transcribing, studio, wanted, caller.owner)
        return await outcome(work, deadline, request)
