"""Made-up requests to every documented route: nothing breaks, and what is answered is what /docs says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engines.base import Capability
from studio.api import errors
from studio.api.access import Access
from studio.api.documented import include
from studio.api.routes import page_routers, routers
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.settings import load_settings

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)

#: The same requests at every run.
BOUNDS = bounded(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    given = {"home": home, "models_dir": home / "models", "max_text_chars": 60, "max_video_s": 2}
    with pytest.MonkeyPatch.context() as patch, Studio(load_settings(**given)) as opened:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield opened


@pytest.fixture(scope="module")
def app(studio: Studio) -> FastAPI:
    made = FastAPI(exception_handlers=errors.handlers())
    access = Access(studio, lambda _: "")
    include(made, [*page_routers(studio, access), *routers(studio, access)])
    return made


@pytest.fixture(scope="module")
def take(studio: Studio) -> str:
    """A finished one, so that not every id is made up."""
    return studio.speech.speak(SpeechOrder(Capability.PRESET, "Hi.", "espeak", language="en-us")).id


def operations(app: FastAPI) -> Iterator[Any]:
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        yield found.ok()


def test_no_made_up_request_breaks_a_route(app: FastAPI, take: str) -> None:
    """What fails is shown with the request that made it so."""
    tried, seen = 0, set()

    def ask(case: Any) -> None:
        answer = case.call()
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.json().keys() >= {"detail", "hint", "error_id"}, answer.text

    def check(case: Any) -> None:
        ask(case)
        if case.method == "GET" and "take_id" in case.path_parameters:
            case.path_parameters["take_id"] = take
            ask(case)

    for operation in operations(app):
        tried += 1
        BOUNDS(given(case=operation.as_strategy())(check))()
    assert tried > 50
    assert {200, 404, 422} <= seen


def test_errors_of_every_route_are_documented_with_their_shape(app: FastAPI) -> None:
    for operation in operations(app):
        told = operation.definition.raw["responses"]
        openai = operation.path.startswith("/v1/")
        shape = "#/components/schemas/" + ("OpenAIErrorBody" if openai else "ErrorBody")
        for status in ("401", "422", "500"):
            schema = told[status]["content"]["application/json"]["schema"]
            assert schema == {"$ref": shape}, (operation.label, status)
        assert operation.definition.raw["description"].strip(), operation.label
