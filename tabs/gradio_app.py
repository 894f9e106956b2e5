"""Lets Gradio make the page's app once, which takes a tenth off the start.

Gradio 6.17 makes one, with all its routes and a description of all components, when Blocks are begun, when they end,
and when their queue is set up, each in the place of the one before; at last it makes that which is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradio.routes import App


@contextmanager
def none_is_made() -> Iterator[None]:
    """Until the end of the block; for what is done before the launch."""
    make = App.create_app
    App.create_app = staticmethod(_nothing)  # type: ignore[method-assign]
    try:
        yield
    finally:
        App.create_app = make  # type: ignore[method-assign]


def _nothing(*_: Any, **__: Any) -> App:
    return App()
