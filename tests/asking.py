"""Who asks the handlers of the page, a name that would do harm in it, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

ATTACK = "<img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class Asker:
    """Who is signed in, as gr.Request tells it."""

    username: str = "ann"


ANN: Any = Asker()
BOB: Any = Asker("bob")


class _Elements(HTMLParser):
    """What could do harm in a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.harmful: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "i-am-typed"):
            self.harmful.append(tag)
        self.harmful += [
            name for name, value in attrs if name.startswith("on") or (name, value) == ("src", "x")
        ]


def assert_harmless(*parts: str) -> None:
    """Nothing that was typed has become an element or a handler of the page."""
    for html in parts:
        assert _Elements(html).harmful == [], html
