"""A sentence spoken in a saved voice, to hear what an engine makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from tabs.edge import bind, for_the_page, owner_of
from tabs.speech import view as speech_view
from tabs.voices.tab import VoicesTab


def wire(studio: Studio, tab: VoicesTab) -> None:
    """Bind the audition, and clear it when another voice is chosen."""
    told: dict[str, Any] = {
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    heard = [tab.audition_status, tab.audition_sound]
    tab.audition.click(bind(on_audition, studio), [tab.chosen, tab.engine, tab.sentence], heard, **told)
    tab.chosen.change(lambda: ("", None), None, heard, **told)


def on_audition(
    studio: Studio, request: gr.Request, chosen: str, engine: str, sentence: str
) -> Iterator[tuple[Any, Any]]:
    """Speak the sentence in the saved voice; it is a take like any other, and in the history."""
    owner = owner_of(request)
    voice = studio.voices.get(chosen, owner)
    order = SpeechOrder(
        Capability.CLONE, sentence or "", engine, reference=studio.voices.reference(voice)
    )
    take_id = studio.speech.start(order, owner)
    for status in studio.speech.follow(take_id):
        yield speech_view.status([status]), gr.skip()
    if status.record is not None:
        yield gr.skip(), for_the_page(studio, studio.history.path(status.record))
