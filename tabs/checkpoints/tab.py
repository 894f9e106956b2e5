"""The components of the Checkpoints tab, as handlers read and fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ID = "checkpoints"

#: The buttons that can be pressed or not, in the order of `showing.able`.
BUTTONS = (
    *("preset", "clone", "merge", "export", "zip", "stop", "stop-import"),
    *("save", "delete-epoch", "delete-run"),
)


@dataclass
class CheckpointsTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    # the runs
    damaged: Any = field(init=False)
    entries: Any = field(init=False)
    given: dict[str, Any] = field(default_factory=dict)  # by the names of `making.on_import`
    bring: Any = field(init=False)
    imported: Any = field(init=False)
    # the chosen one
    head: Any = field(init=False)
    epochs: Any = field(init=False)
    choice: Any = field(init=False)  # the chosen epoch
    buttons: dict[str, Any] = field(default_factory=dict)  # those of BUTTONS, and the answers
    made: Any = field(init=False)
    compared: Any = field(init=False)  # the run whose curves are laid over its own
    plots: Any = field(init=False)
    details: Any = field(init=False)
    merge_name: Any = field(init=False)
    target: Any = field(init=False)
    name: Any = field(init=False)
    note: Any = field(init=False)
    sure: Any = field(init=False)  # the column that asks
    question: Any = field(init=False)
    # what the page keeps, and what it tells
    refresh: Any = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    picked: Any = field(init=False)  # the run that was pressed in the list
    picked_epoch: Any = field(init=False)  # the epoch that was chosen in the table
    remembered: list[Any] = field(default_factory=list)  # run and epoch that the window was showing
    chosen: Any = field(init=False)  # id of the run
    epoch: Any = field(init=False)  # None: it has no checkpoint
    histories: Any = field(init=False)  # the metrics so far of the run, and of the compared one
    seen: Any = field(init=False)  # what the page shows already, so that only what is new is sent
    asked: Any = field(init=False)  # what is to be deleted: "<run>" or "<run>:<epoch>"
    timer: Any = field(init=False)

    @property
    def now(self) -> list[Any]:
        """What the page goes by, in the order that `showing.page` takes."""
        return [self.chosen, self.epoch, self.compared, self.histories]

    @property
    def page(self) -> list[Any]:
        """What follows every change, in the order of `showing.page`."""
        return [self.chosen, self.epoch, *self.ticked]

    @property
    def ticked(self) -> list[Any]:
        """What a tick may change: the choice is nobody's but the person's."""
        return [self.histories, self.seen, self.timer, *self.shown]

    @property
    def shown(self) -> list[Any]:
        """In the order of `showing.told`."""
        return [
            self.damaged,
            self.entries,
            self.imported,
            self.head,
            self.epochs,
            self.choice,
            self.made,
            self.plots,
            self.details,
            *(self.buttons[name] for name in BUTTONS),
            self.compared,
        ]

    @property
    def forms(self) -> list[Any]:
        """What is filled when another run or epoch is chosen, in the order of `showing.forms`."""
        return [self.merge_name, self.name, self.note]

    @property
    def asking(self) -> list[Any]:
        """The question before something is deleted."""
        return [self.sure, self.question, self.asked]
