"""The player: a tagged text is spoken by the chosen personality; its parts are heard and tried again."""

from __future__ import annotations

from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import BadInput
from studio.services import performance_files
from studio.services.performance_values import TASK_KIND, PerformOrder, Unknown
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from tabs.edge import owner_of
from tabs.personalities import view, working
from tabs.personalities.emotions import chosen_one
from tabs.personalities.files import link, outgoing
from tabs.speech import choices
from tabs.speech.form import seed_of


def on_speak(
    studio: Studio,
    request: gr.Request,
    chosen: str,
    seen: str,
    text: str,
    unknown: str,
    engine: str,
    model: str | None,
    language: str,
    speed: float,
    seed: str,
) -> list[Any]:
    """Start; how it comes along is shown by the timer."""
    order = PerformOrder(
        chosen_one(studio, request, chosen).id,
        text or "",
        engine=engine or "",
        model=model or "",
        language=language or AUTO_LANGUAGE,
        speed=float(speed),
        seed=seed_of(seed),
        unknown=Unknown(unknown),
    )
    started = studio.performances.start(order, owner_of(request))
    return working.now(studio, request, started, seen)


def on_stop(studio: Studio, request: gr.Request) -> None:
    """Stop what is being spoken; what is finished is kept."""
    working.stop(studio, request, TASK_KIND)


def again(studio: Studio, request: gr.Request, performance: str, index: int) -> None:
    """Speak a part with another seed; the others stay."""
    studio.performances.regenerate(_shown(performance), index, owner_of(request))


def choose(studio: Studio, request: gr.Request, performance: str, index: int, seed: int) -> None:
    """Put another take of a part into the whole."""
    studio.performances.choose(_shown(performance), index, seed, owner_of(request))


def on_pack(studio: Studio, request: gr.Request, performance: str) -> str:
    """Everything as a zip, as a link."""
    found = studio.performances.get(_shown(performance), owner_of(request))
    target = outgoing(studio, f"{found.personality} {found.order.text}"[:60])
    whole = studio.history.path(found.record)
    return link(performance_files.pack(found, whole, target))


def on_engine(
    studio: Studio, request: gr.Request, engine: str, language: str, model: str | None
) -> tuple[Any, Any]:
    """Another engine: its models and its languages, what was chosen kept where it has that."""
    if not engine:
        return gr.Dropdown(choices=[view.AUTO_MODEL], value=""), gr.skip()
    known = choices.languages(studio.engines.registry.get(engine).info)
    kept = language if language in {code for _, code in known} else AUTO_LANGUAGE
    models = choices.models_of(studio, engine, Capability.CLONE, owner_of(request))
    listed = choices.models(models) if models else [view.AUTO_MODEL]
    still = model if model in {key for _, key in listed} else ""
    return gr.Dropdown(choices=listed, value=still), gr.Dropdown(choices=known, value=kept)


def _shown(performance: str) -> str:
    if not performance:
        raise BadInput("Nothing is spoken yet.", "Type a text and press Speak.")
    return performance
