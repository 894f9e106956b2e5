"""Avatar: a face says a text or a recording, as a video."""

from __future__ import annotations

from studio.services.studio import Studio
from tabs.avatar.layout import lay_out
from tabs.avatar.tab import AvatarTab
from tabs.avatar.wiring import wire

LABEL = "Avatar"
LATE = True


def build(studio: Studio) -> AvatarTab:
    tab = lay_out(studio)
    wire(studio, tab)
    return tab
