"""Whether the studio lives, whether it takes requests, and its figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from studio import __version__
from studio.api.access import Access
from studio.api.documented import errors, plain_text
from studio.errors import NotReady
from studio.metrics import Now
from studio.services.studio import Studio


class Health(BaseModel):
    """How the engine that speaks by default stands."""

    status: str = Field(
        description="ok, or failing when the engine could not be loaded.", examples=["ok"]
    )
    version: str = Field(examples=[__version__])
    engine: str = Field(description="The default engine.", examples=["espeak"])
    loaded: bool = Field(description="Whether it is loaded; it is at its first use.")


class Readiness(BaseModel):
    """How many wait."""

    ready: bool
    waiting: int = Field(description="Requests that wait for the device.")
    max_waiting: int = Field(description="More than these are refused with 429.")


def router(studio: Studio, access: Access) -> APIRouter:
    """/health, /ready and /metrics. The first two are for everybody, as whatever watches over a server has no
    key: they tell nothing of anybody's."""
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/health",
        responses={503: {"model": Health, "description": "The engine could not be loaded."}},
    )
    def health() -> Response:
        """Whether the engine that speaks by default is alive. One that ended is started at the next request,
        and counts as alive until that fails."""
        engine_id = studio.settings.default_engine
        state = next((each for each in studio.engines.state().engines if each.id == engine_id), None)
        alive = state is not None and (state.loaded or not state.load_error)
        told = Health(
            status="ok" if alive else "failing",
            version=__version__,
            engine=engine_id,
            loaded=state is not None and state.loaded,
        )
        return JSONResponse(told.model_dump(), 200 if alive else 503, {"Cache-Control": "no-store"})

    @routes.get("/ready", response_model=Readiness, responses=errors(503))
    def ready() -> Response:
        """Whether requests are accepted: not while the studio ends."""
        if not access.ready:
            raise NotReady("The studio is about to stop.", "Try again when it is up again.")
        told = Readiness(
            ready=True,
            waiting=studio.engines.waiting,
            max_waiting=studio.settings.max_waiting,
        )
        return JSONResponse(told.model_dump(), headers={"Cache-Control": "no-store"})

    @routes.get(
        "/metrics",
        dependencies=[Depends(access.caller)],
        response_class=Response,
        responses=plain_text("text/plain", description="Prometheus' text format."),
    )
    def metrics() -> Response:
        """Queue depth, waiting, time to first audio, real-time factor, rejects, loads, and errors by kind.
        Prometheus signs in with `authorization: {credentials: tk_...}`."""
        state = studio.engines.state()
        now = Now(
            ready=access.ready,
            waiting=state.waiting,
            in_flight=access.in_flight,
            in_use=frozenset(each.id for each in state.engines if each.in_use),
            loaded=frozenset(each.id for each in state.engines if each.loaded),
            engines=tuple(each.id for each in state.engines),
        )
        body, media_type = studio.metrics.page(now)
        return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})

    return routes
