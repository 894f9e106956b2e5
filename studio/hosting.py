"""Where the studio runs: on somebody's machine, or for everybody on a Hugging Face Space."""

from __future__ import annotations

import os

#: Set by the page's guard on a Space, so that each browser has a history of its own.
VISITOR_COOKIE = "timbre-visitor"


def on_a_space() -> bool:
    """Whether this is a Hugging Face Space, which sets SPACE_ID: public, and with its own door."""
    return bool(os.environ.get("SPACE_ID"))
