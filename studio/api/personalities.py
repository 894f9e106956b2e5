"""Personalities over HTTP: made of recordings, built from one by server-sent events, listed and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, StreamingResponse

from studio.api.access import Access, Caller
from studio.api.documented import INFERENCE, errors, events, sound
from studio.api.errors import body_of
from studio.api.personality_requests import (
    BASE,
    PersonalityForm,
    PersonalityRow,
    SmartForm,
    new_emotions,
    personality_row,
    smart_order,
    step_row,
)
from studio.api.running import Running, Standing
from studio.api.sse import EventStream, event_of, row_of, worth_telling
from studio.api.uploads import received
from studio.errors import StudioError, unknown
from studio.names import readable
from studio.services.personality_values import NEUTRAL, NewPersonality, Personality
from studio.services.smart_values import SmartProgress
from studio.services.studio import Studio

_EVENTS = events(
    "One JSON object an event. While it runs: stage, progress (0 to 1 or null), elapsed_s, eta_s, "
    "personality (its id: it is in the library already), steps (tag, state, error). At the end: done, "
    "personality (all of it), notes; or error, hint, error_id, and personality where it can be resumed. "
    "At least one event comes every two seconds.",
    'data: {"stage": "generating happy", "progress": 0.4, "eta_s": 12.5}',
)


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes below /api/personality. What is not the caller's is not found; a personality is named by
    its id or by its name."""
    routes = APIRouter(prefix=BASE, tags=["personalities"])
    personalities = studio.personalities

    @routes.post("/create", status_code=201)
    def create(
        form: Annotated[PersonalityForm, Form(media_type="multipart/form-data")],
        caller: Caller = Depends(access.caller),
    ) -> PersonalityRow:
        """Make a personality of a recording for each emotion."""
        consent = form.consent
        with received(studio, form.audio) as files:
            new = NewPersonality(
                form.name,
                new_emotions(files, form.tags, form.transcripts),
                form.language,
                form.description,
                form.note,
                consent=consent,
            )
            return personality_row(personalities.create(new, caller.owner))

    @routes.post(
        "/create_smart",
        response_class=StreamingResponse,
        responses={**errors(*INFERENCE), **_EVENTS},
    )
    async def create_smart(
        request: Request,
        form: Annotated[SmartForm, Form(media_type="multipart/form-data")],
        caller: Caller = Depends(access.caller),
    ) -> StreamingResponse:
        """Build a personality from one recording. What is wrong with the request is answered by a status at
        once; who hangs up stops it, and what was made stays and can be resumed."""

        def start() -> str:
            given = [form.audio] if form.audio is not None else []
            with received(studio, given) as files:
                order = smart_order(studio, form, files[0] if files else None, caller.owner)
                return studio.smart.start(order, caller.owner)

        return await _building(studio, access, caller, request, start)

    @routes.post(
        "/{personality}/resume",
        response_class=StreamingResponse,
        responses={**errors(*INFERENCE), **_EVENTS},
    )
    async def resume(
        request: Request, personality: str, caller: Caller = Depends(access.caller)
    ) -> StreamingResponse:
        """Go on with a build that was stopped: what is not there yet is made."""
        return await _building(
            studio, access, caller, request, lambda: studio.smart.resume(personality, caller.owner)
        )

    @routes.get("/list")
    def listing(
        search: str = Query("", description="Only those that have these words in them."),
        caller: Caller = Depends(access.caller),
    ) -> list[PersonalityRow]:
        """The caller's personalities by name."""
        return [personality_row(each) for each in personalities.list(caller.owner, search)]

    @routes.get("/{personality}")
    def get(personality: str, caller: Caller = Depends(access.caller)) -> PersonalityRow:
        """All of a personality."""
        return personality_row(personalities.get(personality, caller.owner))

    @routes.get("/{personality}/audio", response_class=FileResponse, responses=sound("audio/wav"))
    def audio(
        personality: str,
        emotion: str = Query(NEUTRAL, description="Its tag."),
        caller: Caller = Depends(access.caller),
    ) -> FileResponse:
        """The recording of an emotion as WAV, an attachment."""
        found = personalities.get(personality, caller.owner)
        wanted = found.emotion(emotion)
        if wanted is None:
            raise unknown(f"emotion of “{found.name}”", emotion, [each.tag for each in found.emotions])
        return FileResponse(
            wanted.audio,
            media_type="audio/wav",
            filename=f"{readable(found.name)}_{readable(wanted.tag)}.wav",
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"},
        )

    @routes.delete("/{personality}", status_code=204)
    def delete(personality: str, caller: Caller = Depends(access.caller)) -> None:
        """Delete a personality with its recordings; what was spoken with it stays."""
        personalities.delete(personality, caller.owner)

    return routes


async def _building(
    studio: Studio, access: Access, caller: Caller, request: Request, start: Callable[[], str]
) -> StreamingResponse:
    """The events of the build that `start` begins."""
    deadline = access.deadline(connection=request)
    held = ExitStack()
    try:
        held.enter_context(access.admit(caller))
        task_id = await run_in_threadpool(start)
    except BaseException:
        held.close()
        raise
    work = _work(studio, task_id)
    return EventStream(_told(studio, task_id, work, deadline), work, held)


def _work(studio: Studio, task_id: str) -> Running[Personality]:
    tasks = studio.tasks

    def look() -> Standing:
        now = tasks.status(task_id)
        return Standing(now.stage, now.fraction, now.elapsed, now.eta, now.state.finished)

    return Running(look, lambda: tasks.stop(task_id), lambda: tasks.wait(task_id))


async def _told(
    studio: Studio, task_id: str, work: Running[Personality], deadline: float
) -> AsyncIterator[str]:
    try:
        async with aclosing(worth_telling(work, deadline)) as steps:
            async for now in steps:
                yield event_of(row_of(now) | _detail(studio, task_id))
        made = await run_in_threadpool(work.outcome)
    except StudioError as error:
        body = body_of(error)
        known = {"personality": _detail(studio, task_id).get("personality", "")}
        yield event_of({"error": body["detail"], "code": error.kind, **body, **known})
        return
    status = studio.tasks.status(task_id)
    row = personality_row(made).model_dump(mode="json")
    yield event_of({"done": True, "progress": 1.0, "personality": row, "notes": list(status.notes)})


def _detail(studio: Studio, task_id: str) -> dict[str, Any]:
    """What the build tells of itself: the personality's id and what became of each emotion."""
    detail = studio.tasks.status(task_id).detail
    if not isinstance(detail, SmartProgress):
        return {}
    steps = [step_row(each).model_dump(mode="json") for each in detail.steps]
    return {"personality": detail.personality, "steps": steps}
