"""The components of the Samples tab, as handlers read and fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ID = "samples"


@dataclass
class SamplesTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    # the runs, and the chosen one
    entries: Any = field(init=False)
    head: Any = field(init=False)
    # by epoch
    pages: Any = field(init=False)
    newer: Any = field(init=False)
    older: Any = field(init=False)
    epochs: Any = field(init=False)
    # one sentence
    across: Any = field(init=False)
    # blind
    pair: Any = field(init=False)
    trial: Any = field(init=False)
    tally: Any = field(init=False)
    # what the page keeps, and what it tells
    refresh: Any = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    picked: Any = field(init=False)  # the run that was pressed in the list
    pressed: Any = field(init=False)  # what was pressed of the blind test, see `blind.acted`
    remembered: Any = field(init=False)  # what the window was showing, see `showing.on_show`
    place: Any = field(init=False)  # a place.Place: what was chosen
    seen: Any = field(init=False)  # a place.Seen: what the window has already
    timer: Any = field(init=False)

    @property
    def page(self) -> list[Any]:
        """Everything, in the order of `showing.page`."""
        return [self.place, self.seen, self.timer, self.newer, self.older, *self.told]

    @property
    def told(self) -> list[Any]:
        """The HTML of it, in the order of `showing.told`."""
        return [
            *(self.entries, self.head, self.pages, self.epochs, self.across),
            *(self.pair, self.trial, self.tally),
        ]
