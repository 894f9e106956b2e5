"""Files on their way to the page: sounds to be heard, zips to be taken away."""

from __future__ import annotations

import secrets
from html import escape
from pathlib import Path

from studio.names import readable
from studio.services.studio import Studio
from tabs.edge import for_the_page
from tabs.personalities.view import Served
from tabs.waveform import file_url


def served(studio: Studio) -> Served:
    """What makes a file's address on the page."""
    return lambda path: file_url(Path(for_the_page(studio, path)))


def outgoing(studio: Studio, name: str) -> Path:
    """Where to write a zip that is to be taken away under a name like `name`."""
    folder = studio.workspace.gradio_temp / "exports" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    return folder / f"{readable(name)}.zip"


def link(path: Path) -> str:
    """A link that takes `path` away."""
    return (
        f'<p class="timbre-downloads"><a href="{escape(file_url(path))}" download="{escape(path.name)}">'
        f"{escape(path.name)}</a></p>"
    )


def pressed(elem_id: str) -> str:
    """For an event's `js`: take away what the link in that element leads to."""
    return f"() => document.querySelector('#{elem_id} a')?.click()"
