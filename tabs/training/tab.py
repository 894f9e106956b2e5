"""The components of the Train tab, as handlers read and fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ID = "train"


@dataclass
class TrainTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    # a new run
    choice: dict[str, Any] = field(default_factory=dict)  # by the names of `planning.CHOICE`
    fields: dict[str, Any] = field(default_factory=dict)  # by the names of `form.names`
    name: Any = field(init=False)
    reasons: Any = field(init=False)
    estimate: Any = field(init=False)
    create: Any = field(init=False)
    # the runs, and the chosen one
    damaged: Any = field(init=False)
    entries: Any = field(init=False)
    head: Any = field(init=False)
    status: Any = field(init=False)
    start: Any = field(init=False)
    stop: Any = field(init=False)
    figures: Any = field(init=False)
    plots: Any = field(init=False)
    log: Any = field(init=False)
    details: Any = field(init=False)
    # what the page keeps, and what it tells
    refresh: Any = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    picked: Any = field(init=False)  # the run that was pressed in the list
    remembered: Any = field(init=False)  # the run that the window was showing
    chosen: Any = field(init=False)  # id of the run
    history: Any = field(init=False)  # a following.History: its metrics so far
    seen: Any = field(init=False)  # what the page shows already, so that only what is new is sent
    timer: Any = field(init=False)

    @property
    def asked(self) -> list[Any]:
        """What a new run is to be, in the order that `planning.order_of` takes."""
        return [*self.choice.values(), *self.fields.values()]

    @property
    def prospect(self) -> list[Any]:
        """What follows a choice, in the order of `planning.proposed`."""
        return [*self.choice.values(), *self.fields.values(), self.reasons, *self.outlook]

    @property
    def outlook(self) -> list[Any]:
        """What the run would take, in the order of `planning.outlook`."""
        return [self.estimate, self.create]

    @property
    def page(self) -> list[Any]:
        """What shows the runs and the chosen one, in the order of `following.page`."""
        return [self.chosen, self.history, self.seen, self.timer, self.start, self.stop, *self.told]

    @property
    def told(self) -> list[Any]:
        """The HTML of it, in the order of `following.told`."""
        return [
            self.damaged,
            self.entries,
            self.head,
            self.status,
            self.figures,
            self.plots,
            self.log,
            self.details,
        ]
