"""What programs ask besides: how the studio is, who can speak, another model, a take's sound, a transcript."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from engines.base import Capability, ModelChoice
from engines.choosing import of_owner
from engines.recognition import AUTO_LANGUAGE, Segment
from studio import __version__
from studio.api.access import Access, Caller
from studio.api.documented import INFERENCE, PLAIN, errors, sound
from studio.api.takes import encoded
from studio.api.tts import heard
from studio.audio.writing import FORMATS, format_named
from studio.control import Control
from studio.errors import BadInput, Cancelled, ModelMissing, TimedOut, unknown
from studio.hosting import on_a_space
from studio.services.studio import Studio
from studio.services.transcripts import AUTO

_POLL_S = 0.1


class Switch(BaseModel):
    """A model to be loaded now, in place of what is loaded."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"model": "qwen-0.6b-custom-voice"}]}
    )

    model: str = Field("", description="Its key, as in GET /api/tts/qwen3/models; or give the engine.")
    engine: str = Field("", description="An engine without models, or for its best installed one.")
    dtype: str | None = Field(None, description="auto, float32, bfloat16, float16 or int8, from now on.")


def router(studio: Studio, access: Access) -> APIRouter:
    """Routes below /api."""
    routes = APIRouter(prefix="/api", tags=["studio"])

    @routes.get("/status", responses=errors(401))
    def status(caller: Caller = Depends(access.caller)) -> dict[str, Any]:
        """Which engine speaks by default, what is loaded where, memory, and how many wait."""
        state = studio.engines.state()
        return {
            "version": __version__,
            "ready": access.ready,
            "default_engine": studio.settings.default_engine,
            "model": _loaded_model(studio),
            "memory_mb": round(state.memory_mb, 1),
            "queue": {
                "waiting": state.waiting,
                "limit": studio.settings.max_waiting,
                "in_flight": access.in_flight,
            },
            "engines": [
                {
                    "id": each.id,
                    "loaded": each.loaded,
                    "in_use": each.in_use,
                    "idle_s": None if each.idle_s is None else round(each.idle_s, 1),
                    "model": each.model,
                    "device": each.placement.device if each.placement else "",
                    "dtype": each.placement.dtype if each.placement else "",
                    "load_error": each.load_error,
                }
                for each in state.engines
            ],
        }

    @routes.get("/speakers", responses=errors(*PLAIN))
    def speakers(
        engine: str = "", language: str = "", caller: Caller = Depends(access.caller)
    ) -> dict[str, Any]:
        """Who can speak: the engine's own voices, the caller's trained and saved ones, and personalities."""
        chosen = studio.engines.registry.get(engine or studio.settings.default_engine)
        own = Capability.PRESET in chosen.info.capabilities
        found = of_owner(chosen.speakers(), caller.owner) if own else ()
        return {
            "engine": chosen.info.id,
            "speakers": [
                {key: value for key, value in asdict(each).items() if key != "owner"}
                for each in found
                if not language or each.multilingual or each.language.startswith(language.lower())
            ],
            "saved_voices": [
                {"id": each.id, "name": each.name, "language": each.language}
                for each in studio.voices.list(caller.owner)
            ],
            "personalities": [
                {"id": each.id, "name": each.name} for each in studio.personalities.list(caller.owner)
            ],
        }

    @routes.post("/switch_model", responses=errors(*INFERENCE))
    async def switch_model(
        request: Request, wanted: Switch, caller: Caller = Depends(access.caller)
    ) -> dict[str, Any]:
        """Load a model now, so that the next request starts at once. Waits for its turn and the loading; who
        hangs up before its turn gives it up."""
        deadline = access.deadline(connection=request)
        if on_a_space() and not caller.key:
            raise BadInput("Visitors cannot change the models here.", "Use a key of the owner's.")
        engine, model = await run_in_threadpool(_switch_of, studio, wanted, caller.owner)
        control = Control()
        with access.admit(caller):
            work = asyncio.create_task(
                run_in_threadpool(studio.engines.switch, engine, model, control, wanted.dtype)
            )
            work.add_done_callback(_looked_at)
            try:
                while not (await asyncio.wait({work}, timeout=_POLL_S))[0]:
                    if await request.is_disconnected():
                        raise Cancelled
                    if time.monotonic() >= deadline:
                        raise TimedOut("The model was not loaded in time.", "Allow more: X-Timeout.")
            finally:
                control.cancel()
            placement = await work
        return {
            "engine": engine,
            "model": model,
            "device": placement.device if placement else "",
            "dtype": placement.dtype if placement else "",
            "reason": placement.reason if placement else "",
        }

    @routes.get(
        "/audio/{take_id}",
        response_class=FileResponse,
        responses={
            **errors(*PLAIN),
            **sound(*dict.fromkeys(each.mime.split(";")[0] for each in FORMATS.values())),
        },
    )
    def audio(
        take_id: str, format: str = "wav", caller: Caller = Depends(access.caller)
    ) -> FileResponse:
        """A finished take as an attachment: wav, flac, mp3, ogg, opus or m4a."""
        kind = format_named(format)
        record = studio.history.get(take_id, caller.owner)
        path = encoded(studio, record, studio.history.path(record), kind.id)
        return FileResponse(path, media_type=kind.mime, filename=path.name)

    @routes.post("/transcribe", responses=errors(*INFERENCE))
    async def transcribe(
        request: Request,
        file: Annotated[UploadFile, File(description="The recording, in any usual format.")],
        language: Annotated[str, Form(description="BCP 47 or auto.")] = AUTO_LANGUAGE,
        engine: Annotated[str, Form(description="Who recognises; auto: the best there is.")] = AUTO,
        model: Annotated[str, Form(description="Its model; empty: the best installed.")] = "",
        prompt: Annotated[str, Form(description="Names and words that are likely to occur.")] = "",
        process: Annotated[bool, Form(description="Let the language model correct it, if set.")] = True,
        caller: Caller = Depends(access.caller),
    ) -> dict[str, Any]:
        """What is said in a recording and when, waited for. Who hangs up stops it."""
        order = {
            **{"language": language, "engine": engine, "model": model},
            **{"prompt": prompt, "process": process},
        }
        record = await heard(studio, access, request, file, order, caller)
        return {
            "id": record.id,
            "text": record.text,
            "raw_text": record.raw_text,
            "language": record.transcript.language,
            "duration": round(record.transcript.duration, 3),
            "engine": record.engine,
            "model": record.model,
            "segments": [_segment(each) for each in record.transcript.segments],
            "notes": list(record.notes),
            "url": f"/transcripts/{record.id}/text",
        }

    return routes


