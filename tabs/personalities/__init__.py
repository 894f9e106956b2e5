"""Personalities: voices with emotions, made by hand or built, and tagged texts spoken by them."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.personalities import wiring
from tabs.personalities.layout import lay_out
from tabs.personalities.tab import PersonalitiesTab

LABEL = "Personalities"


def build(studio: Studio) -> PersonalitiesTab:
    tab = lay_out(studio)
    wiring.wire_list(studio, tab)
    wiring.wire_emotions(studio, tab)
    wiring.wire_keeping(studio, tab)
    wiring.wire_making(studio, tab)
    wiring.wire_player(studio, tab)
    return tab
