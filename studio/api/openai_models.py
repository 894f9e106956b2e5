"""GET /v1/models: what a request may name as its model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from engines.base import Capability
from engines.choosing import of_owner
from studio.api.access import Access, Caller
from studio.api.documented import PLAIN, errors
from studio.api.openai_orders import OPENAI_MODELS
from studio.api.openai_transcriptions import OPENAI_RECOGNIZERS
from studio.errors import EngineFailed, unknown
from studio.services.studio import Studio

_MODES = (Capability.PRESET, Capability.CLONE, Capability.DESIGN)
_US = "timbre"


class Model(BaseModel):
    """Something that speaks or listens."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(default=0, description="Unix time; 0 where it is not known.")
    owned_by: str = Field(default=_US, description="Who made it, by its licence or repository.")
    kind: Literal["speech", "transcription"] = Field(description="What it is for.")
    label: str = Field(description="For people.")


class Models(BaseModel):
    """All there are."""

    object: Literal["list"] = "list"
    data: list[Model]


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes below /v1/models."""
    routes = APIRouter(prefix="/v1/models", tags=["OpenAI-compatible"])

    @routes.get("", responses=errors(*PLAIN, openai=True))
    def models(caller: Caller = Depends(access.caller)) -> Models:
        """Engines, the models of theirs that are installed, those trained here, and OpenAI's names for the
        studio's defaults."""
        return Models(data=list(_models(studio, caller.owner)))

    @routes.get("/{model_id:path}", responses=errors(*PLAIN, openai=True))
    def model(model_id: str, caller: Caller = Depends(access.caller)) -> Model:
        """One of them."""
        known = {each.id: each for each in _models(studio, caller.owner)}
        if model_id not in known:
            raise unknown("model", model_id, known)
        return known[model_id]

    return routes


def _models(studio: Studio, owner: str) -> Iterator[Model]:
    """What the owner may name, each once."""
    seen: set[str] = set()
    for each in (*_speech(studio, owner), *_transcription(studio)):
        if each.id not in seen:
            seen.add(each.id)
            yield each


def _speech(studio: Studio, owner: str) -> Iterator[Model]:
    registry = studio.engines.registry
    default = registry.get(studio.settings.default_engine).info
    for alias in OPENAI_MODELS:
        yield Model(id=alias, kind="speech", label=f"The studio's default engine: {default.label}")
    for engine_id in registry.ids:
        try:
            engine = registry.get(engine_id)
        except EngineFailed:  # its packages are missing; who names it is told
            continue
        yield Model(id=engine_id, kind="speech", label=engine.info.label)
        for mode in _MODES:
            for choice in of_owner(engine.models(mode), owner):
                if choice.installed:
                    made_by = studio.model_folders.all[choice.key].hugging_face.split("/")[0] or _US
                    yield Model(id=choice.key, kind="speech", label=choice.label, owned_by=made_by)


def _transcription(studio: Studio) -> Iterator[Model]:
    for alias in OPENAI_RECOGNIZERS:
        yield Model(id=alias, kind="transcription", label="The best recognizer that is installed")
    for info in studio.transcripts.recognizers():
        if info.missing:
            continue
        yield Model(id=info.id, kind="transcription", label=info.label)
        for choice in studio.transcripts.models(info.id):
            if choice.installed:
                yield Model(id=choice.key, kind="transcription", label=choice.label)