def _looked_at(work: asyncio.Task[Any]) -> None:
    """What goes wrong once nobody waits any more is in the engine's state."""
    if not work.cancelled():
        work.exception()


def _loaded_model(studio: Studio) -> str:
    """The model of the default engine that is loaded; "" where none is, or it has none."""
    engine = studio.engines.registry.get(studio.settings.default_engine)
    return engine.loaded_model if engine.is_loaded else ""


def _switch_of(studio: Studio, wanted: Switch, owner: str) -> tuple[str, str]:
    """Engine and key of the model, "" where it has none. Raises NotFound, ModelMissing, and BadInput where
    neither is named."""
    registry = studio.engines.registry
    if not (wanted.model or wanted.engine):
        raise BadInput("Neither a model nor an engine is named.", "Give “model” or “engine”.")
    if wanted.engine:
        registry.engine(wanted.engine)
    known = [each for each in _models(studio, owner) if wanted.engine in ("", each[0])]
    if not wanted.model:
        installed = [choice.key for _, choice in known if choice.installed]
        if known and not installed:
            raise ModelMissing(
                f"No model of “{wanted.engine}” is installed.", "Get one in the Models tab."
            )
        return wanted.engine, installed[0] if installed else ""
    for engine, choice in known:
        if choice.key == wanted.model:
            if not choice.installed:
                raise ModelMissing(f"{choice.label} is not installed.", "Get it in the Models tab.")
            return engine, choice.key
    raise unknown("model", wanted.model, [choice.key for _, choice in known])


def _models(studio: Studio, owner: str) -> list[tuple[str, ModelChoice]]:
    """The models of every engine that `owner` may know of, each with its engine, the best first."""
    registry = studio.engines.registry
    found: dict[str, tuple[str, ModelChoice]] = {}
    for info in registry.infos():
        for mode in (Capability.PRESET, Capability.CLONE, Capability.DESIGN):
            if mode in info.capabilities:
                for choice in registry.get(info.id).models(mode):
                    found.setdefault(choice.key, (info.id, choice))
    for recognizer in registry.recognizer_infos():
        for choice in registry.recognizer(recognizer.id).models():
            found.setdefault(choice.key, (recognizer.id, choice))
    for avatar in registry.avatar_infos():
        for choice in registry.avatar(avatar.id).models():
            found.setdefault(choice.key, (avatar.id, choice))
    return [each for each in found.values() if each[1].owner in ("", owner)]


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "words": [
            {"word": each.text, "start": round(each.start, 3), "end": round(each.end, 3)}
            for each in segment.words
        ],
    }
