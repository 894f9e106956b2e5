"""What /docs says of routes beyond their types: the shape of errors, and answers that are files or streams.

@routes.post("/tts/wav", responses={**sound("audio/wav"), **errors(401, 422, 429, 503, 504)})
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

#: As FastAPI takes `responses=`.
Responses = dict[int | str, dict[str, Any]]


class ErrorBody(BaseModel):
    """Every error's body."""

    detail: str = Field(description="What happened.", examples=["There is no voice “nobody”."])
    hint: str = Field("", description="What to do about it.", examples=["Did you mean nora?"])
    error_id: str = Field("", description="The log names it by this.", examples=["5f0c2a9e41b7"])


class OpenAIError(BaseModel):
    """What OpenAI's clients read."""

    message: str = Field(examples=["There is no voice “nobody”."])
    type: str = Field(examples=["invalid_request_error"])
    code: str | None = Field(None, examples=["not_found"])
    param: str | None = Field(None, examples=["voice"])


class OpenAIErrorBody(ErrorBody):
    """Every error's body below /v1."""

    error: OpenAIError


_MEANINGS = {
    400: "The request lacks what it needs.",
    401: "No key, or one that is not known: Authorization: Bearer tk_...",
    403: "It may not be asked for from there.",
    404: "There is none of that name or id, or it is somebody else's.",
    409: "The model is not on this machine, or it stands against what is there.",
    413: "More bytes than max_upload_mb allows.",
    415: "Not a kind of content that is read here.",
    416: "There are no such bytes in the file.",
    422: "Something in the request cannot be used as it is.",
    429: "Too many wait, or you ask too much; Retry-After says when to come back.",
    499: "It was stopped.",
    500: "Something broke off; the log has the details.",
    502: "The place that models come from did not answer as it should.",
    503: "Not ready: the studio starts or stops.",
    504: "Not finished within the deadline: request_timeout_s, or less by X-Timeout.",
    507: "The disk is full.",
}
_RETRY = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}

#: What any route that speaks or listens may answer.
INFERENCE = (401, 404, 409, 413, 422, 429, 500, 503, 504)
#: What any route may answer that only reads.
PLAIN = (401, 404, 422, 500, 503)
#: What any route may answer that changes something.
CHANGING = (400, *INFERENCE, 507)
_READING = {"GET", "HEAD"}


def include(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Put `routers` into `app`, with what each of their routes may answer besides what it says itself."""
    for routes in routers:
        for route in routes.routes:
            if isinstance(route, APIRoute):
                usual = PLAIN if (route.methods or set()) <= _READING else CHANGING
                openai = route.path.startswith("/v1/")
                route.responses = {**errors(*usual, openai=openai), **route.responses}
        app.include_router(routes)


def errors(*statuses: int, openai: bool = False) -> Responses:
    """How these statuses are answered; `openai` for routes below /v1."""
    model = OpenAIErrorBody if openai else ErrorBody
    return {
        status: {
            "model": model,
            "description": _MEANINGS[status],
            **({"headers": _RETRY} if status in (429, 503) else {}),
        }
        for status in statuses
    }


def sound(
    *media_types: str, description: str = "The sound.", headers: dict[str, str] | None = None
) -> Responses:
    """An answer that is a file, or sound as it is spoken, in one of these media types; `headers` with what
    they tell."""
    return {
        200: {
            "description": description,
            "content": {
                each: {"schema": {"type": "string", "format": "binary"}} for each in media_types
            },
            "headers": {
                name: {"description": meaning, "schema": {"type": "string"}}
                for name, meaning in (headers or {}).items()
            },
        }
    }


def plain_text(*media_types: str, description: str) -> Responses:
    """An answer that is text in one of these media types. The route's response_class stays Response, since
    errors would be documented in the media type of any other."""
    content = {each: {"schema": {"type": "string"}} for each in media_types}
    return {200: {"description": description, "content": content}}


def events(description: str, example: str) -> Responses:
    """An answer by server-sent events, such as `data: {"stage": "loading"}`."""
    content = {
        "schema": {  # of one event
            "type": "object",
            "properties": {"data": {"type": "string"}},
            "required": ["data"],
        },
        "example": example,
    }
    return {200: {"description": description, "content": {"text/event-stream": content}}}
