"""Where the studio runs: on somebody's machine, or for everybody on a Hugging Face Space."""

from __future__ import annotations

import ipaddress
import os

#: Set by the page's guard on a Space, so that each browser has a history of its own.
VISITOR_COOKIE = "timbre-visitor"


def on_a_space() -> bool:
    """Whether this is a Hugging Face Space, which sets SPACE_ID: public, and with its own door."""
    return bool(os.environ.get("SPACE_ID"))


def is_loopback(host: str) -> bool:
    """Whether only this machine itself reaches what listens at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
