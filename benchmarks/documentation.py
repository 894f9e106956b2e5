"""Puts a benchmark's tables between its markers in docs/benchmarks.md."""

from __future__ import annotations

from pathlib import Path

from studio.errors import Damaged
from studio.files import publishing
from studio.settings import CHECKOUT

PAGE = CHECKOUT / "docs" / "benchmarks.md"


def markers(name: str) -> tuple[str, str]:
    """The lines around what is written for the benchmark `name`."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def update(name: str, markdown: str, page: Path = PAGE) -> None:
    """Replace what stands between the markers of `name`. Raises Damaged where they are missing."""
    begin, end = markers(name)
    text = page.read_text("utf-8")
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise Damaged(f"{page.name} has no place for {name}.", f"Add the lines {begin} and {end}.")
    with publishing(page) as partial:
        partial.write_text(f"{before}{begin}\n\n{markdown}\n\n{end}{after}", "utf-8")
