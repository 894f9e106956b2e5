"""The history's “Use these settings” for a text that a personality has spoken."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.errors import NotFound
from studio.services import performance_orders
from studio.services.performance_values import PerformOrder
from studio.services.studio import Studio
from studio.services.takes import TakeRecord
from tabs.edge import owner_of
from tabs.personalities import performing, showing, working
from tabs.personalities.tab import PersonalitiesTab


def filled(tab: PersonalitiesTab) -> list[Any]:
    """The components that `values` fills."""
    return [*tab.page, *tab.forms, *tab.work, *tab.player.values()]


def values(studio: Studio, request: gr.Request, record: TakeRecord) -> list[Any]:
    """The personality, its parts below the text, and the form as it was. Raises NotFound where the
    personality was deleted."""
    order = performance_orders.from_settings(record.settings, record.text)
    personality = studio.personalities.get(order.personality, owner_of(request))
    return [
        *showing.page(studio, request, personality, ""),
        *showing.forms(studio, personality),
        *working.now(studio, request, record.id, "", anew=True),
        *_player(studio, request, order),
    ]


def _player(studio: Studio, request: gr.Request, order: PerformOrder) -> list[Any]:
    """The form of the player, in its order."""
    try:
        model, language = performing.on_engine(
            studio, request, order.engine, order.language, order.model
        )
    except NotFound:  # of an engine that was there once
        return [order.text, order.unknown.value, "", gr.skip(), gr.skip(), order.speed, ""]
    seed = "" if order.seed is None else str(order.seed)
    return [order.text, order.unknown.value, order.engine, model, language, order.speed, seed]
